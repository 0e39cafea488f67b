"""The budget that runs are measured against where their owner has none: nothing is switched on."""

from __future__ import annotations

from leanloop.budgets.budget import Budget

__all__ = ["ON_BY_DEFAULT", "bare_budget", "bare_tree"]

ON_BY_DEFAULT = ("limits", "loop", "results", "prefix")
"""Keys that hold where a file does not name them."""


def bare_tree(agent: str) -> dict[str, object]:
    """A budget file, as plain values, in which all is off: there is no limit, and nothing is saved."""
    return {"agent": agent, "limits": [], "loop": False, "results": False, "prefix": {"breakpoints": False}}


def bare_budget(agent: str) -> Budget:
    """The same, read."""
    return Budget.model_validate(bare_tree(agent))

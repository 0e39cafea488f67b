"""The effort that a number of thinking tokens is worth."""

from __future__ import annotations

from collections.abc import Mapping

from leanloop.budgets.degrade_step import Effort

__all__ = ["effort_of_tokens"]


def effort_of_tokens(budgets: Mapping[Effort, int], tokens: object) -> Effort | None:
    """The least effort worth that many tokens of thinking, else the most; None where it is no number of them."""
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0 or not budgets:
        return None
    ordered: list[Effort] = sorted(budgets, key=lambda effort: budgets[effort])
    enough: list[Effort] = [effort for effort in ordered if budgets[effort] >= tokens]
    return enough[0] if enough else ordered[-1]

"""The arms in which cognitive tools are tried on a labelled set: without, with, and with one plain `think` tool."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from leanloop.budgets.budget import Budget
from leanloop.budgets.scaffold_rules import ScaffoldRules
from leanloop.plugins.scaffold.think_tool import THINK
from leanloop.plugins.scaffold.worth import WITH_TOOLS

__all__ = ["ARMS", "arms_of"]

ARMS = ("off", "on", "think")
"""As ``leanloop evaluate --scaffold`` names them."""


def arms_of(budget: Budget, model: str, which: Collection[str] = ARMS) -> Mapping[str, Budget]:
    """The budget of each arm by its setting: ``model``, ``model+scaffold`` and ``model+think``.

    What the file says of the tools holds in the arms that have them, save whether they are offered: in these they are,
    in every call, however difficult, and none is made the other way to learn.
    """
    rules = (budget.scaffold or ScaffoldRules()).model_copy(update={"models": (model,), "above": None})
    fixed = budget.model_copy(update={"difficulty": budget.difficulty.model_copy(update={"explore": None})})
    scaffolds = {
        "off": (model, None),
        "on": (f"{model}{WITH_TOOLS}", rules),
        "think": (f"{model}+{THINK.name}", rules.model_copy(update={"tools": (THINK.name,)})),
    }
    return {setting: fixed.model_copy(update={"scaffold": own}) for arm in which for setting, own in [scaffolds[arm]]}

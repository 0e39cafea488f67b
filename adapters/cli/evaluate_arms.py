"""What is tried against what: each model with each effort of thinking, with cognitive tools and without."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, cast

from leanloop.adapters.cli.evaluate_models import EvaluatedModel
from leanloop.budgets.budget import Budget
from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.budgets.fields import shown
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.scaffold.arms import ARMS, arms_of

__all__ = ["EvaluationArm", "arms_for", "read_efforts", "read_scaffolds"]


class EvaluationArm(NamedTuple):
    """A setting, whose model it is, and the budget it is asked under."""

    setting: str
    model: EvaluatedModel
    budget: Budget


def read_efforts(text: str | None) -> list[Effort]:
    """``off,high``: the efforts to try; empty where none are named.

    Raises:
        UsageError: one is no effort.
    """
    names = ["none" if name == "off" else name for name in _listed(text)]
    for name in names:
        if name not in EFFORTS:
            raise UsageError(f"--thinking takes off and {', '.join(EFFORTS[1:])}, not {shown(name)}.")
    return cast("list[Effort]", names)


def read_scaffolds(text: str | None) -> list[str]:
    """``on,off,think``: with cognitive tools, without, with one plain tool to think with.

    Raises:
        UsageError: one is none of these.
    """
    names = _listed(text)
    for name in names:
        if name not in ARMS:
            raise UsageError(f"--scaffold takes {', '.join(ARMS)}, not {shown(name)}.")
    return names


def arms_for(
    models: Sequence[EvaluatedModel], budget: Budget, efforts: Sequence[Effort], scaffolds: Collection[str]
) -> list[EvaluationArm]:
    """Every model with every effort, with and without cognitive tools.

    What chooses by itself in the file (routes, cache, known answers, degrade, an experiment) is left out: a setting is
    to be asked as it is. Limits hold, and refuse where they would land, so that no answer is cut short unseen.
    Cognitive tools are not offered beside an effort (`not_with_thinking`), so there is no setting with both.

    Raises:
        UsageError: two come out the same, or none is left.
    """
    plain = budget.model_copy(
        update={"at_limit": "raise", "experiment": None, "routes": None, "cache": None, "answers": (), "degrade": ()}
    )
    if not scaffolds:
        plain = plain.model_copy(update={"scaffold": None})
    wanted: list[Effort | None] = [*efforts] or [None]
    found: list[EvaluationArm] = []
    for model in models:
        by_scaffold = arms_of(plain, model.name, scaffolds) if scaffolds else {model.name: plain}
        for name, under in by_scaffold.items():
            for effort in wanted:
                if effort not in {None, "none"} and under.scaffold is not None and under.scaffold.not_with_thinking:
                    continue
                arm = under.model_copy(update={"thinking": _always(effort)})
                found.append(EvaluationArm(str(Setting(name, effort)), model, arm))
    if not found:
        raise UsageError("Cognitive tools are not offered beside thinking: add off to --thinking or to --scaffold.")
    names = [arm.setting for arm in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{shown(twice)} is there twice: two of --models are called by the same name.")
    return found


def _always(effort: Effort | None) -> ThinkingRules | None:
    """The one effort for all calls; None leaves it to the model."""
    if effort is None:
        return None
    return ThinkingRules(phases=dict.fromkeys(("plan", "tool", "result", "answer"), effort))


def _listed(text: str | None) -> list[str]:
    return list(dict.fromkeys(name for part in (text or "").split(",") if (name := part.strip().lower())))

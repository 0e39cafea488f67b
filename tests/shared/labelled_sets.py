"""Labelled rows of made-up questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled

__all__ = ["labelled_steps"]


def labelled_steps(
    steps: Mapping[str, int], right: Mapping[str, Sequence[str]], costs: Mapping[str, int | None]
) -> tuple[Labelled, ...]:
    """Rows of so many questions of each step; a setting is right on the steps that `right` names for it.

    Args:
        steps: questions, by step.
        right: by setting.
        costs: nano-dollars a question, by setting.
    """
    questions = [(step, f"{step} {number}") for step, of in steps.items() for number in range(of)]
    return tuple(
        Labelled(name, Setting.read(setting), float(step in right[setting]), step, cost=costs[setting])
        for step, name in questions
        for setting in costs
    )

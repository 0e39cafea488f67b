"""What an experiment has shown so far: which arm is better, as far as that is sure."""

from __future__ import annotations

from typing import NamedTuple

from leanloop.budgets.experiment_rules import ExperimentRules
from leanloop.plugins.trial.arms import ArmName, Arms
from leanloop.plugins.trial.bounds import Interval
from leanloop.plugins.trial.sequential import cost_difference, score_difference

__all__ = ["Verdict", "judged"]


class Verdict(NamedTuple):
    """What is known of the difference between the arms.

    Attributes:
        better: which arm all tasks should go by; None while that is not sure.
        why: in words.
        score, cost: by how much the arm with the key is above the one without, in score and in dollars a task.
    """

    better: ArmName | None
    why: str
    score: Interval
    cost: Interval


def judged(arms: Arms, rules: ExperimentRules) -> Verdict:
    """Whether the arm with the key loses more than it may, or wins, or is cheaper without a loss. May be asked as often
    as one likes: the bounds hold for all times together.
    """
    score, cost = score_difference(arms.on, arms.off), cost_difference(arms.on, arms.off)
    better, why = _better(score, cost, rules.lose_at_most)
    if min(arms.on.tasks, arms.off.tasks) < rules.least:
        seen = f"{arms.on.tasks:,} and {arms.off.tasks:,}"
        better, why = None, f"{seen} tasks with and without it are scored; it takes {rules.least:,} of each"
    return Verdict(better, why, score, cost)


def _better(score: Interval, cost: Interval, margin: float) -> tuple[ArmName | None, str]:
    points = f"{margin * 100:g} points"
    if score.high < -margin:
        return "off", f"scores fall by more than {points}"
    if score.low > margin:
        return "on", f"scores rise by more than {points}"
    if score.low >= -margin and cost.high < 0:
        return "on", f"tasks are cheaper and scores fall by no more than {points}"
    if score.high <= margin and cost.low > 0:
        return "off", f"tasks are dearer and scores rise by no more than {points}"
    return None, "nothing is sure yet"

"""The two arms of an experiment: which one a task is in, and what became of the tasks in each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

from leanloop.budgets.budget import Budget
from leanloop.budgets.experiment_rules import ExperimentRules
from leanloop.budgets.money import NANO
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import Added, Count

__all__ = ["ARMS", "Arm", "ArmName", "Arms", "arm_counts", "arm_of", "ended_count", "experiment_key"]

ArmName = Literal["on", "off"]
ARMS: tuple[ArmName, ArmName] = ("on", "off")
"""With the key of the file that is tried, and without it."""

_WEIGHT = 1e-3
"""Of one task, so that counts fade (at a weight of 1,000) after a million: an experiment forgets nothing before."""

_DEAREST = 1_000
"""Dollars: what a task counts as, at most. Sums of scores hold no more than their weight, so costs are parts of it."""

_WHOLE = 2**64


@dataclass(frozen=True, slots=True)
class Arm:
    """What became of the tasks of one arm that were scored.

    Attributes:
        tasks: how many were scored.
        score: the sum of their scores.
        priced: of them, those whose cost is known.
        cost, squares: the sums of their costs in dollars, and of the squares of them.
    """

    tasks: int = 0
    score: float = 0.0
    priced: int = 0
    cost: float = 0.0
    squares: float = 0.0

    @property
    def mean_score(self) -> float:
        """The mean score; 0 of nothing."""
        return self.score / self.tasks if self.tasks else 0.0

    @property
    def mean_cost(self) -> float | None:
        """What a task cost, in dollars; None where none has a price."""
        return self.cost / self.priced if self.priced else None

    @property
    def cost_variance(self) -> float:
        """Of what a task cost, in dollars squared."""
        if self.priced < 2:
            return 0.0
        return max(0.0, self.squares - self.cost**2 / self.priced) / (self.priced - 1)


@dataclass(frozen=True, slots=True)
class Arms:
    """Both arms, and which one all tasks go by now; None while that is not decided."""

    on: Arm = Arm()
    off: Arm = Arm()
    ended: ArmName | None = None

    @classmethod
    def read(cls, counts: Mapping[str, Count]) -> Arms:
        """From what `arm_counts` and `ended_count` have added up to."""
        ended = next((name for name in ("off", "on") if f"ended {name}" in counts), None)  # where both: the safe one
        return cls(_arm("on", counts), _arm("off", counts), "off" if ended == "off" else "on" if ended else None)


def experiment_key(budget: Budget) -> str:
    """Under which an experiment is counted: another one where its rules change, or those of what it tries.

    Raises:
        ValueError: the budget has none.
    """
    rules = budget.experiment
    if rules is None:
        raise ValueError("no experiment")
    about = [rules.model_dump(mode="json"), budget.model_dump(mode="json", include={str(rules.of)})]
    print_of = blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=8).hexdigest()
    return f"experiment:{budget.agent}:{rules.of}:{print_of}"


def arm_of(rules: ExperimentRules, key: str, task_id: str, tags: Mapping[str, str]) -> ArmName:
    """The arm of a task, by a hash that is the same in every process: of the value of its tag, else of its id."""
    value = tags.get(rules.by) if rules.by is not None else None
    who = ["tag", value] if value is not None else ["task", task_id]
    digest = blake2b(json.dumps([key, *who]).encode(), digest_size=8).digest()
    return "on" if int.from_bytes(digest) < rules.share * _WHOLE else "off"


def arm_counts(decision: Decision, score: float) -> Sequence[Added]:
    """What the outcome of a task adds to its arm."""
    [key], arm = decision.keys, decision.setting
    added = [_added(key, f"{arm} score", score)]
    if decision.cost is not None:
        part = min(1.0, max(0, decision.cost) / NANO / _DEAREST)
        added += [_added(key, f"{arm} cost", part), _added(key, f"{arm} squares", part * part)]
    return added


def ended_count(key: str, arm: ArmName) -> Added:
    """That all tasks go the way of `arm` from now on."""
    return Added(key, f"ended {arm}", Count(weight=_WEIGHT))


def _added(key: str, what: str, value: float) -> Added:
    return Added(key, what, Count(weight=_WEIGHT, score=_WEIGHT * value))


def _arm(name: ArmName, counts: Mapping[str, Count]) -> Arm:
    score, cost, squares = (counts.get(f"{name} {what}", Count()) for what in ("score", "cost", "squares"))
    return Arm(
        tasks=round(score.weight / _WEIGHT),
        score=score.score / _WEIGHT,
        priced=round(cost.weight / _WEIGHT),
        cost=cost.score / _WEIGHT * _DEAREST,
        squares=squares.score / _WEIGHT * _DEAREST**2,
    )

"""What decisions saved, net: what they cost beside what would have been spent had nobody decided.

Costs are whole: all attempts, samples and checks are in them, and in what would have been spent the prefix that the
provider had cached, which a switch throws away. Decisions of which either is not known are counted apart, never as
zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from leanloop.plugins.outcomes.decision import By, Decision
from leanloop.plugins.trial.bounds import Interval, share_interval

__all__ = ["NetSavings", "Sum", "net_savings"]

_Z = 1.959964


@dataclass(slots=True)
class Sum:
    """Amounts that vary, added up."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, amount: float) -> None:
        """One more."""
        self.count += 1
        self.total += amount
        self.squares += amount * amount

    @property
    def mean(self) -> float:
        """0 of nothing."""
        return self.total / self.count if self.count else 0.0

    @property
    def variance(self) -> float:
        """Of one of them."""
        if self.count < 2:
            return 0.0
        return max(0.0, self.squares - self.total**2 / self.count) / (self.count - 1)

    def interval(self) -> Interval:
        """The sum, and what as many of the same kind would come to (normal bounds, two-sided, 95 %)."""
        if self.count < 2:
            return Interval(self.total, -math.inf, math.inf)
        half = _Z * math.sqrt(self.count * self.variance)
        return Interval(self.total, self.total - half, self.total + half)


@dataclass(slots=True)
class NetSavings:
    """What the decisions of one plugin came to; money in nano-dollars.

    Attributes:
        decided: all of them.
        changed: those by which a call was made otherwise than without them.
        unsure, explored: too little was known; of these, made the other way to learn.
        escalated: a cheaper answer was made first and not taken.
        unpriced: those of which the cost, or what would have been spent, is not known.
        cost: what the others cost.
        saved: what they saved; below 0 where they lost.
        scores: of those whose outcome was said.
    """

    by: By
    decided: int = 0
    changed: int = 0
    unsure: int = 0
    explored: int = 0
    escalated: int = 0
    unpriced: int = 0
    cost: int = 0
    saved: Sum = field(default_factory=Sum)
    scores: Sum = field(default_factory=Sum)

    def add(self, one: Decision) -> None:
        """Count one more."""
        self.decided += 1
        self.changed += one.other is not None and one.other != one.setting
        self.unsure += one.unsure
        self.explored += one.explored
        self.escalated += one.escalated
        if one.cost is None or one.other_cost is None:
            self.unpriced += 1
        else:
            self.cost += one.cost
            self.saved.add(one.other_cost - one.cost)
        if one.score is not None:
            self.scores.add(one.score)

    @property
    def otherwise(self) -> int:
        """What would have been spent."""
        return self.cost + round(self.saved.total)

    @property
    def success(self) -> Interval:
        """The mean score of those whose outcome was said."""
        return share_interval(self.scores.total, self.scores.count)


def net_savings(decisions: Iterable[Decision]) -> list[NetSavings]:
    """By plugin, those that decided most first; the arms of an experiment are none."""
    found: dict[By, NetSavings] = {}
    for one in decisions:
        if one.by != "experiment":
            found.setdefault(one.by, NetSavings(one.by)).add(one)
    return sorted(found.values(), key=lambda by: -by.decided)

"""How far shares, means and paired differences may lie from what was counted.

- A share: Wilson's score interval (J. Am. Stat. Assoc. 22, 1927).
- The mean of paired differences: Tango's score interval (Statistics in Medicine 17, 1998), which solves for the
  difference at which what was seen would be as unlikely as the confidence says. Where an interval at the estimate (mean
  plus 1.645 standard errors) breaks its promise up to a third of the time while few pairs differ, this one keeps to it
  within a percentage point from 50 pairs on.
- A mean without bounds, such as a cost: the normal interval.

Scores between 0 and 1 count as parts of a whole success, which overstates how much they vary: intervals of them are
wider than they need be, never narrower.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

__all__ = ["CONFIDENCE", "Differences", "Interval", "least_pairs", "mean_interval", "share_interval"]

CONFIDENCE = 0.95

_ROUNDS = 50
"""Halvings in which a bound is looked for: to 1e-15."""


class Interval(NamedTuple):
    """An estimate and the bounds around it."""

    estimate: float
    low: float
    high: float


@cache
def _normal(chance: float) -> float:
    return NormalDist().inv_cdf(chance)


def share_interval(successes: float, of: int, confidence: float = CONFIDENCE) -> Interval:
    """The share, and bounds of it (two-sided); of nothing it may be anything."""
    if of == 0:
        return Interval(math.nan, 0.0, 1.0)
    z2 = _normal((1 + confidence) / 2) ** 2
    share = successes / of
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = math.sqrt(z2 * share * (1 - share) / of + (z2 / (2 * of)) ** 2) / (1 + z2 / of)
    return Interval(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def mean_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The mean, and bounds of it (two-sided); of fewer than two values it may be anything."""
    if len(values) < 2:
        return Interval(values[0] if values else math.nan, -math.inf, math.inf)
    mean, half = fmean(values), _normal((1 + confidence) / 2) * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


@dataclass(frozen=True, slots=True)
class Differences:
    """Paired differences of scores, each from -1 to 1, as far as they are needed.

    Attributes:
        of: pairs.
        lost: the sum of the differences above 0.
        won: that of those below, without its sign.
    """

    of: int
    lost: float
    won: float

    @classmethod
    def between(cls, pairs: Iterable[tuple[float, float]]) -> Differences:
        """The first score of each pair less the second."""
        above = [first - second for first, second in pairs]
        lost, won = math.fsum(one for one in above if one > 0), -math.fsum(one for one in above if one < 0)
        return cls(len(above), lost, won)

    @property
    def mean(self) -> float:
        """What was lost by each pair."""
        return (self.lost - self.won) / self.of if self.of else math.nan

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """The mean, and bounds of it (two-sided)."""
        one_sided = (1 + confidence) / 2
        return Interval(self.mean, -Differences(self.of, self.won, self.lost).most(one_sided), self.most(one_sided))

    def most(self, confidence: float = CONFIDENCE) -> float:
        """The mean is at most this (one-sided); 1 of nothing."""
        if not self.of:
            return 1.0
        low, high = self.mean, 1.0
        for _ in range(_ROUNDS):
            middle = (low + high) / 2
            if self.at_most(middle, confidence):
                high = middle
            else:
                low = middle
        return high

    def at_most(self, most: float, confidence: float = CONFIDENCE) -> bool:
        """Whether the mean is surely at most `most` (one-sided): quicker than looking for the bound."""
        n, b, c = self.of, self.lost, self.won
        over = n * most - b + c
        if over <= 0:
            return False
        # The most likely share of pairs that were won, were the mean as large as `most`.
        p = -b - c + (2 * n - b + c) * most
        q = -c * most * (1 - most)
        won = (math.sqrt(max(0.0, p * p - 8 * n * q)) - p) / (4 * n)
        return over >= _normal(confidence) * math.sqrt(max(0.0, n * (2 * won + most * (1 - most))))


def least_pairs(most: float, confidence: float = CONFIDENCE) -> int:
    """How many pairs, none of which differs, it takes to be sure of `most`."""
    return math.ceil(min(_normal(confidence) ** 2 * (1 - most) / most, sys.maxsize))

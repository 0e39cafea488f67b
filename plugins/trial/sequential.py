"""Bounds that hold however often one looks: an experiment may be judged after every task, and end at any.

- The difference of two mean scores, each score from 0 to 1: both means that the bets against them have not ruled out.
  A bet on a mean grows by the likelihood of what was seen under a Beta(1/2, 1/2) mixture over that under the mean; for
  any values between 0 and 1 it is a supermartingale, so that it is ever above 20 with a chance of 1 in 20 at most
  (Ville; Robbins, Ann. Math. Stat. 41, 1970; the beta-binomial mixture of Howard et al., Ann. Stat. 49, 2021). The two
  arms' bets are multiplied, which is tighter than a bound for each.
- The difference of two mean costs, which have no bound: the asymptotic confidence sequence of Waudby-Smith, Arbour,
  Sinha, Kennedy and Ramdas (Ann. Stat. 52, 2024), which holds the better the more tasks there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from leanloop.plugins.trial.arms import Arm
from leanloop.plugins.trial.bounds import CONFIDENCE, Interval

__all__ = ["cost_difference", "score_difference"]

_ROUNDS = 40
_EDGE = 1e-9
_TIGHTEST_AT = 500
"""Tasks at which the bounds of costs are tightest; elsewhere they are nearly so."""


def score_difference(on: Arm, off: Arm, confidence: float = CONFIDENCE) -> Interval:
    """By how much the mean score of the first arm is above the second's."""
    if not on.tasks or not off.tasks:
        return Interval(math.nan, -1.0, 1.0)
    high = _furthest(on, off, confidence)
    low = -_furthest(off, on, confidence)
    return Interval(on.mean_score - off.mean_score, low, high)


def cost_difference(on: Arm, off: Arm, confidence: float = CONFIDENCE) -> Interval:
    """By how many dollars a task of the first arm costs more than one of the second."""
    if on.priced < 2 or off.priced < 2:
        return Interval(math.nan, -math.inf, math.inf)
    found = on.cost / on.priced - off.cost / off.priced
    of = on.priced + off.priced
    deviation = math.sqrt(of * (on.cost_variance / on.priced + off.cost_variance / off.priced))
    miss = 1 - confidence
    rho2 = (-2 * math.log(miss) + math.log(-2 * math.log(miss) + 1)) / _TIGHTEST_AT
    grown = of * rho2 + 1
    half = deviation * math.sqrt(2 * grown / (of * of * rho2) * math.log(math.sqrt(grown) / miss))
    return Interval(found, found - half, found + half)


def _furthest(one: Arm, other: Arm, confidence: float) -> float:
    """How far above the other's mean the mean of the one may be."""
    most = -math.log(1 - confidence)
    bets = _bet(one), _bet(other)

    def allowed(by: float) -> bool:
        low, high = max(_EDGE, -by + _EDGE), min(1 - _EDGE, 1 - by - _EDGE)
        if low > high:
            return False
        return _least(lambda mean: bets[0](mean + by) + bets[1](mean), low, high) <= most

    low, high = one.mean_score - other.mean_score, 1.0
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if allowed(middle):
            low = middle
        else:
            high = middle
    return high


def _bet(arm: Arm) -> Callable[[float], float]:
    """The logarithm of what a bet against a mean has grown to."""
    won, lost = arm.score, max(0.0, arm.tasks - arm.score)
    mixture = math.lgamma(won + 0.5) + math.lgamma(lost + 0.5) - math.lgamma(arm.tasks + 1) - math.log(math.pi)

    def grown(mean: float) -> float:
        mean = min(1 - _EDGE, max(_EDGE, mean))
        return mixture - won * math.log(mean) - lost * math.log1p(-mean)

    return grown


def _least(of: Callable[[float], float], low: float, high: float) -> float:
    """The least value of a convex function, by golden section."""
    part = (math.sqrt(5) - 1) / 2
    left, right = high - part * (high - low), low + part * (high - low)
    at_left, at_right = of(left), of(right)
    for _ in range(_ROUNDS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - part * (high - low)
            at_left = of(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + part * (high - low)
            at_right = of(right)
    return min(at_left, at_right)

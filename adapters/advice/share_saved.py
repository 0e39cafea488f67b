"""The share of a bill that is saved, by tasks, and how far it may lie from what was counted.

The interval is the wider, at each end, of two that draw whole tasks:

- A bootstrap (B. Efron, Ann. Stat. 7, 1979). It is right where most tasks save, and too narrow where few of them carry
  the saving: which of those are to come, the drawn ones hardly tell.
- A Bayesian bootstrap (D. Rubin, Ann. Stat. 9, 1981) with one task more than there is: for the upper end as good as the
  best, for the lower end as bad as the worst. So E. Learned-Miller and P. Thomas bound a mean
  (https://arxiv.org/abs/1905.06208, where the extreme that is possible is known; here the most extreme task stands in).

Percentiles of both are moved outwards as Student's t is wider than the normal distribution, without which few tasks
give too narrow an interval (T. Hesterberg, The American Statistician 69, 2015, "expanded percentile").

How often the truth lies beyond each end, docs/advise.md says. What no task shows is in no interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from leanloop.plugins.trial.bounds import CONFIDENCE, Interval

__all__ = ["share_saved"]

_DRAWS = 4_000
_DRAWN_AT_ONCE = 1_000_000
"""Tasks, which bounds the memory."""

_Floats = npt.NDArray[np.float64]


def share_saved(before: _Floats, after: _Floats, seed: int = 0) -> Interval:
    """The share and its two-sided interval, from what each of at least two tasks cost before and after; the sum before
    is above 0. The same seed gives the same.
    """
    share = float(1 - after.sum() / before.sum())
    tasks, tail = len(before), _tail(len(before))
    draw = np.random.default_rng(seed)

    def counted(size: int) -> _Floats:
        places = draw.integers(tasks, size=(size, tasks))
        old, new = before[places].sum(axis=1), after[places].sum(axis=1)
        return np.where(old > 0, 1 - new / np.where(old > 0, old, 1.0), 0.0)

    gains = (before - after) - share * before
    worst, best = int(gains.argmin()), int(gains.argmax())

    def with_one_more(size: int) -> _Floats:
        weights = draw.standard_exponential((size, tasks))
        more = draw.standard_exponential(size)
        old, new = weights @ before, weights @ after
        return np.stack([1 - (new + more * after[one]) / (old + more * before[one]) for one in (worst, best)])

    drawn, low_high = _drawn(counted, tasks), _drawn(with_one_more, tasks)
    low = min(share, _quantile(drawn, tail), _quantile(low_high[0], tail))
    high = max(share, _quantile(drawn, 1 - tail), _quantile(low_high[1], 1 - tail))
    return Interval(share, low, high)


def _drawn(shares: Callable[[int], _Floats], tasks: int) -> _Floats:
    """All draws, so many at once that the memory is bounded."""
    at_once = max(1, min(_DRAWS, _DRAWN_AT_ONCE // tasks))
    sizes = [min(at_once, _DRAWS - done) for done in range(0, _DRAWS, at_once)]
    return np.concatenate([shares(size) for size in sizes], axis=-1)


def _quantile(drawn: _Floats, chance: float) -> float:
    return float(np.quantile(drawn, chance))


def _tail(tasks: int) -> float:
    """The percentile an interval begins at: that of Student's t, as the bootstrap's own spread has it."""
    normal = NormalDist()
    z, nu = normal.inv_cdf((1 + CONFIDENCE) / 2), tasks - 1
    # Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5: three digits from four degrees of freedom on.
    t = z + (z**3 + z) / (4 * nu)
    t += (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * nu**3)
    return normal.cdf(-math.sqrt(tasks / nu) * t)

"""What a change saves and what it costs: shares, and how far they may lie from what was counted.

- The share of the bill that is saved is a ratio of sums over runs. Its interval is a bootstrap that draws whole tasks
  (B. Efron, Ann. Stat. 7, 1979), since runs of one task are alike. Its percentiles are moved outwards as Student's t is
  wider than the normal distribution, without which few tasks give too narrow an interval (T. Hesterberg, The American
  Statistician 69, 2015, "expanded percentile"). Simulated with a known truth the lower end, which advice goes by, lies
  above it in up to 4 of 100 cases; where few tasks carry the saving the upper end is too low far more often.
- Successes lost are bounded by Tango's score bound (`leanloop.plugins.trial.bounds`), one-sided. Tasks count there and
  not runs: the costly side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from leanloop.adapters.advice.change import Change
from leanloop.adapters.advice.effect import Effect
from leanloop.plugins.trial.bounds import CONFIDENCE, Differences, Interval

__all__ = ["LEAST_TASKS", "Losses", "Saving", "saving_of"]

LEAST_TASKS = 5
"""With fewer tasks nothing is said of what others would save: five, drawn again and again, hardly show more."""

_DRAWS = 4_000
_DRAWN_AT_ONCE = 1_000_000
"""Tasks, which bounds the memory."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Successes that a change would have cost.

    Attributes:
        share: of those that were counted.
        at_most: what it is at most, at 95 % confidence, one-sided.
        lost, of: their numbers; None where the share was measured on labelled rows.
        assumed: no run is known to be a success, so each counts as one.
    """

    share: float
    at_most: float
    lost: int | None = None
    of: int | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Saving:
    """What became of the runs under a change.

    Attributes:
        runs, tasks: how many were measured on.
        before, after: their bill in nano-dollars.
        share: of the bill that is saved; unbounded where too few tasks tell.
        losses: of successes.
        used, missing: see `Effect`; sums.
    """

    runs: int
    tasks: int
    before: int
    after: int
    share: Interval
    losses: Losses
    used: int
    missing: int


def saving_of(change: Change, seed: int = 0) -> Saving:
    """What the change saves, and what it costs."""
    effects = change.effects
    losses = _losses(effects) if change.successes_lost is None else Losses(*change.successes_lost)
    return Saving(
        runs=len(effects),
        tasks=len({effect.group for effect in effects}),
        before=sum(effect.before for effect in effects),
        after=sum(effect.after for effect in effects),
        share=_share(effects, seed),
        losses=losses,
        used=sum(effect.used for effect in effects),
        missing=sum(effect.missing for effect in effects),
    )


def _losses(effects: Sequence[Effect]) -> Losses:
    successes = [effect for effect in effects if effect.success]
    counted = successes or effects
    lost, of = sum(effect.ended for effect in counted), len(counted)
    if not of:
        return Losses(0.0, 1.0, 0, 0, assumed=True)
    tasks = len({effect.group for effect in counted})
    most = Differences(tasks, lost / of * tasks, 0.0).most()
    return Losses(lost / of, most, lost, of, assumed=not successes)


def _share(effects: Sequence[Effect], seed: int) -> Interval:
    place = {group: number for number, group in enumerate(sorted({effect.group for effect in effects}))}
    sums = np.zeros((2, len(place)))
    for effect in effects:
        sums[:, place[effect.group]] += effect.before, effect.after
    before, after = sums.sum(axis=1)
    if before <= 0:
        return Interval(0.0, -math.inf, 1.0)
    share = float(1 - after / before)
    if len(place) < LEAST_TASKS:
        return Interval(share, -math.inf, 1.0)
    draw = np.random.default_rng(seed)
    shares: list[float] = []
    at_once = max(1, min(_DRAWS, _DRAWN_AT_ONCE // len(place)))
    while len(shares) < _DRAWS:
        old, new = sums[:, draw.integers(len(place), size=(at_once, len(place)))].sum(axis=2)
        shares += (1 - new / np.where(old > 0, old, np.inf) - (old <= 0)).tolist()
    tail = _tail(len(place))
    low, high = (float(one) for one in np.quantile(shares[:_DRAWS], (tail, 1 - tail)))
    return Interval(share, min(low, share), max(high, share))


def _tail(tasks: int) -> float:
    """The percentile an interval begins at: that of Student's t, as the bootstrap's own spread has it."""
    normal = NormalDist()
    z, nu = normal.inv_cdf((1 + CONFIDENCE) / 2), tasks - 1
    # Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5: three digits from four degrees of freedom on.
    t = z + (z**3 + z) / (4 * nu)
    t += (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * nu**3)
    return normal.cdf(-math.sqrt(tasks / nu) * t)

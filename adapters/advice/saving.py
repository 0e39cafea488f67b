"""What a change saves and what it costs: shares, and how far they may lie from what was counted.

- The share of the bill that is saved is a ratio of sums over tasks, since runs of one task are alike; its interval is
  in `leanloop.adapters.advice.share_saved`.
- Successes lost are bounded by Tango's score bound (`leanloop.plugins.trial.bounds`), one-sided. Tasks count there and
  not runs: the costly side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leanloop.adapters.advice.change import Change
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.share_saved import share_saved
from leanloop.plugins.trial.bounds import Differences, Interval

__all__ = ["LEAST_TASKS", "Losses", "Saving", "saving_of"]

LEAST_TASKS = 5
"""With fewer tasks nothing is said of what others would save: five, drawn again and again, hardly show more."""


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
    return share_saved(sums[0], sums[1], seed)

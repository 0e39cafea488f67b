"""Savings and losses in words: the same in the terminal and in the comments of a budget file."""

from __future__ import annotations

import math

from leanloop.adapters.advice.saving import Saving
from leanloop.budgets.money import format_usd
from leanloop.plugins.trial.bounds import Interval

__all__ = ["bounds_of", "evidence", "lost", "percent", "saved"]


def percent(share: float) -> str:
    """``15.9%``, and never ``-0.0%``."""
    return f"{round(share, 3) + 0.0:.1%}"


def bounds_of(share: Interval) -> str:
    """``12.3% to 18.9%``."""
    return "unknown" if math.isinf(share.low) else f"{percent(share.low)} to {percent(share.high)}"


def saved(saving: Saving) -> str:
    """``15.9% of $11.18 saved (12.3% to 18.9% at 95 % confidence)``."""
    share = saving.share
    sure = "too few tasks to say more" if math.isinf(share.low) else f"{bounds_of(share)} at 95 % confidence"
    return f"{percent(share.estimate)} of {format_usd(saving.before)} saved ({sure})"


def lost(saving: Saving) -> str:
    """``2 of 205 successes lost (1.0%, at most 3.1%)``."""
    losses = saving.losses
    bound = f"at most {percent(losses.at_most)}"
    if losses.of is None:
        return f"{percent(losses.share)} of successes lost ({bound})"
    what = "runs ended early, each taken for a success" if losses.assumed else "successes lost"
    return f"{losses.lost:,} of {losses.of:,} {what} ({percent(losses.share)}, {bound})"


def evidence(saving: Saving) -> str | None:
    """``3 of 812 values that were used were out of reach``."""
    if not saving.used:
        return None
    return f"{saving.missing:,} of {saving.used:,} values that were used were out of reach"

"""Whether cognitive tools help a model, by what became of its tasks with and without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

from leanloop.plugins.outcomes.store import Count

__all__ = ["ENOUGH", "WITH_TOOLS", "WORTH_COMPARING", "gain", "helps"]

WITH_TOOLS = "+scaffold"
"""Put behind a model's name in the setting of a call that was offered them."""

ENOUGH = 50.0
"""Outcomes of each arm before they are judged: fewer say nothing of a gain of some points."""

WORTH_COMPARING = 20.0
"""Outcomes with the tools before some tasks go without, to compare: where nobody says any, nothing can be learned."""

_Z = 1.645
"""95 %, one-sided."""


def gain(with_tools: Count, without: Count) -> tuple[float, float]:
    """Bounds of the difference in the share of success, 95 % each: Newcombe's hybrid of two score intervals
    (Statistics in Medicine 17, 1998, 873-890, method 10).
    """
    one, low, high = _share(with_tools)
    other, other_low, other_high = _share(without)
    difference = one - other
    below = sqrt((one - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - one) ** 2 + (other - other_low) ** 2)
    return max(-1.0, difference - below), min(1.0, difference + above)


def helps(known: Sequence[Mapping[str, Count]], with_tools: str, without: str) -> bool | None:
    """Whether there is a gain for sure, on the narrowest kind of call of which enough is known; None where on none.

    Args:
        known: counts by setting, of kinds of call from the most general on.
        with_tools: the setting with them.
        without: that without.
    """
    for counts in reversed(known):
        arms = counts.get(with_tools, Count()), counts.get(without, Count())
        if min(arm.weight for arm in arms) >= ENOUGH:
            return gain(*arms)[0] > 0
    return None


def _share(count: Count) -> tuple[float, float, float]:
    """A share with its bounds (Wilson's score interval)."""
    share = min(1.0, max(0.0, count.score / count.weight))
    square = _Z * _Z / count.weight
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * sqrt(share * (1 - share) / count.weight + square / (4 * count.weight))
    return share, max(0.0, middle - half), min(1.0, middle + half)

"""How counts grow, and how old ones fade."""

from __future__ import annotations

from leanloop.plugins.outcomes.store import Count

__all__ = ["KEPT_FOR", "MOST", "grown"]

MOST = 1_000
"""Weight, and calls, beyond which a count is halved: an agent changes, and what it did long ago fades."""

KEPT_FOR = 180 * 86_400
"""Seconds for which counts on disk and in Redis stay when nothing more is added to them."""


def grown(count: Count, by: Count) -> Count:
    """A count with another added, halved until neither its weight nor its calls are beyond `MOST`.

    What is taken back (a weight below zero) may have faded meanwhile: no less than nothing is left. The mean cost of a
    call stays when calls are halved.
    """
    if not by.weight and not by.score and count.calls + by.calls <= MOST:  # a cost alone, which most calls add
        return Count(count.weight, count.score, count.calls + by.calls, count.cost + by.cost)
    weight, score = max(0.0, count.weight + by.weight), count.score + by.score
    calls, cost = count.calls + by.calls, count.cost + by.cost
    while weight > MOST:
        weight, score = weight / 2, score / 2
    while calls > MOST:
        calls, cost = calls // 2, cost * (calls // 2) // calls
    return Count(weight, min(max(0.0, score), weight), calls, cost)

"""What a provider reports against what was counted here, learned call by call.

A count made with another model's vocabulary is off by a factor that depends on the tokenizer and the
text. Each settlement shows the factor of one call; figures use its mean, reservations its upper bound.
"""

from __future__ import annotations

import math
from collections import deque
from threading import Lock

__all__ = ["LearnedRatio"]

_SMALL = 500  # tokens; below, a fixed overhead (a hidden prompt, tool instructions) outweighs the tokenizer's factor
_ABSURD = 8.0  # no tokenizer is this far off; reported counts beyond it include what was not sent (server-side tools)
_RECENT = 64  # calls whose maximum the upper bound never falls below
_PRIOR_WEIGHT = 5_000.0  # tokens of evidence the prior is worth
_LARGEST_WEIGHT = 50_000  # tokens; one huge call does not outweigh all others
_FORGET = 0.98  # weight a call keeps for each later one: about 50 calls of memory
_DEVIATIONS = 3.0
_HALF_TRUST = 20_000.0  # tokens in one call that move the bound half of the way to where the evidence puts it


class LearnedRatio:
    """The factor between reported and counted tokens of one model. Thread-safe.

    ``mean`` is the average weighted by size and recency, starting at the prior. ``upper`` starts at the
    prior bound and moves slowly towards mean + 3 deviations; it is never below the largest factor of the
    last 64 calls. Calls under 500 tokens do not move ``upper``: what they cost beyond their count is
    kept as ``extra`` tokens, so that a short call with a fixed overhead does not inflate long ones.

    Args:
        prior: expected factor before any call was reported.
        prior_bound: factor that is safe before any call was reported.
    """

    def __init__(self, prior: float, prior_bound: float) -> None:
        self.mean = prior
        self.upper = prior_bound
        self.extra = 0
        self._weight = _PRIOR_WEIGHT
        self._sum = prior * _PRIOR_WEIGHT
        self._squares = prior * prior * _PRIOR_WEIGHT
        self._factors: deque[float] = deque(maxlen=_RECENT)
        self._extras: deque[int] = deque(maxlen=_RECENT)
        self._lock = Lock()

    def observe(self, counted: int, reported: int) -> None:
        """Learn from one call. Counts of zero or less, and factors above 8 or below 1/8, teach nothing."""
        if counted <= 0 or reported <= 0:
            return
        factor = reported / counted
        if counted < _SMALL:
            if reported - counted > _SMALL * _ABSURD:
                return
        elif not 1 / _ABSURD <= factor <= _ABSURD:
            return
        with self._lock:
            self._average(min(factor, _ABSURD), float(min(counted, _LARGEST_WEIGHT)))
            if counted < _SMALL:
                self._extras.append(reported - counted)
                self.extra = max(0, *self._extras)
                return
            self._factors.append(factor)
            deviation = math.sqrt(max(0.0, self._squares / self._weight - self.mean * self.mean))
            trust = counted / (counted + _HALF_TRUST)
            settled = self.upper + (self.mean + _DEVIATIONS * deviation - self.upper) * trust
            largest = max(self._factors)
            self.upper = max(settled, largest)

    def bound(self, counted: int) -> int:
        """Tokens a call of that count is not expected to exceed; what was reported for it lately is covered."""
        return max(math.ceil(counted * self.upper), counted + self.extra)

    def _average(self, factor: float, weight: float) -> None:
        self._weight = self._weight * _FORGET + weight
        self._sum = self._sum * _FORGET + factor * weight
        self._squares = self._squares * _FORGET + factor * factor * weight
        self.mean = self._sum / self._weight

"""A price per token that may depend on the size of the prompt."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MILLION", "Rate"]

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """Nano-dollars a million tokens.

    ``tiers`` are (start, rate) in ascending order: where the call's whole input is more than ``start``
    tokens, all its tokens cost that rate (a cliff, as Anthropic, Google and OpenAI bill).
    """

    base: int
    tiers: tuple[tuple[int, int], ...] = ()

    def at(self, input_tokens: int) -> int:
        """The rate of a call with that much input."""
        rate = self.base
        for start, price in self.tiers:
            if input_tokens > start:
                rate = price
        return rate

    def most(self, input_tokens: int | None = None) -> int:
        """The highest rate of any call with at most that much input; of any call at all without it."""
        if not self.tiers:
            return self.base
        reached = (price for start, price in self.tiers if input_tokens is None or input_tokens > start)
        return max((self.base, *reached))

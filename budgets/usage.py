"""Tokens of one model call, as the provider bills them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Usage"]

_MOST_OF_A_CALL = 10**9
"""Tokens: a hundred times the largest context there is, and still within what a ledger counts exactly in dollars."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one call.

    ``input`` includes ``cached_input`` (read from the provider's prompt cache) and ``cache_write``
    (written to it); ``output`` includes ``reasoning``. ``estimated`` is True where leanloop counted
    because the provider reported nothing usable.
    """

    input: int = 0
    output: int = 0
    cached_input: int = 0
    cache_write: int = 0
    reasoning: int = 0
    estimated: bool = False

    @property
    def total(self) -> int:
        """All tokens billed, in and out."""
        return self.input + self.output

    @property
    def plausible(self) -> bool:
        """False where a count is negative or a part is larger than its whole."""
        return (
            0 <= self.reasoning <= self.output
            and self.cached_input >= 0
            and self.cache_write >= 0
            and self.cached_input + self.cache_write <= self.input
        )

    @property
    def of_one_call(self) -> bool:
        """Whether one call can have used it: a number beyond all reason would close every limit it is booked on."""
        return self.plausible and self.input + self.output <= _MOST_OF_A_CALL

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached_input + other.cached_input,
            self.cache_write + other.cache_write,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
        )

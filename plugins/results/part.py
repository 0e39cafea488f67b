"""A part of a whole result, as `read_result` gives it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Part", "Wrong", "take"]

_GUESS, _MOST = 4, 32
"""Characters a token, to begin with and at most: a page of blanks ends before it has all the tokens it may."""


@dataclass(frozen=True, slots=True)
class Part:
    """Attributes:
    what: which part of what it is, for the line above it.
    body: the part.
    next: the page that goes on behind it; None where there is no more.
    """

    what: str
    body: str
    next: int | None = None


class Wrong(Exception):
    """What was asked for cannot be had; the message says so to the model."""


def take(text: str, start: int, end: int, tokens: int, count: Callable[[str], int]) -> int:
    """Where a piece of `text` that begins at `start` must end to stay within `tokens`, at `end` at the latest.

    Behind a line end where there is one in its second half. It has at least one character, so that reading goes on.
    """
    end = min(end, start + tokens * _MOST)
    low, high = start, min(end, start + tokens * _GUESS)
    while count(text[start:high]) <= tokens:
        if high == end:
            return end
        low, high = high, min(end, start + 2 * (high - start) + 1)
    while high - low > 1 + (high - start) // 32:
        middle = (low + high) // 2
        if count(text[start:middle]) <= tokens:
            low = middle
        else:
            high = middle
    line_end = text.rfind("\n", start + (low - start) // 2, low) + 1
    return max(line_end or low, start + 1)

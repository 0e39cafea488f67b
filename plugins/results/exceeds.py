"""Whether a text is over so many tokens, and about how many it has, without counting all of a large one."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["about", "exceeds"]

_FIRST_LOOK = 8
"""Characters a token of the first look: nearly every text that is over a limit shows it there."""

_CUT = 2
"""Tokens by which a beginning may have more than the same characters have within the whole."""

_COUNTED = 65_536
_SAMPLE = 8_192


def exceeds(text: str, tokens: int, count: Callable[[str], int]) -> bool:
    """Whether a text has more than `tokens`, exactly; a text that is far over is counted in its beginning only.

    No token is shorter than a byte, so a short text need not be counted either.
    """
    if len(text) * 4 <= tokens or (len(text) <= tokens and text.isascii()):
        return False
    end = (tokens + _CUT) * _FIRST_LOOK
    while end < len(text):
        if count(text[:end]) > tokens + _CUT:
            return True
        end *= 4
    return count(text) > tokens


def about(text: str, count: Callable[[str], int]) -> tuple[int, bool]:
    """Tokens of a text, and whether they were counted; of a long one beginning, middle and end stand for the rest."""
    if len(text) <= _COUNTED:
        return count(text), True
    middle = (len(text) - _SAMPLE) // 2
    sample = (text[:_SAMPLE], text[middle : middle + _SAMPLE], text[-_SAMPLE:])
    return len(text) * sum(map(count, sample)) // (3 * _SAMPLE), False

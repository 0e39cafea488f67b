"""Regular expressions of users, bounded in time."""

from __future__ import annotations

from functools import lru_cache

import regex

__all__ = ["SECONDS", "CannotTellError", "matches"]

SECONDS = 0.1
"""How long one expression may look at one text."""


class CannotTellError(Exception):
    """A check could not come to an end; why, in a few words."""


def matches(pattern: str, text: str, *, whole: bool) -> bool:
    """Whether the expression matches: the whole text, or somewhere in it.

    Raises:
        CannotTellError: it cannot be read, or took longer than `SECONDS`.
    """
    try:
        compiled = _compiled(pattern)
        look = compiled.fullmatch if whole else compiled.search
        return look(text, timeout=SECONDS) is not None
    except TimeoutError:
        raise CannotTellError(f"a regular expression took longer than {SECONDS} s") from None
    except (regex.error, RecursionError, OverflowError, MemoryError):
        raise CannotTellError("a regular expression cannot be read") from None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)

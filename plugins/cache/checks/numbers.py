"""Numbers: five eggs are not six, the third is not the fourth, 10 % is not 20 %."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["numbers"]


def numbers(both: Comparison) -> str | None:
    """The same numbers as often; units of time, length, mass and volume are converted before (60 minutes, 1 hour)."""
    asked, known = both.keys("number")
    return None if asked == known else f"numbers: {', '.join(asked) or 'none'} and {', '.join(known) or 'none'}"

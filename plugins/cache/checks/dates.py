"""Days, months, times of day, and words such as tomorrow."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["dates"]


def dates(both: Comparison) -> str | None:
    """The same ones as often. Years are numbers; next and last are quantities."""
    asked, known = both.keys("date")
    return None if asked == known else f"dates: {', '.join(asked) or 'none'} and {', '.join(known) or 'none'}"

"""Units and currencies."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["units"]


def units(both: Comparison) -> str | None:
    """The same measures as often: miles are not kilometres, dollars are not euros."""
    asked, known = both.keys("unit")
    return None if asked == known else f"units: {', '.join(asked) or 'none'} and {', '.join(known) or 'none'}"

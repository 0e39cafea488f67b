"""All, some, only, more, less, at least, first, last, or."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["quantities"]


def quantities(both: Comparison) -> str | None:
    """The same quantifiers and comparisons as often."""
    asked, known = both.keys("quantity")
    return None if asked == known else f"quantity: {', '.join(asked) or 'none'} and {', '.join(known) or 'none'}"

"""Not, never, without, except, unless."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["negation"]


def negation(both: Comparison) -> str | None:
    """The same negations as often."""
    asked, known = both.keys("negation")
    return None if asked == known else f"negation: {', '.join(asked) or 'none'} and {', '.join(known) or 'none'}"

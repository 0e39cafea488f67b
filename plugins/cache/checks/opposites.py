"""Words that mean the opposite: enable and disable, legal and illegal."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["opposites"]


def opposites(both: Comparison) -> str | None:
    """No word of one is the opposite of a word of the other."""
    found = both.opposites()
    return None if found is None else f"opposite: {found[0]} and {found[1]}"

"""Content words: each must say what a word of the other says."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["additions", "substitutions"]


def additions(both: Comparison) -> str | None:
    """No word that only one of them has: a gift card is not a card, flu in newborns is not flu."""
    asked, known = both.more_asked, both.more_known
    if bool(asked) == bool(known):
        return None
    return f"only in one: {', '.join(word.said for word in asked or known)}"


def substitutions(both: Comparison) -> str | None:
    """No word where the other has another one that is no known synonym: the oven and the microwave."""
    asked, known = both.more_asked, both.more_known
    if not (asked and known):
        return None
    return f"instead of each other: {', '.join(w.said for w in asked)} and {', '.join(w.said for w in known)}"

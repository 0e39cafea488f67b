"""The same noun with another article: le livre is a book, la livre a pound."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["genders"]


def genders(both: Comparison) -> str | None:
    """No noun that has one gender in one text and another in the other, where the articles show it."""
    known = both.asked.lexicon.genders
    for mine, theirs in both.pairs:
        one, other = both.asked.words[mine], both.known.words[theirs]
        first, second = known.get(one.article), known.get(other.article)
        if one.said == other.said and first and second and set(first).isdisjoint(second):
            return f"gender: {one.article} and {other.article} {one.said}"
    return None

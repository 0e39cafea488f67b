"""Whose it is: my and your, his and hers."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["persons"]

# Where "how do I cancel my order" and "how to cancel an order" are one question; "what is my score" is not.
_FREE = frozenset({"?how", "?where", "?who", "?when", "?howlong", "?whattodo", "plain", "yesno"})


def persons(both: Comparison) -> str | None:
    """The same persons, but that the one who asks may leave himself out where it changes nothing."""
    asked, known = (set(keys) for keys in both.keys("person"))
    more = asked ^ known
    free: set[str] = {"i", "my"} if both.asked.question.partition("_")[0] in _FREE else {"i"}
    if asked & known - free:
        free = set()  # beside another person, I and me are one of two
    if both.asked.lexicon.language == "fr":
        free |= {"he", "she", "they"}  # Lyon est-elle grande: beside the noun it stands for
    if more <= free and not (asked - known and known - asked):
        return None
    return f"person: {', '.join(sorted(asked)) or 'none'} and {', '.join(sorted(known)) or 'none'}"

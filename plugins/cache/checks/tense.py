"""What was, is or will be."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["tense"]

_REFUSALS = frozenset({"?why", "?whattodo"})
"""Why won't it start, why doesn't it: what will not is what does not."""


def tense(both: Comparison) -> str | None:
    """The same tense by the auxiliaries, and no verb that is past in one text and not in the other."""
    asked, known = both.asked, both.known
    refuses = asked.question in _REFUSALS and all(reading.keys.get("negation") for reading in (asked, known))
    if asked.tense != known.tense and not (refuses and "past" not in {asked.tense, known.tense}):
        return f"tense: {asked.tense} and {known.tense}"
    for mine, theirs in both.differing():
        if mine.kind != "content":
            continue
        first, second = asked.lexicon.tense_of(mine.said), asked.lexicon.tense_of(theirs.said)
        if first != second:
            return f"tense: {mine.said} and {theirs.said}"
    return None

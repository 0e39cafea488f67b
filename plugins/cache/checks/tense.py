"""What was, is or will be."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["tense"]


def tense(both: Comparison) -> str | None:
    """The same tense by the auxiliaries, and no verb that is past in one text and not in the other."""
    asked, known = both.asked, both.known
    if asked.tense != known.tense:
        return f"tense: {asked.tense} and {known.tense}"
    for mine, theirs in both.differing():
        if mine.kind != "content":
            continue
        first, second = asked.lexicon.tense_of(mine.said), asked.lexicon.tense_of(theirs.said)
        if first != second:
            return f"tense: {mine.said} and {theirs.said}"
    return None

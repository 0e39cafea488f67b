"""One or several, where something is to be done or shown."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["plurality"]


def plurality(both: Comparison) -> str | None:
    """A request for the file is none for the files; a question may be asked in either number."""
    if both.asked.question != "plain":
        return None
    for mine, theirs in both.differing():
        if mine.role == "verb" or {mine.kind, theirs.kind} != {"content"}:
            continue
        if both.asked.lexicon.numbers_differ(mine.said, theirs.said):
            return f"number: {mine.said} and {theirs.said}"
    return None

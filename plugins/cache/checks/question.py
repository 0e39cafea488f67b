"""Who, when, how, why, how many, is it, do it: another kind of question has another answer."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["question"]


def question(both: Comparison) -> str | None:
    """The same kind of question, or both are requests."""
    asked, known = both.asked.question, both.known.question
    return None if asked == known else f"question: {asked.strip('?')} and {known.strip('?')}"

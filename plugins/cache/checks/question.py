"""Who, when, how, why, how many, is it, do it: another kind of question has another answer."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison

__all__ = ["question"]


def question(both: Comparison) -> str | None:
    """The same kind of question, or both are requests. "When" may be asked for a day, an hour or a year."""
    asked, known = both.asked.question, both.known.question
    when = "?when" in {asked, known} and asked.startswith("?when") and known.startswith("?when")
    return None if asked == known or when else f"question: {asked.strip('?')} and {known.strip('?')}"

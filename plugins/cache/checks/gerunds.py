"""Training is not a train: what ends in -ing is a noun of its own, but where it is what is to be done."""

from __future__ import annotations

from leanloop.plugins.cache.question.comparison import Comparison
from leanloop.plugins.cache.question.reading import Reading
from leanloop.plugins.cache.question.word import Word

__all__ = ["gerunds"]

_DONE = frozenset({"?how", "?takes", "?cost"})


def gerunds(both: Comparison) -> str | None:
    """English: "how do I reset it" and "the steps for resetting it", where the verb comes first and has an object."""
    if both.asked.lexicon.language != "en":
        return None
    for one, other in both.differing():
        if {one.kind, other.kind} != {"content"} or one.said.endswith("ing") == other.said.endswith("ing"):
            continue
        if both.asked.question not in _DONE or not (_leads(one, both.asked) and _leads(other, both.known)):
            return f"form: {one.said} and {other.said}"
    return None


def _leads(word: Word, reading: Reading) -> bool:
    said = [each for each in reading.words if each.kind in {"content", "name", "literal"}]
    return len(said) > 1 and said[0] is word

"""Passages that say the same: which of several a model need not read.

Two passages are compared by their words, case and punctuation left out. One is no news where all its runs of three
words stand in a better one, or nearly all do and the few words that differ are of no weight: no figure, name or
negation. Invoices that differ in one number are two. Shingles after Broder, "On the resemblance and containment of
documents" (1997).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Said"]

_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯]|[^\W぀-ヿ㐀-鿿가-힯]+")
"""A word; of Chinese, Japanese and Korean, which put no blanks between them, a character."""

_RUN = 3
_NEARLY = 0.8
_FEW = 0.05
"""The share of words that may be others, where they are of no weight."""

_ALIKE = 1.25
"""Up to this many times as long, two passages are versions of one another; beyond, one is a part."""

_OWNERS = 3
"""Passages that are looked at for each, those that share the most with it; so that time is linear in the text."""

_NEGATIONS = frozenset(
    {"no", "not", "never", "none", "without", "nicht", "kein", "keine", "ne", "pas", "sin", "non", "t"}
)


class _Passage(NamedTuple):
    words: tuple[str, ...]
    runs: frozenset[int]
    figures: tuple[str, ...]
    weighty: frozenset[str]


class Said:
    """What was said already, passage by passage, best first."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._passages: list[_Passage] = []
        self._owners: dict[int, int] = {}

    def news(self, text: str) -> bool:
        """Whether `text` says anything that no passage before says; then it counts as said."""
        if not text.strip():
            return True  # no text: a picture, of which nothing is known here
        passage = _read(text)
        exact = " ".join(passage.words) or text.strip()
        if exact in self._texts or any(_within(passage, other) for other in self._nearest(passage.runs)):
            return False
        self._texts.add(exact)
        for run in passage.runs:
            self._owners.setdefault(run, len(self._passages))
        self._passages.append(passage)
        return True

    def _nearest(self, runs: Iterable[int]) -> list[_Passage]:
        owners = Counter(self._owners[run] for run in runs if run in self._owners)
        return [self._passages[place] for place, _ in owners.most_common(_OWNERS)]


def _read(text: str) -> _Passage:
    found = _WORD.findall(text)
    words = tuple(word.casefold() for word in found)
    runs = frozenset(hash(words[place : place + _RUN]) for place in range(max(1, len(words) - _RUN + 1)))
    figures = tuple(word for word in words if any(map(str.isdigit, word)))
    named = {
        lower for word, lower in zip(found[1:], words[1:], strict=True) if word != lower
    }  # the first begins a text
    return _Passage(words, runs if words else frozenset(), figures, frozenset(named) | (_NEGATIONS & set(words)))


def _within(one: _Passage, other: _Passage) -> bool:
    """Whether `other` says all that `one` says."""
    shared = len(one.runs & other.runs)
    if shared == len(one.runs):
        return True
    if shared < _NEARLY * len(one.runs) or not _in_sequence(one.figures, other.figures):
        return False
    words, others = set(one.words), set(other.words)
    differing = words - others
    if len(differing) > max(1, _FEW * len(words)):
        return False
    if len(other.words) <= _ALIKE * len(one.words):  # another version, which must not say more either
        if len(one.figures) != len(other.figures):
            return False
        differing |= others - words
    return differing.isdisjoint(one.weighty | other.weighty)


def _in_sequence(some: Sequence[str], of: Sequence[str]) -> bool:
    """Whether `some` stand in `of` in their order."""
    rest = iter(of)
    return all(one in rest for one in some)

"""Two questions side by side: which of their words say the same, and which only one of them has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanloop.plugins.cache.question.reading import Reading
from leanloop.plugins.cache.question.sameness import opposite, same_meaning
from leanloop.plugins.cache.question.word import Kind, Word

__all__ = ["Comparison", "compare"]

_ALIGNED = frozenset({"content", "name", "literal", "number", "date", "unit", "quantity", "negation"})
_WORDS = frozenset({"content", "name", "literal"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """Attributes:
    asked, known: the two readings.
    pairs: places of words that say the same, by their order in `asked`.
    more_asked, more_known: words (no numbers, dates and the like) that nothing in the other answers to.
    """

    asked: Reading
    known: Reading
    pairs: tuple[tuple[int, int], ...]
    more_asked: tuple[Word, ...]
    more_known: tuple[Word, ...]

    def keys(self, kind: Kind) -> tuple[Sequence[str], Sequence[str]]:
        """The words of one kind in either, sorted."""
        return self.asked.keys.get(kind, ()), self.known.keys.get(kind, ())

    def differing(self) -> Iterator[tuple[Word, Word]]:
        """The pairs that are not written alike."""
        for mine, theirs in self.pairs:
            if self.asked.words[mine].said != self.known.words[theirs].said:
                yield self.asked.words[mine], self.known.words[theirs]

    def opposites(self) -> tuple[str, str] | None:
        """Words of the two that mean the opposite."""
        for mine in self.more_asked:
            for theirs in self.more_known:
                if opposite(mine.key, theirs.key, self.asked.lexicon):
                    return mine.said, theirs.said
        return None


def compare(asked: Reading, known: Reading) -> Comparison:
    """Find for each word of one question the one of the other that says the same."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(known.words):
        if word.kind in _ALIGNED:
            places.setdefault(word.key, []).append(place)
    pairs: list[tuple[int, int]] = []
    open_asked: list[int] = []
    for place, word in enumerate(asked.words):
        if word.kind not in _ALIGNED:
            continue
        if found := places.get(word.key):
            pairs.append((place, found.pop(0)))
        elif word.kind in _WORDS:
            open_asked.append(place)
    open_known = sorted(place for found in places.values() for place in found if known.words[place].kind in _WORDS)
    accents = asked.accented and known.accented
    for place in list(open_asked):
        word = asked.words[place]
        for other in open_known:
            if same_meaning(word, known.words[other], asked.lexicon, accents=accents):
                pairs.append((place, other))
                open_asked.remove(place)
                open_known.remove(other)
                break
    return Comparison(
        asked,
        known,
        tuple(sorted(pairs)),
        tuple(asked.words[place] for place in open_asked),
        tuple(known.words[place] for place in open_known),
    )

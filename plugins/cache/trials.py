"""Labelled pairs of questions looked up as in production: in a store of many, by likeness, through every check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from leanloop.plugins.cache.alike import CANDIDATES, LEAST
from leanloop.plugins.cache.cacheable import exact_only
from leanloop.plugins.cache.calibration import Trial
from leanloop.plugins.cache.embedder import Embedder, Vectors
from leanloop.plugins.cache.index import Index
from leanloop.plugins.cache.key import CacheKey
from leanloop.plugins.cache.normalise import normalised
from leanloop.plugins.cache.pairs import Pair
from leanloop.plugins.cache.verify import verify

__all__ = ["Rehearsal"]


class Rehearsal:
    """A store of questions, and pairs that are looked up in it.

    Questions belong together where a pair says they mean the same, or where they differ in spelling alone. What is not
    labelled counts as different: a hit on it is a wrong one.

    A near miss counts wherever it would be served, also where something nearer hides it in this store. The temperature
    is taken for 0.

    Args:
        pairs: what people have labelled.
        others: more of what the store holds.
        embedder: the one the agent has.

    Raises:
        BadVectorError: the embedder gives nothing that can be compared.
    """

    def __init__(self, pairs: Sequence[Pair], others: Iterable[str], embedder: Embedder) -> None:
        self._pairs = pairs
        known = list(dict.fromkeys([*(pair.known for pair in pairs), *others]))
        self.size = len(known)
        self._together = _together(pairs)
        self._by_spelling: dict[str, list[str]] = defaultdict(list)
        for text in known:
            if (spelling := normalised(text)) is not None:
                self._by_spelling[spelling].append(text)
        compared = [text for text in known if _by_meaning(text, embedder)]
        asked = [pair.asked for pair in pairs if _by_meaning(pair.asked, embedder)]
        self._vectors = _vectors([*compared, *asked], embedder)
        self._index = Index()
        for text in compared:
            self._index.add(text, self._vectors[text])

    def trials(self) -> list[Trial]:
        """Each question once, however many pairs it is in."""
        traps: dict[str, list[str]] = {pair.asked: [] for pair in self._pairs}
        for pair in self._pairs:
            if not pair.same:
                traps[pair.asked].append(pair.known)
        repeats = {pair.asked for pair in self._pairs if pair.same}
        return [self._trial(asked, near_misses, asked in repeats) for asked, near_misses in traps.items()]

    def _trial(self, asked: str, near_misses: Sequence[str], repeats: bool) -> Trial:
        own = self._own(asked)
        found = self._hit(asked, set())
        right = found[0] if found is not None and found[1] in own and repeats else None
        served = [self._hit(asked, own) if found is None or found[1] in own else found]
        served += [(score, text) for text in near_misses if (score := self._served(asked, text)) is not None]
        worst = max((hit for hit in served if hit is not None), default=None)
        if worst is None:
            return Trial(None, right, repeats, asked)
        return Trial(worst[0], right, repeats, asked, worst[1])

    def _own(self, asked: str) -> set[str]:
        """What may answer it: what means the same, and what is it in other spelling."""
        own = {asked, *self._together.get(asked, ())}
        spellings = {normalised(text) or "" for text in own}
        return own.union(*(self._by_spelling.get(spelling, ()) for spelling in spellings))

    def _hit(self, asked: str, without: set[str]) -> tuple[float, str] | None:
        """What is served from a store without some of its entries, and how alike it is: 1 if only spelling differs."""
        for text in self._by_spelling.get(normalised(asked) or "", ()):
            if text not in without:
                return 1.0, text
        vector = self._vectors.get(asked)
        if vector is None:
            return None
        nearest = self._index.nearest(vector, count=CANDIDATES + len(without), at_least=LEAST)
        candidates = [near for near in nearest if near[0] not in without][:CANDIDATES]
        return next(((min(1.0, score), text) for text, score in candidates if verify(asked, text) is None), None)

    def _served(self, asked: str, known: str) -> float | None:
        """How alike two questions are, where one's answer would be served for the other with nothing else there."""
        if (spelling := normalised(asked)) is not None and spelling == normalised(known):
            return 1.0
        mine, theirs = self._vectors.get(asked), self._vectors.get(known)
        if mine is None or theirs is None or verify(asked, known) is not None:
            return None
        score = min(1.0, float(mine @ theirs))
        return score if score >= LEAST else None


def _by_meaning(text: str, embedder: Embedder) -> bool:
    """Whether it is looked for by meaning at all, at temperature 0."""
    return not exact_only(CacheKey("", text), any_temperature=True) and embedder.fits(text)


def _vectors(texts: Iterable[str], embedder: Embedder) -> Mapping[str, Vectors]:
    each = sorted(dict.fromkeys(texts), key=len)  # of like length, for batches that are even
    return dict(zip(each, embedder.embed(each), strict=True))


def _together(pairs: Iterable[Pair]) -> dict[str, set[str]]:
    """The questions that mean the same as each, directly or by others."""
    groups: dict[str, set[str]] = {}
    for pair in pairs:
        if pair.same:
            small, large = sorted((groups.setdefault(text, {text}) for text in (pair.asked, pair.known)), key=len)
            if small is not large:
                large |= small
                groups.update(dict.fromkeys(small, large))
    return groups

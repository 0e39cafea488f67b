"""Between counts in a store and what is believed: which counts an outcome adds to, and what they say of a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import permutations, zip_longest
from math import sqrt

from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.posterior import Level, Seen, believed
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.store import Added, Count

__all__ = ["added", "counted", "estimate_of", "has_moved", "pair", "weights_of"]

_KINDS = "kinds of "
_AGAIN = "again in "
_NOTHING = Count()

_STILL = 1 / 12
"""Of the root of the outcomes: a chance seen so often to come true is known to about ten times as much."""


def pair(cheap: Setting, dear: Setting) -> str:
    """What the outcomes of two settings on one question are counted under."""
    return f"{cheap} > {dear}"


def added(
    keys: Sequence[str],
    scores: Mapping[Setting, float],
    known: Sequence[Mapping[str, Count]],
    weight: float = 1.0,
) -> list[Added]:
    """What a question's outcome adds to the counts of its kinds.

    Beside weight and score of each setting, and of each pair of settings by how much the second did better, it counts
    for every kind how its more special kinds vary (see `leanloop.plugins.difficulty.posterior.Seen`): how many there
    are, and the products of an outcome and the mean of those before it.

    Args:
        keys: the kinds, from the most general to the question's own.
        scores: how each setting that was tried did, from 0 to 1.
        known: the counts of `keys`, before this outcome.
        weight: below 1 for an outcome that was only inferred.
    """
    told = _told(scores, scores.values())
    found: list[Added] = []
    for place, key in enumerate(keys):
        for name, score in told.items():
            found.append(Added(key, name, Count(weight, weight * score)))
            if place + 1 == len(keys):
                continue
            below = known[place + 1].get(name, _NOTHING)
            if below.weight > 0:
                product = weight * score * below.score / below.weight
                found.append(Added(key, _AGAIN + name, Count(weight, product)))
            else:
                found.append(Added(key, _KINDS + name, Count(1.0)))
    return found


class _Kind:
    """The counts of one kind, for settings that were all tried in each outcome: their weights are the same."""

    __slots__ = ("again", "kinds", "products", "scores", "weight")

    def __init__(self, names: int) -> None:
        self.weight = self.kinds = self.again = 0.0
        self.scores = [0.0] * names
        self.products = [0.0] * names

    def counts(self, names: Sequence[str]) -> dict[str, Count]:
        found = {name: Count(self.weight, score) for name, score in zip(names, self.scores, strict=True)}
        if self.kinds:
            found.update((_KINDS + name, Count(self.kinds)) for name in names)
        if self.again:
            products = zip(names, self.products, strict=True)
            found.update((_AGAIN + name, Count(self.again, product)) for name, product in products)
        return found


def counted(
    settings: Sequence[Setting], outcomes: Iterable[tuple[Sequence[str], Sequence[float]]]
) -> dict[str, dict[str, Count]]:
    """The counts by kind after outcomes of all these settings, one after the other: what `added` comes to for each, in
    a small part of the time.

    Args:
        settings: those that were tried on each question.
        outcomes: for each question its kinds, no two of them the same, and how each setting did.
    """
    names = list(_told(settings, [0.0] * len(settings)))
    kinds: dict[str, _Kind] = {}
    seen: dict[tuple[float, ...], list[tuple[int, float]]] = {}
    for keys, scores in outcomes:
        told = seen.get(tuple(scores))
        if told is None:
            values = enumerate(_told(settings, scores).values())
            told = seen[tuple(scores)] = [(place, score) for place, score in values if score]
        own = [kinds.get(key) or kinds.setdefault(key, _Kind(len(names))) for key in keys]
        for kind, below in zip_longest(own, own[1:]):
            kind.weight += 1
            for place, score in told:
                kind.scores[place] += score
            if below is None:
                continue
            if below.weight:
                kind.again += 1
                for place, score in told:
                    kind.products[place] += score * below.scores[place] / below.weight
            else:
                kind.kinds += 1
    return {key: kind.counts(names) for key, kind in kinds.items()}


def _told(settings: Iterable[Setting], scores: Iterable[float]) -> dict[str, float]:
    """What is counted of an outcome, by name: each setting's score, and by how much each did better than each other."""
    by_setting = dict(zip(settings, scores, strict=True))
    told = {str(setting): score for setting, score in by_setting.items()}
    for one, other in permutations(by_setting, 2):
        told[pair(one, other)] = max(0.0, by_setting[other] - by_setting[one])
    return told


def estimate_of(
    counts: Sequence[Mapping[str, Count]],
    cheap: Setting,
    dear: Setting,
    keys: tuple[str, ...] = (),
    odds: Sequence[float] = (),
) -> Estimate:
    """What counts say of a call: `counts` by kind, from the most general to its own.

    ``odds`` by kind, for those that differ from the more general one before anything is seen: see `believed`.
    """
    names = _names(cheap, dear)
    levels = [Level(*(_seen(count, name) for name in names)) if count else _NO_LEVEL for count in counts]
    belief = believed(levels, odds)
    low, high = belief.bounds()
    return Estimate(belief.mean, low, high, levels[-1].weight if levels else 0.0, keys)


def weights_of(counts: Sequence[Mapping[str, Count]], cheap: Setting, dear: Setting) -> tuple[float, ...]:
    """How many outcomes an estimate of these two settings stands on: of each kind, of each setting and of both."""
    names = _names(cheap, dear)
    return tuple(of_key[name].weight if name in of_key else 0.0 for of_key in counts for name in names)


def has_moved(before: Sequence[float], now: Sequence[float]) -> bool:
    """Whether so much was counted since that an estimate may be another: it is not found anew for what could move its
    mean by a tenth of the way to its bounds at most, as what is inferred of a single step.
    """
    return any(abs(weight - then) > _STILL * sqrt(1 + then) for then, weight in zip(before, now, strict=True))


@lru_cache(maxsize=1_024)
def _names(cheap: Setting, dear: Setting) -> tuple[str, str, str]:
    return pair(cheap, dear), str(cheap), str(dear)


def _seen(counts: Mapping[str, Count], name: str) -> Seen:
    count = counts.get(name)
    if count is None:
        return _UNSEEN
    kinds, again = counts.get(_KINDS + name, _NOTHING), counts.get(_AGAIN + name, _NOTHING)
    return Seen(count.weight, count.score, kinds.weight, again.weight, again.score)


_UNSEEN = Seen()
_NO_LEVEL = Level()

"""From outcomes to a chance: for each kind of call a Beta distribution, which leans on that of the more general one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

from leanloop.plugins.difficulty.beta import beta_cdf
from leanloop.plugins.difficulty.unpaired import fixed_by_rates

__all__ = ["ARMS", "PRIOR", "Belief", "Level", "Seen", "believed"]


class Belief(NamedTuple):
    """A chance, and how many outcomes it is worth: a Beta(mean * strength, (1 - mean) * strength)."""

    mean: float
    strength: float

    def bounds(self, confidence: float = 0.95) -> tuple[float, float]:
        """A lower and an upper bound, each at this confidence, to the hundredth outside of it.

        The mean is between them also where hardly anything is known, and the middle of the distribution far from it.
        """
        # To four digits, which are more than the bounds show: so most are found again.
        low, high = _bounds(round(self.mean, 4), float(f"{self.strength:.3g}"), confidence)
        return min(low, self.mean), max(high, self.mean)


class Seen(NamedTuple):
    """Outcomes of one kind of call.

    Attributes:
        weight, score: how many, and how many of them succeeded.
        kinds: how many more special kinds they are of.
        again, product: outcomes of a kind that was known before, and the sum of each times the mean of those before.
    """

    weight: float = 0.0
    score: float = 0.0
    kinds: float = 0.0
    again: float = 0.0
    product: float = 0.0

    @property
    def mean(self) -> float:
        """The share that succeeded."""
        return min(1.0, max(0.0, self.score / self.weight))

    def without(self, weight: float) -> Seen:
        """What is left where `weight` of the outcomes are known in a better way."""
        if weight <= 0 or self.weight <= 0:
            return self
        share = max(0.0, 1 - weight / self.weight)
        return self._replace(weight=self.weight * share, score=self.score * share)

    def beside(self, special: Seen) -> Seen:
        """What is left of other kinds than the more special one."""
        if special.weight <= 0:
            return self
        weight = max(0.0, self.weight - special.weight)
        score = min(weight, max(0.0, self.score - special.score))
        return self._replace(weight=weight, score=score, kinds=self.kinds - 1)


class Level(NamedTuple):
    """What is known of one kind of call: of both settings tried on one question, and of each setting by itself."""

    pair: Seen = Seen()
    cheap: Seen = Seen()
    dear: Seen = Seen()

    @property
    def apart(self) -> Level:
        """With those outcomes of a setting alone that are not among the pairs."""
        weight = self.pair.weight
        if weight <= 0:
            return self
        return Level(self.pair, self.cheap.without(weight), self.dear.without(weight))

    @property
    def weight(self) -> float:
        """How many outcomes that is, in all."""
        return sum(one.weight for one in self.apart)


PRIOR = Belief(0.15, 1.0)
"""Of an agent about which nothing is known. 0.15 is what more thinking fixed of three models' answers (0.139, 0.190 and
0.130 of 2,840 questions of ZeroEval, o1-mini against gpt-4o, gpt-4o-mini and claude-3.5-sonnet). Worth one outcome: it
says next to nothing, and its upper bound is 0.79.
"""

ARMS = (Belief(0.79, 1.0), Belief(0.91, 1.0))
"""What the cheaper and the dearer setting succeed at, from the same: 0.800, 0.742 and 0.815 against 0.912."""

_LEAST = 1e-3
_HUNDREDTHS = range(101)
_ALIKE = 1 / 3
"""The correlation of two outcomes of one kind, before it is known: families of reasoning-gym have 0.27 to 0.37."""

_ALIKE_WORTH = 5.0
"""How many kinds that is worth."""


def believed(levels: Sequence[Level], shift: Sequence[float] = ()) -> Belief:
    """What to believe of the last of `levels`, which go from the most general kind of call to its own.

    Each level is a Beta-Binomial whose prior is centred where the level above is, without what is counted again below.
    How much a level tells of a kind below it is learned: from how alike two outcomes of one kind are (`_alike`), by the
    method of moments, so that the interval of a kind never seen is as wide as the known ones differ. Outcomes of few
    kinds count less for the level above them (the design effect of cluster samples; Kish, Survey Sampling, 1965).

    Args:
        levels: what was seen.
        shift: by level, the odds by which its chance differs from that above before anything is seen; 1 by default.
    """
    chance, (cheap, dear) = PRIOR, ARMS
    seen = [level.apart for level in levels]
    known = False  # until then it is the prior, which is as good for any kind
    for place, level in enumerate(seen):
        if place < len(shift):
            chance = chance._replace(mean=_by_odds(chance.mean, shift[place]))
        below = _most(seen[place + 1 :])
        before = fixed_by_rates(cheap, dear)
        cheap = _update(cheap, level.cheap, below and below.cheap)
        dear = _update(dear, level.dear, below and below.dear)
        chance = _learn(chance, *_more(before, fixed_by_rates(cheap, dear)))
        chance = _update(chance, level.pair, below and below.pair)
        known = known or chance.strength > PRIOR.strength
        if below is not None and known:
            chance, cheap, dear = map(_below, (chance, cheap, dear), map(_alike, level))
    return chance


def _most(levels: Sequence[Level]) -> Level | None:
    """Of the levels below another the most that was seen of each: a question is of all its kinds, also where none of
    them holds another (a phase of the loop, and what the text is like), and is counted once. None where there are none.
    """
    if len(levels) < 2:
        return levels[0] if levels else None
    return Level(*(max(seen, key=_weight) for seen in zip(*levels, strict=True)))


def _weight(seen: Seen) -> float:
    return seen.weight


def _update(belief: Belief, seen: Seen, special: Seen | None) -> Belief:
    """The belief with what was seen, but for what was seen of the more special kind; None where there is none."""
    rest = seen if special is None else seen.beside(special)
    if rest.weight <= 0:
        return belief
    kinds = rest.weight if special is None else min(max(rest.kinds, 1.0), rest.weight)
    return _learn(belief, rest.mean, rest.weight / (1 + (rest.weight / kinds - 1) * _alike(seen)))


def _more(before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    """What rates have come to say, and how many outcomes that is worth beyond what they said before."""
    return after[0], after[1] - before[1]


def _learn(belief: Belief, mean: float, worth: float) -> Belief:
    """With `worth` more outcomes, of which the share `mean` succeeded."""
    if worth <= 0:
        return belief
    strength = belief.strength + worth
    return Belief((belief.mean * belief.strength + mean * worth) / strength, strength)


def _below(belief: Belief, alike: float) -> Belief:
    """Of a kind below that is not known: the variance of the level's own chance, and of kinds around it."""
    own = 1 / (belief.strength + 1)
    return belief._replace(strength=1 / (own + alike * (1 - own)) - 1)


def _alike(seen: Seen) -> float:
    """The correlation of two outcomes of one kind (of their chances' variance to that of outcomes).

    The product of an outcome and the mean of those before it in its kind is, on average, the square of the kind's
    chance, whatever that is; what it is above the square of the mean is how kinds vary. Taken one standard error too
    high: of kinds that vary less than they do, too much would be promised.
    """
    if seen.weight <= 0 or seen.again <= 0 or not 0 < seen.mean < 1:
        return _surely(_ALIKE, 0.0)
    mean = seen.mean
    found = (seen.product / seen.again - mean * mean) / (mean * (1 - mean))
    worth = min(seen.kinds, seen.again)
    return _surely(min(1.0, max(0.0, found)), worth)


def _surely(found: float, worth: float) -> float:
    """With the prior, and one standard error above: that of a variance of so many kinds."""
    whole = _ALIKE_WORTH + worth
    likely = (_ALIKE * _ALIKE_WORTH + found * worth) / whole
    return min(0.98, max(0.02, likely * (1 + sqrt(2 / whole))))


def _by_odds(mean: float, odds: float) -> float:
    return mean * odds / (1 - mean + mean * odds)


@lru_cache(maxsize=4_096)
def _bounds(mean: float, strength: float, confidence: float) -> tuple[float, float]:
    a, b = max(mean * strength, _LEAST), max((1 - mean) * strength, _LEAST)
    # Looked for among the hundredths alone: a quantile is at or above a point if no more than its share is below that.
    low = bisect_right(_HUNDREDTHS, 1 - confidence, key=lambda place: beta_cdf(place / 100, a, b)) - 1
    high = bisect_left(_HUNDREDTHS, confidence, key=lambda place: beta_cdf(place / 100, a, b))
    return low / 100, high / 100

"""How alike two questions must be for one's answer to serve the other, found from pairs that people have labelled.

A threshold is tried where it matters: every question is looked up among all the others, since the more there are, the
more often something looks alike. It is taken only where the share of wrong hits is below what is allowed at 95 %
confidence, not just as it was counted (Clopper and Pearson, Biometrika 26, 1934): 0 wrong of 300 lookups say no more
than that at most 1 % are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["CONFIDENCE", "Calibration", "Trial", "calibrated", "calibration_key", "least_lookups", "lower", "upper"]

CONFIDENCE = 0.95

_ROUNDS = 60
"""Halvings of the interval in which a bound is looked for: to 1e-18."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One lookup: how alike the nearest verified entry was, None where none was left, and whether it was right."""

    score: float | None
    right: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found for one agent and embedder.

    Attributes:
        threshold: the least cosine of an answer that is served; None where no threshold holds the promise.
        promised: the share of false hits it was made for.
        bound: the share of lookups answered wrongly is at most this, at 95 % confidence.
        lookups, served, wrong: of lookups without a right answer in the store, and of all that were served.
        size: entries of the store it was tried in.
    """

    threshold: float | None
    promised: float
    bound: float
    lookups: int
    served: int
    wrong: int
    size: int

    def text(self) -> str:
        """As text, to be kept."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def read(cls, text: str) -> Calibration | None:
        """What `text` wrote; None for anything else."""
        try:
            fields: object = json.loads(text)
        except (ValueError, RecursionError):
            return None
        match fields:
            case {
                "threshold": float() | int() | None as threshold,
                "promised": float() | int() as promised,
                "bound": float() | int() as bound,
                "lookups": int(lookups),
                "served": int(served),
                "wrong": int(wrong),
                "size": int(size),
            } if threshold is None or 0 <= threshold <= 1:
                return cls(threshold, promised, bound, lookups, served, wrong, size)
            case _:
                return None


def calibration_key(agent: str, embedder: str, policy: str) -> str:
    """Where it is kept: one for each agent, embedder and version of the checks."""
    return blake2b(json.dumps(["calibration", agent, embedder, policy]).encode(), digest_size=20).hexdigest()


def calibrated(trials: Iterable[Trial], *, promised: float, size: int) -> Calibration:
    """The lowest threshold at which at most `promised` of the lookups are answered wrongly.

    Lookups whose own answer is in the store are counted too: they as well can be answered by another's.
    """
    counted = list(trials)
    hits = sorted((trial for trial in counted if trial.score is not None), key=lambda trial: -(trial.score or 0.0))
    best = Calibration(None, promised, upper(0, len(counted)), len(counted), 0, 0, size)
    wrong = 0
    for place, hit in enumerate(hits):
        wrong += not hit.right
        if place + 1 < len(hits) and hits[place + 1].score == hit.score:
            continue  # a threshold lets in all that are as alike
        bound = upper(wrong, len(counted))
        if bound > promised:
            if wrong:
                break  # further down it only gets worse
            continue
        best = Calibration(_below(hits, place), promised, bound, len(counted), place + 1, wrong, size)
    return best


def least_lookups(promised: float) -> int:
    """How many lookups without one wrong hit it takes to be sure of `promised`: 2,995 for 0.1 %."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-promised))


def upper(wrong: int, of: int) -> float:
    """The share is at most this, at 95 % confidence."""
    if wrong >= of:
        return 1.0
    if wrong == 0:
        return 1.0 - math.pow(1 - CONFIDENCE, 1 / of)
    return _halved(wrong / of, 1.0, lambda share: _at_most(wrong, of, share) > 1 - CONFIDENCE)


def lower(wrong: int, of: int) -> float:
    """The share is at least this, at 95 % confidence."""
    if wrong == 0:
        return 0.0
    return _halved(0.0, wrong / of, lambda share: 1 - _at_most(wrong - 1, of, share) <= 1 - CONFIDENCE)


def _halved(low: float, high: float, above: Callable[[float], bool]) -> float:
    """Where `above` turns from true to false."""
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if above(middle):
            low = middle
        else:
            high = middle
    return high


def _at_most(wrong: int, of: int, share: float) -> float:
    """The chance of at most so many wrong ones where each is with that share."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    whole = math.lgamma(of + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * log_share + (of - k) * log_rest)
        for k in range(wrong + 1)
    )


def _below(hits: Sequence[Trial], place: int) -> float:
    """A threshold that lets in the hits up to `place`: half way to the next, so that rounding decides nothing."""
    score = hits[place].score or 0.0
    following = hits[place + 1].score if place + 1 < len(hits) else None
    return max(0.0, score - 1e-6) if following is None else (score + following) / 2

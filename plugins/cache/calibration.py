"""How alike two questions must be for one's answer to serve the other, found from pairs that people have labelled.

The promise is about questions that nothing in the cache answers, of which the more are answered all the same the more
there is in it: at most so many of them are, whatever share of the traffic they are. (Where its own answer is there too,
a question is answered by a wrong one only if it would be without.)

Thresholds are tested from the strictest down, each by the bound of Clopper and Pearson (Biometrika 26, 1934), up to the
first that fails: fixed-sequence testing, as in Learn then Test (Angelopoulos et al., https://arxiv.org/abs/2110.01052).
What is wrong at a threshold is wrong at every lower one, so at most one set of pairs in twenty breaks the promise,
however many thresholds are tried on it, and none are kept back for a second look.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from leanloop.plugins.cache.entry import Entry

__all__ = [
    "CALIBRATION_TAG",
    "CONFIDENCE",
    "Calibration",
    "Trial",
    "calibrated",
    "calibration_entry",
    "calibration_key",
    "least_lookups",
    "lower",
    "tried",
    "upper",
]

CONFIDENCE = 0.95

CALIBRATION_TAG = "calibration"
"""Of the entry it is kept in. Tags of answers have a colon."""

_FOREVER = 10 * 365 * 86_400.0

_ROUNDS = 60
"""Halvings of the interval in which a bound is looked for: to 1e-18."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One question, looked up in a store without its own answers, and in one that has them.

    Attributes:
        wrong: how alike what would be served without them is; None where nothing passes the checks.
        right: how alike its own answer is, where that is what is found; None where not.
        repeats: whether it has an answer of its own.
        asked, by: the question, and the one whose answer is wrong for it.
    """

    wrong: float | None = None
    right: float | None = None
    repeats: bool = False
    asked: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was found for one agent and embedder.

    Attributes:
        threshold: the least cosine of an answer that is served; None where no threshold holds the promise.
        promised: the share of false hits it was made for.
        bound: of questions that nothing in the store answers, at most this share is served, at 95 % confidence.
        lookups, wrong: questions that were looked up without their own answers, and how many were served all the same.
        repeats, served: those with an answer of their own, and how many were served it.
        size: entries of the store it was tried in.
        agent, embedder: whose it is; of the embedder the name that people know.
        fingerprint: of the embedder.
    """

    threshold: float | None
    promised: float
    bound: float
    lookups: int
    served: int
    wrong: int
    size: int
    repeats: int = 0
    agent: str = ""
    embedder: str = ""
    fingerprint: str = ""

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
                "repeats": int(repeats),
                "agent": str(agent),
                "embedder": str(embedder),
                "fingerprint": str(fingerprint),
            } if threshold is None or 0 <= threshold <= 1:
                counted = (lookups, served, wrong, size, repeats)
                return cls(threshold, promised, bound, *counted, agent, embedder, fingerprint)
            case _:
                return None


def calibration_key(agent: str, embedder: str, policy: str) -> str:
    """Where it is kept: one for each agent, embedder and version of the checks."""
    return blake2b(json.dumps(["calibration", agent, embedder, policy]).encode(), digest_size=20).hexdigest()


def calibration_entry(found: Calibration, policy: str, now: float) -> Entry:
    """As an entry, in which it stays until another one is found."""
    key = calibration_key(found.agent, found.fingerprint, policy)
    label = f"calibration of {found.agent}"
    return Entry(key, found.text(), now, _FOREVER, worth=2**40, label=label, tags=(CALIBRATION_TAG,))


def calibrated(trials: Sequence[Trial], *, promised: float, size: int) -> Calibration:
    """The lowest threshold at which at most `promised` of the questions are answered wrongly, at 95 % confidence."""
    none = Calibration(None, promised, upper(0, len(trials)), len(trials), 0, 0, size, _repeats(trials))
    allowed = _allowed(promised, len(trials))
    if allowed is None:
        return none
    wrong = sorted((trial.wrong for trial in trials if trial.wrong is not None), reverse=True)
    fails = wrong[allowed] if len(wrong) > allowed else None  # the first threshold that does
    scores = [score for trial in trials for score in (trial.wrong, trial.right) if score is not None]
    held = [score for score in scores if fails is None or score > fails]
    if not held:
        return none
    # Half way to what fails, so that rounding decides nothing; of what is below the last, nothing was seen.
    threshold = min(held) - 1e-6 if fails is None else (min(held) + fails) / 2
    return tried(trials, max(0.0, threshold), promised=promised, size=size)


def tried(trials: Sequence[Trial], threshold: float, *, promised: float, size: int) -> Calibration:
    """What one threshold does, whether or not it holds the promise."""
    wrong = sum(trial.wrong is not None and trial.wrong >= threshold for trial in trials)
    served = sum(trial.right is not None and trial.right >= threshold for trial in trials)
    bound = upper(wrong, len(trials))
    return Calibration(threshold, promised, bound, len(trials), served, wrong, size, _repeats(trials))


def least_lookups(promised: float, wrong: int = 0) -> int:
    """How many lookups it takes to be sure of `promised`, with so many wrong hits: 2,995 without one, for 0.1 %."""
    least = math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-promised))
    if not wrong:
        return least
    return bisect_left(range(least * (wrong + 2)), True, key=lambda of: of > wrong and upper(wrong, of) <= promised)


def upper(wrong: int, of: int) -> float:
    """The share is at most this, at 95 % confidence; 1 of nothing."""
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


def _allowed(promised: float, lookups: int) -> int | None:
    """How many wrong ones of so many lookups the promise allows; None where not even none is enough to be sure."""
    if upper(0, lookups) > promised:
        return None
    most = math.floor(promised * lookups) + 1  # more than this share would be above it as counted
    return bisect_left(range(1, most + 1), True, key=lambda wrong: upper(wrong, lookups) > promised)


def _repeats(trials: Sequence[Trial]) -> int:
    return sum(trial.repeats for trial in trials)

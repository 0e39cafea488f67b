"""What settings came to on a set of questions: each by itself, and each against the first on the same questions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from leanloop.plugins.trial.bounds import Differences, Interval, mean_interval, share_interval
from leanloop.plugins.trial.paired_test import paired_p

__all__ = ["Against", "Answered", "ArmSummary", "against", "summed_up"]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one question with one setting; `score` is None where the call failed."""

    score: float | None
    cost: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One setting by itself.

    Attributes:
        asked, failed: questions, and how many of them ended in an error. Those count neither as right nor as wrong.
        accuracy: the mean score of the others.
        cost: nano-dollars a question, of those whose cost is known; failed ones cost too.
        cost_of_right: what one whole success cost, in nano-dollars; None where there is none, or a cost is not known.
        seconds: the median, and what 95 % of the answers took at most; None where nothing was answered.
    """

    setting: str
    asked: int
    failed: int
    accuracy: Interval
    cost: Interval | None
    cost_of_right: float | None
    seconds: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Against:
    """One setting against another on the questions that both have answered.

    Attributes:
        difference: of the mean scores, above 0 where the one is better.
        better, worse: on how many questions.
        p: how likely so great a difference is by chance.
        cost: of a question, in nano-dollars; None where costs are not known.
    """

    setting: str
    other: str
    pairs: int
    difference: Interval
    better: int
    worse: int
    p: float
    cost: Interval | None


def summed_up(setting: str, answered: Iterable[Answered]) -> ArmSummary:
    """What one setting came to."""
    each = list(answered)
    scores = [one.score for one in each if one.score is not None]
    costs = [one.cost for one in each if one.cost is not None]
    took = sorted(one.seconds for one in each if one.seconds is not None and one.score is not None)
    right = math.fsum(scores)
    whole = len(costs) == len(each)
    return ArmSummary(
        setting,
        len(each),
        len(each) - len(scores),
        share_interval(right, len(scores)),
        _cost(costs),
        sum(costs) / right if whole and right else None,
        (_at(took, 0.5), _at(took, 0.95)) if took else None,
    )


def against(one: str, other: str, answered: Mapping[str, Mapping[str, Answered]]) -> Against:
    """The setting `one` against `other`; `answered` is by setting and question."""
    pairs: list[tuple[float, float]] = []
    costs: list[int] = []
    known = True
    for question, mine in answered[one].items():
        theirs = answered[other].get(question)
        if theirs is None or mine.score is None or theirs.score is None:
            continue
        pairs.append((mine.score, theirs.score))
        if mine.cost is None or theirs.cost is None:
            known = False
        else:
            costs.append(mine.cost - theirs.cost)
    return Against(
        one,
        other,
        len(pairs),
        Differences.between(pairs).interval(),
        sum(mine > theirs for mine, theirs in pairs),
        sum(mine < theirs for mine, theirs in pairs),
        paired_p(mine - theirs for mine, theirs in pairs),
        mean_interval(costs) if known and costs else None,
    )


def _cost(costs: Sequence[int]) -> Interval | None:
    """The mean, which is not below 0, however much costs vary."""
    found = mean_interval(costs) if costs else None
    return found and found._replace(low=max(0.0, found.low))


def _at(ordered: Sequence[float], share: float) -> float:
    """The nearest rank; of two in the middle, the mean."""
    if share == 0.5 and len(ordered) % 2 == 0:
        return fmean(ordered[len(ordered) // 2 - 1 : len(ordered) // 2 + 1])
    return ordered[math.ceil(share * len(ordered)) - 1]

"""A threshold found from a labelled set: what it loses, spares and costs in safety."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leanloop.budgets.budget import Budget
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.bounds import CONFIDENCE, Differences, Interval, least_pairs, mean_interval
from leanloop.plugins.trial.labelled import Labelled
from leanloop.plugins.trial.pairs import Tried, tried_with
from leanloop.plugins.trial.rehearsal import Rehearsal, questions_of
from leanloop.plugins.trial.threshold import Case, Step, loosest, naive, setting_at, steps

__all__ = ["Tuning", "tuned"]

_FINEST, _MOST = 0.001, 0.999
"""What a share in a budget file may be."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was found.

    Attributes:
        settings: the cheapest first.
        tried: the questions that all of them have answered.
        promised: the share of the mean score that may be lost.
        step: the threshold that was taken; None where none holds the promise.
        above: what to write in the file for it.
        steps: every one that was there to take.
        naive: the share of questions that would go to the dearest setting at a threshold that goes by the loss as
            counted, and breaks the promise in every other set.
        held_out: for each question the place of the setting it goes to, by a threshold and chances that four fifths of
            the set lead to, in which it has no part.
        saving: nano-dollars a question, against all dear; None where costs are not known of all questions.
        dear_cost: what the dearest setting costs a question.
    """

    settings: tuple[Setting, ...]
    tried: tuple[Tried, ...]
    promised: float
    step: Step | None
    above: float
    steps: tuple[Step, ...]
    naive: float
    held_out: tuple[int, ...]
    saving: Interval | None
    dear_cost: float | None

    @property
    def questions(self) -> int:
        """How many there are."""
        return len(self.tried)

    @property
    def held_out_loss(self) -> Differences:
        """What was lost on fifths of the set that had no part in finding the threshold."""
        pairs = zip(self.tried, self.held_out, strict=True)
        return Differences.between((one.scores[-1], one.scores[place]) for one, place in pairs)


def tuned(
    rows: Iterable[Labelled],
    settings: Sequence[Setting],
    budget: Budget,
    *,
    most: float,
    wary: bool,
    confidence: float = CONFIDENCE,
) -> Tuning:
    """The lowest threshold that surely loses at most `most` of the mean score.

    Args:
        rows: the labelled set.
        settings: the cheapest first.
        budget: whose agent it is for.
        most: the share that may be lost.
        wary: whether calls about which too little is known go up.
        confidence: one-sided; greater where several settings are tried and one of them is taken.

    Raises:
        UsageError: no question was answered with all settings, there are too few to be sure of anything, or no setting
            did better or worse than another on any of them.
    """
    tried = tried_with(rows, settings)
    least = least_pairs(most, confidence)
    if len(tried) < least:
        raise UsageError(
            f"To be sure that at most {most:.3g} of the score is lost takes {least:,} questions that were answered by "
            f"{' and '.join(map(str, settings))}, at the very least; the set has {len(tried):,}. Label "
            f"{least - len(tried):,} more, or allow a greater loss."
        )
    if all(len(set(one.scores)) == 1 for one in tried):
        raise UsageError(
            f"All {len(tried):,} questions were answered as well by {settings[0]} as by {settings[-1]}: a set of one "
            "kind says nothing of which calls need the dearer one. It may be that none does; add questions that the "
            "cheaper one fails, or leave this key out of the file."
        )
    questions = questions_of(tried, budget)
    rehearsal = Rehearsal(settings, wary=wary)
    cases = rehearsal.cases(questions)
    all_steps = tuple(steps(cases))
    step, as_counted = loosest(cases, most, confidence), naive(cases, most)
    threshold = step.threshold if step is not None else -1.0
    return Tuning(
        tuple(settings),
        tuple(tried),
        most,
        step,
        _written(threshold, all_steps),
        all_steps,
        (as_counted.dear if as_counted is not None else len(cases)) / len(cases),
        tuple(rehearsal.held_out(questions, most, confidence)),
        *_saved(cases, threshold),
    )


def _written(threshold: float, all_steps: Sequence[Step]) -> float:
    """A short number between the threshold and the next one, which does the same."""
    later = next((step.threshold for step in all_steps if step.threshold > threshold), 1.0)
    short = next((up for digits in (2, 3, 4) if threshold <= (up := _up(threshold, digits)) < later), threshold)
    return min(_MOST, max(_FINEST, short))


def _up(number: float, digits: int) -> float:
    whole = 10.0**digits
    return math.ceil(round(number * whole, 6)) / whole


def _saved(cases: Sequence[Case], threshold: float) -> tuple[Interval | None, float | None]:
    saved: list[float] = []
    dear: list[float] = []
    for case in cases:
        own, best = case.costs[setting_at(case, threshold)], case.costs[-1]
        if own is None or best is None:
            return None, None
        saved.append(best - own)
        dear.append(best)
    return mean_interval(saved), sum(dear) / len(dear)

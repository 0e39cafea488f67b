"""The threshold from which on questions go to the dearer setting, loosened as far as the evidence goes.

It begins where every question goes to the dearest setting, which loses nothing, and is loosened one step at a time
while the one-sided 95 % bound of the paired loss (the dearest setting's score less that of the setting a question goes
to) stays within what may be lost; the first step that fails ends it. Steps are tested in an order that was fixed before
their outcomes were seen, so that one set in twenty breaks the promise at most, however many steps there are:
fixed-sequence testing, as in Learn then Test (Angelopoulos et al., https://arxiv.org/abs/2110.01052).

A threshold taken where the loss as counted is just within the promise breaks it in every other set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from leanloop.plugins.trial.bounds import CONFIDENCE, Differences

__all__ = ["Case", "Step", "loosest", "naive", "setting_at", "steps"]


@dataclass(frozen=True, slots=True)
class Case:
    """A question that was answered with every setting, the cheapest first.

    Attributes:
        chances: for each setting but the last, the chance that it fails where the next one succeeds, the one after
            that, and so on; as they are compared with the threshold.
        scores: of each setting, from 0 to 1.
        costs: of each setting, in nano-dollars; None where not known.
    """

    chances: tuple[tuple[float, ...], ...]
    scores: tuple[float, ...]
    costs: tuple[int | None, ...] = ()


class Step(NamedTuple):
    """What one threshold does.

    Attributes:
        threshold: chances above it go up; at -1 all do.
        loss: by how much the scores fall behind the dearest setting's.
        dear: questions that go to the dearest setting.
    """

    threshold: float
    loss: Differences
    dear: int


def setting_at(case: Case, threshold: float) -> int:
    """The place of the setting a question goes to, as `leanloop.plugins.routing.choice` has it: from the cheapest up to
    the next that is likely to succeed where it fails, and so on from there.
    """
    at = 0
    for place in range(1, len(case.chances) + 1):
        if case.chances[at][place - at - 1] > threshold:
            at = place
    return at


def steps(cases: Sequence[Case]) -> Iterator[Step]:
    """From where every question goes to the dearest setting to where none does that need not."""
    lost = won = 0.0
    dear = len(cases)
    yield Step(-1.0, Differences(len(cases), lost, won), dear)
    for threshold, moves in groupby(sorted(_moves(cases)), key=lambda move: move[0]):
        for _, before, after, leaves in moves:
            lost += max(0.0, after) - max(0.0, before)
            won += max(0.0, -after) - max(0.0, -before)
            dear -= leaves
        yield Step(threshold, Differences(len(cases), max(0.0, lost), max(0.0, won)), dear)


def _moves(cases: Sequence[Case]) -> Iterator[tuple[float, float, float, int]]:
    """At which threshold a question goes to another setting, what is lost by it before and after, and by how many fewer
    go to the dearest.
    """
    for case in cases:
        best = case.scores[-1]
        place = last = len(case.chances)
        for threshold in sorted({chance for chances in case.chances for chance in chances}):
            other = setting_at(case, threshold)
            if other != place:
                leaves = (place == last) - (other == last)
                yield threshold, best - case.scores[place], best - case.scores[other], leaves
                place = other


def loosest(cases: Sequence[Case], most: float, confidence: float = CONFIDENCE) -> Step | None:
    """The last step before the first that may lose more than `most` (a share); None where already the first may."""
    found = None
    for step in steps(cases):
        if step.dear == len(cases):
            continue  # nothing was left to chance
        if not step.loss.at_most(most, confidence):
            break
        found = step
    return found


def naive(cases: Sequence[Case], most: float) -> Step | None:
    """The last step whose loss as counted is within `most`: what `loosest` is measured against."""
    return next((step for step in reversed(list(steps(cases))) if step.loss.mean <= most), None)

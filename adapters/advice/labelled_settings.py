"""What a cheaper setting would have spared on labelled questions, and what it would have lost.

Each question goes to the cheaper or to the dearer setting by what the outcomes of others say of its kind, as
`leanloop tune` has it: the threshold is loosened as far as the evidence goes (`leanloop.plugins.trial.threshold`). What
is saved is measured on the fifths of the questions that had no part in finding it. Where several cheaper settings are
tried, each is held to a bound that holds for all of them together (Bonferroni), so that the best of them may be taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from pydantic import JsonValue

from leanloop.adapters.advice.case import Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.labelled_questions import mean_costs
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.bounds import CONFIDENCE
from leanloop.plugins.trial.labelled import Labelled
from leanloop.plugins.trial.pairs import Tried, tried_with
from leanloop.plugins.trial.threshold import Step
from leanloop.plugins.trial.tuning import Tuning, tuned

__all__ = ["settled"]

_STEPS_NAMED = 24


@dataclass(frozen=True, slots=True)
class _Found:
    """A cheaper setting that holds the promise.

    Attributes:
        step: the threshold that was taken.
        right: the mean score of the dearer one.
        confidence: at which its loss is bounded.
    """

    tuning: Tuning
    step: Step
    right: float
    confidence: float

    @property
    def saved(self) -> int:
        """Nano-dollars, on questions that had no part in finding the threshold."""
        pairs = zip(self.tuning.tried, self.tuning.held_out, strict=True)
        return sum(_cost(one, -1) - _cost(one, place) for one, place in pairs)

    @property
    def share(self) -> float:
        """The same, of what the questions cost with the dearer setting."""
        return self.saved / max(1, sum(_cost(one, -1) for one in self.tuning.tried))


def settled(
    feature: str,
    rows: Sequence[Labelled],
    terms: Terms,
    *,
    dear: Setting,
    cheaper: Sequence[Setting],
    keys: Callable[[Tuning], Mapping[str, JsonValue]],
) -> Change | Unmeasured:
    """The cheaper setting that spares most, of those that surely lose no more of the successes than allowed.

    Args:
        feature: what the change is called.
        rows: the labelled questions.
        terms: the budget, and what may be lost.
        dear: the setting that all questions go to now.
        cheaper: those that may take some of them over.
        keys: of the budget file, for what was found.

    Returns:
        The change; or why there is none to make. Where costs are not known it is told which questions the cheaper
        setting could take over, and nothing is advised.
    """
    costs = mean_costs(rows)
    unpriced = not {dear, *cheaper} <= costs.keys()
    if unpriced:
        rows = [replace(row, cost=int(row.setting == dear)) for row in rows]
    confidence = 1 - (1 - CONFIDENCE) / len(cheaper)
    found: list[_Found] = []
    failed: list[str] = []
    for cheap in cheaper:
        tried = _tried(rows, cheap, dear, terms, confidence)
        if isinstance(tried, str):
            failed.append(tried)
        else:
            found.append(tried)
    if not found:
        return Unmeasured(feature, failed[0], tuple(failed[1:]))
    best = max(found, key=lambda one: one.saved)  # the first of equals
    others = [f"{one.tuning.settings[0]} would save {one.share:.1%} in its place." for one in found if one is not best]
    together = f", for the {len(cheaper)} cheaper settings that were tried together" if len(cheaper) > 1 else ""
    how = (
        f"{len(best.tuning.tried):,} labelled questions that {best.tuning.settings[0]} and {dear} have answered were "
        "each sent by what the outcomes of others say of its kind; what is saved is measured on fifths that had no "
        f"part in finding the threshold. The loss is bounded at 95 % confidence{together}."
    )
    if unpriced:
        why = (
            "what it would save is not known: not every row has its cost in usd. leanloop evaluate writes it for "
            "models with a price; others are named under prices in the file given with --budget"
        )
        return Unmeasured(feature, why, (how, *_notes(best)))
    notes = (*_notes(best), *others, *(f"Not taken: {why}." for why in failed))
    return Change(feature, keys(best.tuning), _effects(best.tuning), how, notes, _lost(best))


def _tried(rows: Sequence[Labelled], cheap: Setting, dear: Setting, terms: Terms, confidence: float) -> _Found | str:
    """What was found for a cheaper setting; or in words why it is none to take."""
    try:
        tried = tried_with([row for row in rows if row.setting in (cheap, dear)], (cheap, dear))
        if sum(_cost(one, 0) for one in tried) >= sum(_cost(one, -1) for one in tried):
            return f"{cheap} costs no less than {dear} on the {len(tried):,} questions that both have answered"
        right = fmean(one.scores[-1] for one in tried)
        most = terms.lose_at_most * right
        if not 0 < most < 1:
            return f"{dear} has answered none of {len(tried):,} questions rightly, so there is nothing to lose"
        tuning = tuned(rows, (cheap, dear), terms.budget, most=most, wary=True, confidence=confidence)
    except UsageError as error:
        return str(error).rstrip(".")
    if tuning.step is None:
        return (
            f"with {cheap} for some of {len(tried):,} questions and {dear} for the others, it is not sure for any "
            f"threshold that at most {terms.lose_at_most:.3g} of the successes are lost; more labelled questions make "
            "it surer"
        )
    return _Found(tuning, tuning.step, right, confidence)


def _effects(tuning: Tuning) -> list[Effect]:
    pairs = zip(tuning.tried, tuning.held_out, strict=True)
    return [Effect(f"{one.agent}/{one.id}", _cost(one, -1), _cost(one, place)) for one, place in pairs]


def _lost(found: _Found) -> tuple[float, float]:
    """The share of the successes, and what it is at most, as the threshold that is taken promises."""
    loss = found.step.loss
    return max(0.0, loss.mean) / found.right, loss.most(found.confidence) / found.right


def _notes(found: _Found) -> list[str]:
    tuning = found.tuning
    cheap, dear = tuning.settings
    held_out = tuning.held_out_loss
    return [
        f"{tuning.held_out.count(0) / len(tuning.held_out):.1%} of the questions go to {cheap}, the others to {dear}.",
        *_by_step(tuning),
        (
            f"On the fifths held out {held_out.mean / found.right:.2%} of the successes were lost, at most "
            f"{held_out.most() / found.right:.2%} at 95 % confidence."
        ),
        (
            "Have the agent learn these rows first (leanloop learn LABELLED --budget FILE): until it knows of a call "
            f"that {cheap} will do, the call goes to {dear}."
        ),
    ]


def _by_step(tuning: Tuning) -> list[str]:
    """Which declared steps go to the cheaper setting, those with the most questions first."""
    cheap, dear = tuning.settings
    to_cheap, of = Counter[str](), Counter[str]()
    for one, place in zip(tuning.tried, tuning.held_out, strict=True):
        if one.step.strip():
            of[one.step] += 1
            to_cheap[one.step] += place == 0
    if not of:
        return ["No row says its step, so questions are told apart by what their text is like."]
    order = sorted(of, key=lambda step: (-to_cheap[step], step))
    mostly = [step for step in order if 2 * to_cheap[step] > of[step]]
    named = ", ".join(f"{shown(step)} ({to_cheap[step]:,} of {of[step]:,})" for step in mostly[:_STEPS_NAMED])
    more = f" and {len(mostly) - _STEPS_NAMED:,} more" if len(mostly) > _STEPS_NAMED else ""
    return [f"{cheap} takes {len(mostly):,} of {len(of):,} steps: {named or '-'}{more}. The others stay with {dear}."]


def _cost(one: Tried, place: int) -> int:
    return one.costs[place] or 0

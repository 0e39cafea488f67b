"""A limit per task, in dollars or in tokens, by what successful runs came to.

Candidates are percentiles of what successes cost, and the dearest of them with some room above it. What a landing needs
is kept back inside the limit. A limit in dollars sets aside each call's prompt as if nothing of it were cached, so
where much is read from the cache it needs more room than one in tokens: both are tried.

A candidate is chosen on some runs and judged on others: the tightest one that loses no more successes than allowed, by
limits fitted to a part of those runs and tried on the rest of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.folds import cross_fitted
from leanloop.adapters.advice.limit_trial import Candidate, LimitTrial, Resource
from leanloop.adapters.advice.runs import Runs
from leanloop.budgets.money import format_usd, from_nano

__all__ = ["CANDIDATES", "FEATURE", "budget_limit"]

FEATURE = "budget"

CANDIDATES = tuple(
    Candidate(percentile, room) for percentile in (90, 95, 98, 99, 100) for room in (1.0, 1.1, 1.25, 1.5, 2.0, 3.0)
)
_NINETY_FIFTH = Candidate(95)

_HOW = (
    "Limits were fitted to four fifths of the tasks and replayed on the last fifth, each in turn. What a landing needs "
    "is kept back inside the limit; a success that was landed before its end counts as lost, whatever its last answer "
    "would have been."
)


def budget_limit(runs: Runs) -> Change | Unmeasured:
    """Try limits per task, and give the one that saves most within the losses that are allowed."""
    cases, terms = runs.cases, runs.terms
    if any(limit.per == "task" and limit.amounts().keys() & {"usd", "tokens"} for limit in terms.budget.limits):
        return Unmeasured(FEATURE, "the budget file limits what a task may spend")
    trials = {resource: LimitTrial(runs, resource) for resource in ("usd", "tokens")}
    if not trials["usd"].bill(cases):
        return Unmeasured(FEATURE, "these runs cost nothing")
    effects: list[Effect] = []
    for fitted, held_out in cross_fitted(cases, terms.seed):
        trial, candidate = _choice(list(trials.values()), fitted)
        limit = trial.limit(candidate, fitted)
        effects += [trial.effect(case, limit) for case in held_out]
    if not effects:
        return Unmeasured(FEATURE, "all runs are of one task: a limit is fitted to some tasks and measured on others")
    trial, candidate = _choice(list(trials.values()), cases)
    limit = trial.limit(candidate, cases)
    notes = (f"{_amount(limit, trial.resource)} is {trial.named(candidate)}.", _told(trials["tokens"], cases))
    amount = limit if trial.resource == "tokens" else float(from_nano(limit))
    return Change(FEATURE, {"limits": [{"per": "task", trial.resource: amount}]}, effects, _HOW, notes)


def _choice(trials: Sequence[LimitTrial], cases: Sequence[Case]) -> tuple[LimitTrial, Candidate]:
    """The tightest candidate of each resource that loses no more than allowed; of these the one that saves most."""
    found: list[tuple[tuple[bool, int], LimitTrial, Candidate]] = []
    for trial in trials:
        candidate, holds = trial.tightest(CANDIDATES, cases)
        limit = trial.limit(candidate, cases)
        found.append(((not holds, sum(trial.effect(case, limit).after for case in cases)), trial, candidate))
    return min(found, key=lambda one: one[0])[1:]


def _told(trial: LimitTrial, cases: Sequence[Case]) -> str:
    """What the 95th percentile of tokens makes of all runs, fitted to these very runs."""
    limit = trial.limit(_NINETY_FIFTH, cases)
    effects = [trial.effect(case, limit) for case in cases]
    counted = [effect for effect in effects if effect.success] or effects
    tokens = 1 - sum(trial.tokens_under(case, limit) for case in cases) / sum(map(trial.tokens, cases))
    money = 1 - sum(effect.after for effect in effects) / trial.bill(cases)
    lost = sum(effect.ended for effect in counted)
    return (
        f"At {trial.named(_NINETY_FIFTH)}, {_amount(limit, trial.resource)}, {tokens:.1%} of tokens and {money:.1%} of "
        f"the bill are saved and {lost:,} of {len(counted):,} lost, on the very runs it is fitted to."
    )


def _amount(limit: int, resource: Resource) -> str:
    return f"{limit:,} tokens" if resource == "tokens" else format_usd(limit)

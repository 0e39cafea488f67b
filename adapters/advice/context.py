"""Old tool results that are cleared from the history: where that pays, and where it does not.

Clearing needs `read_result`, and so shortened results. Where the file has none, it is measured on top of the limit that
is best by itself: against the bill with that limit if it saves, else against the bill without either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.grid import Setting, Trials, Tried
from leanloop.adapters.advice.results import ONE_TASK, READ_BACK, limited, untried
from leanloop.adapters.advice.runs import Runs
from leanloop.budgets.context_rules import ContextRules

__all__ = ["FEATURE", "context"]

FEATURE = "cleared context"

_KEPT = (3, 2)
"""The latest results that are never cleared."""

_HOW = (
    "Each run was replayed with old results cleared where that saves money by the provider's prices of cached prompts, "
    f"on top of shortened results. {READ_BACK}"
)


def context(runs: Runs) -> Change | Unmeasured:
    """Try how many results are kept."""
    terms = runs.terms
    if terms.budget.context is not None:
        return Unmeasured(FEATURE, "the budget file has it on")
    why = untried(runs.cases)
    if why is not None:
        return Unmeasured(FEATURE, why)
    trials = Trials(runs)
    if not trials.folds:
        return Unmeasured(FEATURE, ONE_TASK)
    own = Setting({}, terms.budget, "")
    limits = trials.of(limited(terms) if terms.budget.results is None else (own,))
    cleared: dict[int, list[Tried]] = {}

    def on_top(limit: Tried) -> list[Tried]:
        if id(limit) not in cleared:
            cleared[id(limit)] = trials.of(_settings(limit.setting))
        return cleared[id(limit)]

    effects: list[Effect] = []
    for fitted, held_out in trials.folds:
        limit = trials.best(limits, fitted)
        best = trials.best(on_top(limit), fitted)
        saves = sum(limit.effects[place].after - limit.effects[place].before for place in fitted) < 0
        both = [(limit.effects[place], best.effects[place]) for place in held_out]
        effects += [_beyond(*pair) if saves else pair[1] for pair in both]
    limit = trials.best(limits)
    taken = trials.best(on_top(limit))
    told = (one.told() for one in (*limits, *on_top(limit)) if one.setting.words)
    return Change(FEATURE, taken.setting.keys, effects, _HOW, tuple(told))


def _settings(limit: Setting) -> Iterator[Setting]:
    for kept in _KEPT:
        words = ", ".join(filter(None, (f"context: {{keep: {kept}}}", limit.words)))
        budget = limit.budget.model_copy(update={"context": ContextRules(keep=kept)})
        yield Setting({**limit.keys, "context": {"keep": kept}}, budget, words)


def _beyond(limit: Effect, both: Effect) -> Effect:
    """What clearing changes in a run whose results are shortened."""
    missing = max(0, both.missing - limit.missing)
    return replace(both, before=limit.after, ended=both.ended and not limit.ended, missing=missing)

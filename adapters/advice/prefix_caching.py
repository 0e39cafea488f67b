"""The provider's prefix caching: what asking for it saves, and what breaks the prefix where it comes by itself."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.trace import succeeded
from leanloop.budgets.budget import Budget
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.usage import Usage

__all__ = ["FEATURE", "is_cached", "prefix_caching"]

FEATURE = "prefix caching"

_HOW = (
    "Each run was priced without marks and with one behind the last message of each call, which is read again by the "
    "next. Taken for granted: calls of a run follow each other within five minutes, and no run reads what another "
    "has written."
)


def is_cached(case: Case, budget: Budget) -> bool:
    """Whether the provider caches the run's prompts: by itself, as the budget asks it, or as the program did."""
    return not rule_for(case.model).writes or budget.prefix.breakpoints or _was_asked(case)


def prefix_caching(runs: Runs) -> Change | Unmeasured:
    """Try breakpoints for providers that must be told where to cache (`leanloop.budgets.prefix_cache`)."""
    reported: list[Case] = []
    read = Usage()
    effects: list[Effect] = []
    by_itself = uncached = 0
    asks = False
    for case, replayed in zip(runs.cases, runs.before, strict=True):
        bill = replayed.budgeted
        if _reports(case):
            reported.append(case)
            read += bill.usage
        cached, plain = bill.cached or 0, bill.uncached or 0
        is_on = is_cached(case, runs.terms.budget)
        asks |= not is_on
        by_itself += cached if is_on else 0
        uncached += plain if is_on else 0
        effects.append(Effect(case.group, cached if is_on else plain, cached, success=succeeded(case.trace)))
    notes = _reported(reported, read)
    if not asks:
        saved = f"; as counted that saves {1 - by_itself / uncached:.1%} of what they would cost" if uncached else ""
        return Unmeasured(FEATURE, f"the provider caches these runs' prompts already{saved}", notes)
    return Change(FEATURE, {"prefix": {"breakpoints": True}}, effects, _HOW, notes)


def _was_asked(case: Case) -> bool:
    usages = [call.usage for call in case.trace.calls if call.usage is not None]
    return any(usage.cached_input or usage.cache_write for usage in usages)


def _reports(case: Case) -> bool:
    return bool(case.trace.calls) and all(call.usage is not None for call in case.trace.calls)


def _reported(cases: Sequence[Case], counted: Usage) -> tuple[str, ...]:
    """How much of the input the provider says it read from its cache, beside what the prompts have in common."""
    usages = [call.usage for case in cases for call in case.trace.calls if call.usage is not None]
    total = sum(usage.input for usage in usages)
    if not total or not counted.input:
        return ()
    read, could = sum(usage.cached_input for usage in usages) / total, counted.cached_input / counted.input
    found = (
        f"By the recorded usage of {len(cases):,} runs {read:.1%} of the input was read from the cache; as counted, "
        f"{could:.1%} could be."
    )
    return (found,)

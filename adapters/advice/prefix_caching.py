"""The provider's prefix caching: what asking for it saves, and what breaks the prefix where it comes by itself."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Effect, Unmeasured
from leanloop.adapters.advice.replays import Replays
from leanloop.adapters.traces.trace import succeeded
from leanloop.budgets.budget import Budget
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.usage import Usage
from leanloop.plugins.volatile import split

__all__ = ["FEATURE", "is_cached", "prefix_caching"]

FEATURE = "prefix caching"

_HOW = (
    "Each run was priced without marks and with one behind the last message of each call, which is read again by the "
    "next. Taken for granted: calls of a run follow each other within five minutes, and no run reads what another "
    "has written."
)
_ALIKE = 50
"""Runs whose system prompts are compared with each other."""


def is_cached(case: Case, budget: Budget) -> bool:
    """Whether the provider caches the run's prompts: by itself, as the budget asks it, or as the program did."""
    return not rule_for(case.model).writes or budget.prefix.breakpoints or _was_asked(case)


def prefix_caching(cases: Sequence[Case], terms: Terms) -> Change | Unmeasured:
    """Try breakpoints for providers that must be told where to cache (`leanloop.budgets.prefix_cache`)."""
    replays = Replays(terms.budget)
    notes = [*_reported(cases), *_volatile(cases)]
    effects: list[Effect] = []
    by_itself = uncached = 0
    asks = False
    for case in cases:
        bill = replays.of(case).budgeted
        cached, plain = bill.cached or 0, bill.uncached or 0
        is_on = is_cached(case, terms.budget)
        asks |= not is_on
        by_itself += cached if is_on else 0
        uncached += plain if is_on else 0
        effects.append(Effect(case.group, cached if is_on else plain, cached, success=succeeded(case.trace)))
    if not asks:
        saved = f"; as counted that saves {1 - by_itself / uncached:.1%} of what they would cost" if uncached else ""
        return Unmeasured(FEATURE, f"the provider caches these runs' prompts already{saved}", tuple(notes))
    return Change(FEATURE, {"prefix": {"breakpoints": True}}, effects, _HOW, tuple(notes))


def _was_asked(case: Case) -> bool:
    usages = [call.usage for call in case.trace.calls if call.usage is not None]
    return any(usage.cached_input or usage.cache_write for usage in usages)


def _reported(cases: Sequence[Case]) -> list[str]:
    """How much of the input the provider says it read from its cache."""
    total = Usage()
    for case in cases:
        for call in case.trace.calls:
            total += call.usage or Usage()
    if not total.input:
        return []
    return [f"By the recorded usage {total.cached_input / total.input:.1%} of the input was read from the cache."]


def _volatile(cases: Sequence[Case]) -> list[str]:
    """Whether system prompts differ from run to run in dates, times or ids alone."""
    prompts: dict[str, set[str]] = {}
    for case in cases:
        first = case.trace.messages[0]
        if first.role == "system" and len(prompts) < _ALIKE:
            prompts.setdefault(split(first.text).stable, set()).add(first.text)
    moved = sum(len(texts) for texts in prompts.values() if len(texts) > 1)
    if not moved:
        return []
    found = (
        f"{moved:,} system prompts differ from others in a date, a time or an id alone, which breaks the cached prefix "
        "between tasks: prefix: {volatile: behind} sends that behind the history. What it saves depends on how "
        "closely tasks follow each other, and was not measured."
    )
    return [found]

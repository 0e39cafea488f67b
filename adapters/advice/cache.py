"""Answers given again: of recorded runs, one after the other, what was asked before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.repeated_results import repeated_results
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.cached import CachedRuns
from leanloop.adapters.traces.trace import succeeded
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.price_book import price_book

__all__ = ["FEATURE", "cache"]

FEATURE = "cache"

_RULES = CacheRules(semantic="off")

_HOW = (
    "Each run went through the cache after those before it: answers to the very same call were given again, and those "
    "to one in other spelling. Taken for granted: temperature 0; one tenant and user where the record names none; an "
    "hour at most between equal calls where it has no times. A run goes on as recorded whatever it was served; it "
    "counts as lost where that was an answer to another question and says something else."
)


def cache(runs: Runs) -> Change | Unmeasured:
    """What a cache of answers would have spared; results of tools that came again are notes, never advised.

    What only writes or looks at a clock gives equal results too, and a recording does not say which tools do.
    """
    cases, terms = runs.cases, runs.terms
    tools = repeated_results(case.trace for case in cases)
    if terms.budget.cache is not None and terms.budget.cache.models:
        return Unmeasured(FEATURE, "the budget file has it on; leanloop cache stats says what it answers", tools)
    prices = price_book(terms.budget)
    served = CachedRuns(_RULES)
    effects: list[Effect] = []
    hits: Counter[str] = Counter()
    whole = 0
    for case in _in_order(cases):
        run = served.play(case.trace, case.model, prices.price(case.model))
        hits.update(run.hits)
        hits.update(calls=run.calls, other=run.other - len(run.wrong), wrong=len(run.wrong))
        whole += run.repeats
        bills = run.before, run.after
        cached = is_cached(case, terms.budget)
        before, after = ((bill.cached if cached else bill.uncached) or 0 for bill in bills)
        effects.append(Effect(case.group, before, after, success=succeeded(case.trace), ended=bool(run.wrong)))
    if not hits["exact"] + hits["normal"]:
        return Unmeasured(FEATURE, f"none of {hits['calls']:,} model calls asked what was asked before", tools)
    return Change(
        FEATURE, {"cache": {"ttl": "1h", "semantic": "off"}}, effects, _HOW, (*_notes(hits, whole, len(cases)), *tools)
    )


def _notes(hits: Counter[str], whole: int, runs: int) -> tuple[str, ...]:
    """What was served, and what of it was not the recorded answer."""
    notes = [
        (
            f"Of {hits['calls']:,} model calls {hits['exact']:,} were the very same as an earlier one, and "
            f"{hits['normal']:,} one in other spelling."
        ),
        f"{whole:,} of {runs:,} runs were the same as an earlier one from beginning to end.",
    ]
    if hits["other"]:
        notes.append(
            f"{hits['other']:,} hits gave an answer in other words than the recorded one: the model had been asked the "
            "same thing twice."
        )
    if hits["wrong"]:
        notes.append(
            f"{hits['wrong']:,} hits were false: the question was another one and the answers do not say the same."
        )
    return tuple(notes)


def _in_order(cases: Sequence[Case]) -> list[Case]:
    """By when they began, where each of them says so; else as they were recorded."""
    began = [case.trace.calls[0].began if case.trace.calls else None for case in cases]
    known = [one for one in began if one is not None]
    if len(known) < len(cases):
        return list(cases)
    return [case for _, case in sorted(zip(known, cases, strict=True), key=lambda one: one[0])]

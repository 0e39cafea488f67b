"""A system prompt that changes on the way or from task to task: what it costs that the provider's cached prefix ends
where it does.

A date that is written anew in every call makes a trace fall into runs of one call each; one that is written anew for
every task ends what tasks that follow each other closely have in common. The calls of each trace are priced in their
order as they were sent, and once more as ``prefix: {volatile: behind}`` would have sent them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from leanloop.adapters.advice.as_sent import Prompt, Sent, bill, moved_behind, sent_by
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.trace import succeeded
from leanloop.budgets.price_book import price_book
from leanloop.plugins.volatile import alike, difference
from leanloop.plugins.volatile import split as without_dates

__all__ = ["FEATURE", "volatile_prompt"]

FEATURE = "volatile text behind"

_KEPT = 300
"""Seconds that a provider keeps a prefix at least."""

_HOW = (
    "The calls of a trace were priced in their order, as they were sent and with what changes in the system prompt "
    "behind the history. Taken for granted: they follow each other within five minutes, and the model heeds a date at "
    "the end as it does one at the top."
)


@dataclass(slots=True)
class _Trace:
    """The runs of one trace, with one model.

    Attributes:
        stable: its first system prompt without dates, times and ids; None where it has none.
        began, ended: when its first and its last call began; None where the record does not say.
    """

    parts: list[Case]
    sent: list[Sent]
    moved: list[Sent]
    stable: str | None
    began: float | None
    ended: float | None

    @property
    def model(self) -> str:
        return self.parts[0].model


def volatile_prompt(runs: Runs) -> Change | Unmeasured:
    """Try to send behind the history what changes in the system prompt (`leanloop.plugins.volatile`)."""
    terms = runs.terms
    if terms.budget.prefix.volatile == "behind":
        return Unmeasured(FEATURE, "the budget file has it on")
    traces = list(_traces(runs.cases))
    between = _that_differ(traces)
    where = ""
    for trace in traces:
        found = _change(trace.sent)
        where = where or found
        trace.moved = moved_behind(trace.sent, trace.model) if found or trace.stable in between else trace.sent
    timed = all(trace.began is not None for trace in traces)
    effects = _effects(traces, terms, close=timed)
    told = [f"The first that changes: {where}."] if where else []
    if between:
        near = effects if timed else _effects(traces, terms, close=True)
        told.append(_between(sum(between.values()), near, timed=timed))
    notes = tuple(told)
    if not where and not (between and timed):
        return Unmeasured(FEATURE, "no trace in these runs has a system prompt that changes on its way", notes)
    whole = sum(effect.before for effect in effects)
    same = _unchanged_bill(traces, terms)
    if where and same < whole <= sum(effect.after for effect in effects):
        why = (
            f"the file cannot move what changes, which has to stand in a line of its own; were the system prompt the "
            f"same in every call, {1 - same / whole:.1%} of the bill would be saved"
        )
        return Unmeasured(FEATURE, why, notes)
    return Change(FEATURE, {"prefix": {"volatile": "behind"}}, effects, _HOW, notes)


def _traces(cases: Sequence[Case]) -> Iterator[_Trace]:
    """The runs of each trace of one model together, in the order they began; a run that names no trace is one."""
    traces: dict[tuple[str, str] | int, list[Case]] = defaultdict(list)
    for case in cases:
        traces[id(case) if case.trace.of is None else (case.trace.of, case.model)].append(case)
    found: list[_Trace] = []
    for parts in traces.values():
        sent = sent_by(parts)
        system = sent[0].system
        stable = without_dates(system.text).stable if system is not None else None
        times = [call.began for case in parts for call in case.trace.calls if call.began is not None]
        found.append(_Trace(parts, sent, sent, stable, min(times, default=None), max(times, default=None)))
    yield from sorted(found, key=lambda one: one.began or 0.0)


def _that_differ(traces: Sequence[_Trace]) -> dict[str | None, int]:
    """How many versions there are of the system prompts that traces begin with and that differ in dates, times or ids
    alone, by what they have in common.
    """
    versions: dict[str | None, set[str]] = defaultdict(set)
    for trace in traces:
        if trace.stable is not None:
            versions[trace.stable].add(trace.sent[0].prompt[0].text)
    return {stable: len(texts) for stable, texts in versions.items() if len(texts) > 1}


def _effects(traces: Sequence[_Trace], terms: Terms, *, close: bool) -> list[Effect]:
    """What each trace costs as it was sent, and with what changes behind. With `close` it finds in the cache what it
    has in common with the trace that began before it, where that is of the same prompt: within five minutes of its
    last call, by the record's times or, where there are none, always.
    """
    prices = price_book(terms.budget)
    last: dict[tuple[str, str | None], _Trace] = {}
    effects: list[Effect] = []
    for trace in traces:
        first, caches = trace.parts[0], is_cached(trace.parts[0], terms.budget)
        price = prices.price(trace.model)
        before = last.get((trace.model, trace.stable)) if close and trace.stable is not None else None
        kept: tuple[Prompt, Prompt] = ((), ())
        if before is not None and (trace.began or 0.0) - (before.ended or 0.0) <= _KEPT:
            kept = before.sent[0].prompt, before.moved[0].prompt
        last[trace.model, trace.stable] = trace
        old = bill(trace.sent, trace.model, price, caches=caches, before=kept[0])
        new = bill(trace.moved, trace.model, price, caches=caches, before=kept[1])
        effects.append(Effect(first.group, old, new, success=succeeded(first.trace)))
    return effects


def _change(sent: Sequence[Sent]) -> str:
    """Where two calls that go on from each other have another version of the system prompt; empty where none have."""
    for before, now in pairwise(sent):
        old, new = before.system, now.system
        if old is None or new is None or old == new:
            continue
        goes_on = now.prompt[1 : len(before.prompt)] == before.prompt[1:]
        if goes_on and alike(old.text, new.text):
            return str(difference(old.text, new.text))
    return ""


def _unchanged_bill(traces: Sequence[_Trace], terms: Terms) -> int:
    """What the traces would cost with the first one's system prompt in place of its later versions."""
    prices = price_book(terms.budget)
    cost = 0
    for trace in traces:
        caches = is_cached(trace.parts[0], terms.budget)
        sent = _unchanged(trace.sent) if _change(trace.sent) else trace.sent
        cost += bill(sent, trace.model, prices.price(trace.model), caches=caches)
    return cost


def _unchanged(sent: Sequence[Sent]) -> list[Sent]:
    first = next(system for one in sent if (system := one.system) is not None)
    return [
        one._replace(prompt=(first, *one.prompt[1:]))
        if (system := one.system) is not None and alike(first.text, system.text)
        else one
        for one in sent
    ]


def _between(versions: int, effects: Sequence[Effect], *, timed: bool) -> str:
    """What it costs that system prompts differ from task to task."""
    before, after = sum(one.before for one in effects), sum(one.after for one in effects)
    saved = f"{1 - after / before:.1%}" if before else "nothing"
    told = f"{versions:,} system prompts differ from others in a date, a time or an id alone, which ends the cached "
    if timed:
        return f"{told}prefix between tasks too: where one begins within five minutes of another that is in the figure."
    return (
        f"{told}prefix between tasks too. The record has no times: did each task begin within five minutes of the one "
        f"before, {saved} of the bill would be saved with what changes behind."
    )

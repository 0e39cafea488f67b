"""Where in the loop of an agent its model calls stand, and what they cost there, with their own model or another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.traces.bill import Meter
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.budgets.budget import Budget
from leanloop.budgets.money import format_usd
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.price_book import price_book
from leanloop.budgets.prices import Price
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage

__all__ = ["Phase", "PhaseCall", "by_phase", "calls_by_phase", "thought"]

Phase = Literal["first of a turn", "after a tool result", "last answer"]
PHASES: tuple[Phase, ...] = ("first of a turn", "after a tool result", "last answer")


class PhaseCall(NamedTuple):
    """A model call: where it stands, whose it is, and what it used, with the provider's prefix caching."""

    phase: Phase
    model: str
    usage: Usage


def calls_by_phase(cases: Iterable[Case], budget: Budget) -> list[PhaseCall]:
    """The model calls of runs: their usage as the provider reported it, else as it is counted."""
    return [call for case in cases for call in _calls(case, cached=is_cached(case, budget))]


def by_phase(calls: Sequence[PhaseCall], price: Price) -> dict[Phase, int]:
    """What calls would cost at a price, in nano-dollars, by phase, for as many tokens."""
    costs: dict[Phase, int] = dict.fromkeys(PHASES, 0)
    for call in calls:
        costs[call.phase] += price.cost(call.usage)
    return costs


def thought(calls: Sequence[PhaseCall], budget: Budget) -> tuple[str, ...]:
    """In words, what reasoning tokens cost by phase; nothing where no usage names any."""
    prices = price_book(budget)
    tokens, cost = dict.fromkeys(PHASES, 0), dict.fromkeys(PHASES, 0)
    whole = 0
    for phase, model, usage in calls:
        price = prices.price(model)
        whole += price.cost(usage)
        if usage.plausible and usage.reasoning:
            tokens[phase] += usage.reasoning
            without = replace(usage, output=usage.output - usage.reasoning, reasoning=0)
            cost[phase] += price.cost(usage) - price.cost(without)
    if not any(tokens.values()):
        return ()
    each = "; ".join(
        f"{phase} {format_usd(cost[phase])} for {tokens[phase]:,} tokens" for phase in PHASES if tokens[phase]
    )
    share = f" ({sum(cost.values()) / whole:.1%} of the bill)" if whole else ""
    return (f"Thinking cost {format_usd(sum(cost.values()))}{share}: {each}. What less of it would lose is not known.",)


def _calls(case: Case, *, cached: bool) -> Iterator[PhaseCall]:
    trace = case.trace
    places = asked(trace)
    counter = counter_for(case.model)
    meter = Meter(counter, None, rule_for(case.model))
    recorded = {call.place: call.usage for call in trace.calls}
    for place in places:
        usage = recorded.get(place)
        if usage is None or not usage.plausible:
            output = counter.expected(counter.reply(trace.messages[place]))
            usage = meter.call(trace.messages[:place], output)
            if not cached:
                usage = replace(usage, cached_input=0, cache_write=0)
        yield PhaseCall(_phase(trace, place, last=place == places[-1]), case.model, usage)


def _phase(trace: Trace, place: int, *, last: bool) -> Phase:
    if last and not trace.messages[place].tool_calls:
        return "last answer"
    before = trace.messages[place - 1].role if place else None
    return "after a tool result" if before == "tool" else "first of a turn"

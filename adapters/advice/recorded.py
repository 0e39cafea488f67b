"""How far what is counted here lies from what the record says was billed."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.replays import Replays
from leanloop.adapters.traces.trace import RecordedCall
from leanloop.budgets.money import format_usd
from leanloop.budgets.price_book import price_book
from leanloop.budgets.prices import PriceBook

__all__ = ["against_the_record"]


def against_the_record(cases: Sequence[Case], terms: Terms) -> str | None:
    """Both bills of the runs whose every call has a recorded cost or usage; None where there is none."""
    prices = price_book(terms.budget)
    replays = Replays(terms.budget)
    counted = recorded = runs = 0
    for case in cases:
        costs = [_cost(call, case, prices) for call in case.trace.calls]
        known = [cost for cost in costs if cost is not None]
        if not known or len(known) < len(costs):
            continue
        bill = replays.of(case).bare
        counted += (bill.cached if is_cached(case, terms.budget) else bill.uncached) or 0
        recorded += sum(known)
        runs += 1
    if not runs:
        return None
    apart = f", {counted / recorded - 1:+.1%}" if recorded else ""
    return (
        f"The bill of {runs:,} runs: {format_usd(recorded)} as recorded, {format_usd(counted)} as counted here{apart}. "
        "Tool schemas and hidden reasoning are billed, but rarely recorded."
    )


def _cost(call: RecordedCall, case: Case, prices: PriceBook) -> int | None:
    if call.cost is not None or call.usage is None:
        return call.cost
    model = call.model if call.model and prices.knows(call.model) else case.model
    return prices.price(model).cost(call.usage)

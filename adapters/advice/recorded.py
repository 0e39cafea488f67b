"""How far what is counted here lies from what the record says was billed."""

from __future__ import annotations

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.trace import RecordedCall
from leanloop.budgets.money import format_usd
from leanloop.budgets.price_book import price_book
from leanloop.budgets.prices import PriceBook

__all__ = ["against_the_record"]


def against_the_record(runs: Runs) -> str | None:
    """Both bills of the runs whose every call has a recorded cost or usage; None where there is none."""
    prices = price_book(runs.terms.budget)
    counted = recorded = told = 0
    for place, case in enumerate(runs.cases):
        costs = [_cost(call, case, prices) for call in case.trace.calls]
        known = [cost for cost in costs if cost is not None]
        if not known or len(known) < len(costs):
            continue
        bill = runs.before[place].bare
        counted += (bill.cached if is_cached(case, runs.terms.budget) else bill.uncached) or 0
        recorded += sum(known)
        told += 1
    if not told:
        return None
    apart = f", {counted / recorded - 1:+.1%}" if recorded else ""
    return (
        f"The bill of {told:,} runs: {format_usd(recorded)} as recorded, {format_usd(counted)} as counted here{apart}. "
        "Tool schemas and hidden reasoning are billed, but rarely recorded."
    )


def _cost(call: RecordedCall, case: Case, prices: PriceBook) -> int | None:
    if call.cost is not None or call.usage is None:
        return call.cost
    model = call.model if call.model and prices.knows(call.model) else case.model
    return prices.price(model).cost(call.usage)

"""Settings of a budget that do not fit the models it names: their windows, their prices, how long they think."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from leanloop.adapters.cli.check_limits import Finding
from leanloop.budgets.budget import Budget
from leanloop.budgets.money import format_usd
from leanloop.budgets.price_book import price_book
from leanloop.budgets.price_table import current_table, window_of
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown

__all__ = ["model_findings"]

_USUAL = Usage(1_500, 400)
"""A call by which prices are compared."""

_LEAST_THOUGHT = 1_024
"""The fewest tokens Anthropic lets a model think in, and they are part of its output
(https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking); others think as long as it takes.
"""


def model_findings(budget: Budget) -> list[Finding]:
    """None of them stops a call; each is a line that does nothing, or another thing than one would read."""
    return [*_windows(budget), *_thinking(budget), *_dearer_steps(budget), *_unpriced(budget)]


def _windows(budget: Budget) -> Iterator[Finding]:
    """Sizes beyond what a model that the file names reads and writes in one call."""
    table, context = current_table(), budget.context
    sizes = {"max_output": budget.max_output, "context: at_tokens": context.at_tokens if context else None}
    for model in _tiers(budget):
        window = window_of(model, table)
        for key, size in sizes.items():
            if window is not None and size is not None and size >= window:
                yield Finding(
                    f"{key}: {size:,} tokens are more than {model} can: {window:,}, read and written together. "
                    f"Write {key.rpartition(' ')[2]}: {window // 4} or less"
                )


def _thinking(budget: Budget) -> Iterator[Finding]:
    cap = budget.max_output
    if budget.thinking is not None and cap is not None and cap <= _LEAST_THOUGHT:
        yield Finding(
            f"thinking: {budget.thinking.effort} effort has no room in max_output: {cap}: thoughts are output, and "
            f"some models think in {_LEAST_THOUGHT:,} tokens or not at all. Write max_output: 8_000, or thinking: off"
        )


def _dearer_steps(budget: Budget) -> Iterator[Finding]:
    """A later step of `degrade` that costs more than the one before."""
    book, costs = price_book(budget), list[tuple[str, int]]()
    for step in sorted(budget.degrade, key=lambda one: one.at):
        try:
            costs += [(step.to, book.price(step.to).cost(_USUAL))] if step.to else []
        except PriceUnknown:
            continue
    for (before, less), (after, more) in pairwise(costs):
        if more > less:
            yield Finding(
                f"degrade: nearer to the limit calls go from {before} to {after}, which is dearer: {format_usd(more)} "
                f"beside {format_usd(less)} for 1,500 tokens in and 400 out. Name them the other way round"
            )


def _unpriced(budget: Budget) -> Iterator[Finding]:
    """Models beside the agent's own that a limit in usd refuses, or does not see."""
    if not any(limit.usd is not None for limit in budget.limits):
        return
    if budget.unknown_model == "free":
        yield Finding(
            "unknown_model: free: a model without a known price, a misspelt one too, costs nothing under the limit in "
            "usd. Write unknown_model: most_expensive, or its price under prices"
        )
        return
    summary = budget.context.summary if budget.context is not None else None
    beside = {
        "context: summary: model": summary.model if summary is not None else None,
        "cache: judge": budget.cache.judge if budget.cache is not None else None,
    }
    for key, model in beside.items():
        try:
            if model is not None:
                price_book(budget).price(model)
        except PriceUnknown:
            yield Finding(
                f"{key}: no price is known for {model}, so that under a limit in usd it is never asked. "
                f"Write its price: prices: {{{model}: {{input: 0.10, output: 0.40}}}} (usd per million tokens)"
            )


def _tiers(budget: Budget) -> tuple[str, ...]:
    routed = budget.routes.models if budget.routes is not None else ()
    return tuple(dict.fromkeys([*(step.to for step in budget.degrade if step.to is not None), *routed]))

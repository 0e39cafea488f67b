"""The prices a budget goes by."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from leanloop.budgets.budget import Budget
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.prices import PriceBook, PriceOverride

__all__ = ["price_book"]


def price_book(budget: Budget) -> PriceBook:
    """The prices a budget goes by; equal budgets share one book and what it has looked up."""
    return _price_book(tuple(sorted(budget.prices.items())), budget.unknown_model)


@lru_cache(maxsize=256)
def _price_book(
    entries: tuple[tuple[str, ModelPriceEntry], ...], unknown_model: Literal["refuse", "free", "most_expensive"]
) -> PriceBook:
    overrides = {
        model: PriceOverride(
            input=entry.input,
            output=entry.output,
            cached_input=entry.cached_input,
            cache_write=entry.cache_write,
            reasoning=entry.reasoning,
        )
        for model, entry in entries
    }
    return PriceBook(overrides, unknown_model)

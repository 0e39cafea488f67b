"""The price of a model as a budget file writes it."""

from __future__ import annotations

from pydantic import BaseModel

from leanloop.budgets.fields import FROZEN, PricePerMillion

__all__ = ["ModelPriceEntry"]


class ModelPriceEntry(BaseModel):
    """The price of a model, in US dollars per million tokens."""

    model_config = FROZEN

    input: PricePerMillion
    """Tokens sent."""

    output: PricePerMillion
    """Tokens written by the model."""

    cached_input: PricePerMillion | None = None
    """Tokens read from the provider's prompt cache; the price of input where not given."""

    cache_write: PricePerMillion | None = None
    """Tokens written to the provider's prompt cache; the price of input where not given."""

    reasoning: PricePerMillion | None = None
    """Reasoning tokens; the price of output where not given."""

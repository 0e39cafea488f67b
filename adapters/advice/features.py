"""The features that are tried on recorded runs."""

from __future__ import annotations

from leanloop.adapters.advice.budget_limit import budget_limit
from leanloop.adapters.advice.cache import cache
from leanloop.adapters.advice.change import Feature
from leanloop.adapters.advice.cheaper_model import cheaper_model
from leanloop.adapters.advice.context import context
from leanloop.adapters.advice.loop_guard import loop_guard
from leanloop.adapters.advice.prefix_caching import prefix_caching
from leanloop.adapters.advice.results import results
from leanloop.adapters.advice.thinking import thinking
from leanloop.adapters.advice.volatile_prompt import volatile_prompt

__all__ = ["FEATURES"]

FEATURES: tuple[Feature, ...] = (
    budget_limit,
    loop_guard,
    prefix_caching,
    volatile_prompt,
    results,
    context,
    cache,
    thinking,
    cheaper_model,
)
"""Each stands in a module of its own; what is advised first is decided by what it saves, not by this order."""

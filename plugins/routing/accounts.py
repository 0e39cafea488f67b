"""What a routed call cost beside what it would have cost: for the receipt, and for what is learned from it."""

from __future__ import annotations

from dataclasses import replace

from leanloop.budgets.prefix_cache import rule_for, split
from leanloop.budgets.prices import Price
from leanloop.budgets.usage import Usage
from leanloop.plugins.receipt import Saving
from leanloop.plugins.routing.sessions import Session
from leanloop.plugins.routing.warmth import lifetime
from leanloop.plugins.task import Task

__all__ = ["other_cost", "save"]


def other_cost(own: str, price: Price | None, usage: Usage, session: Session | None, now: float) -> int | None:
    """Nano-dollars of the same tokens with the agent's own model, had it made the calls before as well.

    Then it would have read from its cache what the call before had sent, by the rule of its provider.
    """
    if price is None or not usage.plausible:
        return None
    rule = rule_for(own)
    known = 0
    if session is not None and session.caches is not False and now - session.used <= lifetime(own):
        known = min(session.prompt, usage.input)
    read, written = split(usage.input, known, rule)
    if session is None or not session.caches:
        written = 0  # whether the agent has its prefix cached is not known; what is written costs more
    return price.cost(replace(usage, cached_input=read, cache_write=written))


def save(task: Task, model: str, own: str, *, cost: int | None, other: int | None) -> None:
    """Put on the receipt what it saved; what it cost more is a saving below zero."""
    if cost is not None and other is not None and cost != other:
        how = f"the same tokens at the price of {own}, its cached prefix counted"
        task.save(Saving("routes", f"calls routed to {model}", how, calls=1, cost=other - cost))

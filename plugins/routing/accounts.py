"""What a routed call cost beside what it would have cost: for the receipt, and for what is learned from it."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import NamedTuple

from leanloop.budgets.prefix_cache import rule_for, split
from leanloop.budgets.prices import Price
from leanloop.budgets.usage import Usage
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.receipt import Saving
from leanloop.plugins.routing.choice import Choice
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.routing.sessions import Session
from leanloop.plugins.routing.warmth import lifetime
from leanloop.plugins.task import Task

__all__ = ["Answer", "decision_of", "other_cost", "save"]


class Answer(NamedTuple):
    """The answer that is taken, who gave it, and whether a cheaper one was not."""

    reply: ModelReply
    rung: Rung
    model: str
    escalated: bool = False


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
    if (read, written) != (usage.cached_input, usage.cache_write):
        usage = replace(usage, cached_input=read, cache_write=written)
    return price.cost(usage)


def save(task: Task, model: str, own: str, *, cost: int | None, other: int | None) -> None:
    """Put on the receipt what it saved; what it cost more is a saving below zero."""
    if cost is not None and other is not None and cost != other:
        how = f"the same tokens at the price of {own}, its cached prefix counted"
        task.save(Saving("routes", f"calls routed to {model}", how, calls=1, cost=other - cost))


def decision_of(
    call: ModelCall,
    choice: Choice,
    answer: Answer,
    *,
    task: Task,
    cost: int | None,
    other: int | None,
    seconds: float,
) -> Decision:
    """What was decided for a call, for what is learned from it."""
    estimate = choice.estimate or Estimate(0.0)
    return Decision(
        id=uuid.uuid4().hex,
        task=task.id,
        agent=task.agent,
        at=time.time(),
        by="routes",
        keys=estimate.keys,
        setting=str(Setting(answer.model, call.thinking)),
        other=str(Setting(call.model, call.thinking)),
        chance=estimate.mean,
        unsure=choice.unsure,
        explored=choice.explored,
        escalated=answer.escalated,
        cost=cost,
        other_cost=other,
        seconds=seconds,
    )

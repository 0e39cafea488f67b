"""Sends a recorded run through the plugins: what would have been spent, and where it would have been stopped.

Every recorded reply is asked for again (not those of turns before the run), by a call with the messages before it,
through the very stack an agent has; every recorded tool result is what the tool gives. A recording cannot react, so:

- A model that is told something (of a loop, of what is left) is taken not to heed it and goes on as recorded.
- A reply longer than the cap its call was sent with would have been cut: the run ends there.
- A landing's answer is taken to be as long as the run's mean reply, at most what the budget keeps for it.
- Tool results are taken whole, and nothing is cleared or answered from a cache: what an agent would have read back, or
  asked otherwise, is not in a recording.
- A clock and a calendar are missing: limits in seconds, and those per minute, hour, day, week or month, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanloop.adapters.traces.bill import Bill, Meter
from leanloop.adapters.traces.playback import Outcome, Playback
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.budgets.budget import Budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.price_book import price_book
from leanloop.budgets.prices import Price
from leanloop.budgets.tokens import counter_for
from leanloop.errors import PriceUnknown
from leanloop.plugins.stack import Stack
from leanloop.plugins.task import Task

__all__ = ["Replayed", "Replayer", "replayable"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one run.

    Attributes:
        why: what stopped it: a resource, ``loop``, or ``output cap``; None where it went on to its end.
        reason: the same in a sentence.
        at_call: the model call it was stopped at, from 1.
        loop_notes, answered, refused: how often the model was told of a loop, a tool call was answered from an
            earlier result, and a tool call was refused by its limit.
        bare, budgeted: the calls as recorded, and as they would have been made.
    """

    outcome: Outcome
    why: str | None
    reason: str | None
    at_call: int | None
    loop_notes: int
    answered: int
    refused: int
    bare: Bill
    budgeted: Bill


def replayable(budget: Budget) -> tuple[Budget, tuple[str, ...]]:
    """The budget without what a recording cannot show, and the names of what was left out."""
    left_out: list[str] = []
    limits: list[Limit] = []
    for limit in budget.limits:
        if limit.per != "task":
            left_out.append(f"limits per {limit.per}")
            continue
        if limit.seconds is not None:
            left_out.append("seconds")
            limit = limit.model_copy(update={"seconds": None})  # noqa: PLW2901
        if limit.amounts():
            limits.append(limit)
    # What another model would have answered, or this one to less, is not in a recording.
    left_out += [name for name in ("degrade", "context", "cache") if getattr(budget, name)]
    kept = {"limits": tuple(limits), "degrade": (), "warn": (), "results": None, "context": None, "cache": None}
    return budget.model_copy(update=kept), tuple(dict.fromkeys(left_out))


class Replayer:
    """Replays runs under one budget, as if they were `model`'s. Runs share nothing: each has its own ledger.

    Attributes:
        left_out: limits of the budget that cannot be replayed.
        priced: whether a price of the model is known.
        limits_money: with a limit in usd, where a run stops depends on whether the provider caches.

    Raises:
        PriceUnknown: the budget has a limit in usd and the model has no price.
    """

    def __init__(self, budget: Budget, model: str = "gpt-4o") -> None:
        self.budget, self.left_out = replayable(budget)
        self.model = model
        self.limits_money = any(limit.usd is not None for limit in self.budget.limits)
        try:
            self._price: Price | None = price_book(budget).price(model)
        except PriceUnknown:
            if self.limits_money:
                raise
            self._price = None
        self.priced = self._price is not None
        self._stack = Stack()
        self._counter = counter_for(model)
        self._rule = rule_for(model)

    def replay(self, trace: Trace, *, caching: bool = True) -> Replayed:
        """Send one run through the plugins; with `caching` a limit in usd goes by prices with prefix caching."""
        outputs = {place: self._counter.expected(self._counter.reply(trace.messages[place])) for place in asked(trace)}
        bare = self._meter()
        for place, output in outputs.items():
            bare.call(trace.messages[:place], output)
        landing = min(self.budget.landing.tokens, -(-sum(outputs.values()) // max(1, len(outputs))))
        task = Task(self.budget, store=MemoryStore())
        run = Playback(
            trace, outputs, task, self._stack, self._meter(), model=self.model, landing=landing, caching=caching
        )
        run.play()
        why, reason = run.stopped or (None, None)
        return Replayed(
            outcome=run.outcome,
            why=why,
            reason=reason,
            at_call=run.at_call,
            loop_notes=run.loop_notes,
            answered=run.answered,
            refused=run.refused,
            bare=bare.bill,
            budgeted=run.meter.bill,
        )

    def _meter(self) -> Meter:
        return Meter(self._counter, self._price, self._rule)

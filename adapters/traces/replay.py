"""Sends a recorded run through the plugins: what would have been spent, and where it would have been stopped.

Every recorded reply is asked for again (not those of turns before the run), by a call with the messages before it,
through the very stack an agent has; every recorded tool result is what the tool gives. A recording cannot react, so:

- A model that is told something (of a loop, of what is left) is taken not to heed it and goes on as recorded.
- A reply longer than the cap its call was sent with would have been cut: the run ends there.
- A landing's answer is taken to be as long as the run's mean reply, at most what the budget keeps for it.
- Tool results are shortened and cleared as the budget says, for an agent that has tools. Where it then writes a value
  that it could not see any more, a call that reads it back is put in before (`leanloop.adapters.traces.reading_back`);
  that it would have looked for something else, or overlooked what it did not write, is not in a recording. In front of
  each prompt stands the description of `read_result`. A run that calls a tool of that name is taken as it is.
- What to clear is decided as where the provider caches. How long runs are, and which results are needed again, is
  learnt from the runs before.
- Summaries of what was cleared are not written, and nothing is answered from a cache or by another model: what would
  have been said then is not in a recording.
- A clock and a calendar are missing: limits in seconds, and those per minute, hour, day, week or month, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanloop.adapters.traces.bill import Bill, Meter
from leanloop.adapters.traces.openai import LONGEST_LINE
from leanloop.adapters.traces.playback import Outcome, Playback
from leanloop.adapters.traces.reading_back import ReadingBack, can_read_back
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

_KEPT = 2 * LONGEST_LINE
"""Bytes of whole results that are kept at a time: those of the longest run, and what is cleared of it."""


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
        readbacks: calls among these that were put in to read back what was out of sight.
        used: values that the agent had from its tools; not counted where it could not read back.
        missing: those of them that were out of sight, and that reading back did not show.
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
    readbacks: int = 0
    used: int = 0
    missing: int = 0


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
    left_out += [name for name in ("degrade", "cache") if getattr(budget, name)]
    results, context = budget.results, budget.context
    if results is not None:
        results = results.model_copy(update={"store": "memory", "max_bytes": min(results.max_bytes, _KEPT)})
    if context is not None and context.summary is not None:
        left_out.append("context.summary")
        context = context.model_copy(update={"summary": None})
    kept = {"limits": tuple(limits), "degrade": (), "warn": (), "results": results, "context": context}
    return budget.model_copy(update={**kept, "cache": None, "events": None}), tuple(dict.fromkeys(left_out))


class Replayer:
    """Replays runs under one budget, as if they were `model`'s. Each has its own ledger.

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
        self._whole = self.budget.model_copy(update={"results": None, "context": None})
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
        reading = ReadingBack(trace) if can_read_back(trace, self.budget) else None
        run = Playback(
            trace,
            outputs,
            Task(self.budget if reading is not None else self._whole, store=MemoryStore()),
            self._stack,
            self._meter(self._described(reading)),
            model=self.model,
            landing=landing,
            caching=caching,
            reading=reading,
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
            readbacks=reading.readbacks if reading is not None else 0,
            used=reading.used if reading is not None else 0,
            missing=reading.missing if reading is not None else 0,
        )

    def _described(self, reading: ReadingBack | None) -> int:
        """Tokens of the description of `read_result`, beside those of the agent's own tools."""
        if reading is None:
            return 0
        count = self._counter.prompt
        return count((), reading.tools) - count((), reading.tools[:-1])

    def _meter(self, front: int = 0) -> Meter:
        return Meter(self._counter, self._price, self._rule, front)

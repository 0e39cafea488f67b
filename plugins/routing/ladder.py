"""The tiers a call may go to, from the chosen one upward, and how it gets to a model that answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from leanloop.budgets.prices import Price
from leanloop.budgets.route_rules import RouteRules
from leanloop.errors import PriceUnknown
from leanloop.plugins.billing import known_unbilled
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.quote import Quote
from leanloop.plugins.routing.fitted import fitted
from leanloop.plugins.routing.health import Health
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.routing.turns import Turns
from leanloop.plugins.routing.unavailable import no_model
from leanloop.plugins.task import Task

__all__ = ["Ladder", "Rung"]


class Ladder:
    """The models that one call may go to.

    Args:
        call: as the agent makes it, with its own model.
        every: all tiers that may take it, the cheapest first.
        start: which of them was chosen.
        task: whose call it is.
        rules: the file's.
        health: knows which models to pass over.
        clock: seconds, from any start.

    Attributes:
        rungs: the chosen tier, and those above it.
        own: the agent's own model.
        rung, model: who answered last; None before anybody has.
        cost: nano-dollars of all that was asked so far, failures that may have been billed included; None where one
            model has no price.
        asked: how many calls were made.
    """

    def __init__(
        self,
        call: ModelCall,
        every: Sequence[Rung],
        start: int,
        *,
        task: Task,
        rules: RouteRules,
        health: Health,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.call = call
        self.own = call.model
        self.every = tuple(every)
        self.start = start
        self.rungs = self.every[start:]
        self.rung: Rung | None = None
        self.model: str | None = None
        self.cost: int | None = 0
        self.asked = 0
        self._task = task
        self._slow = rules.slow
        self._health = health
        self._clock = clock

    def price(self, model: str) -> Price | None:
        """What a model costs; None where that is not known."""
        try:
            return self._task.prices.price(model, self.call.provider if model == self.own else None)
        except PriceUnknown:
            return None

    def ask(self, rung: Rung, call: ModelCall) -> ModelFlow:
        """The answer of the first model that gives one, from that tier on; see `leanloop.plugins.routing.turns`.

        Raises:
            Exception: what the first of them raised, where none answers; what the caller did wrong, and what broke a
                stream that was shown already, at once.
        """
        at = self.every.index(rung)
        turns = Turns((*self.every[at:], *self.every[:at][::-1]), self._task, self._health, self._slow)
        while (turn := turns.next()) is not None:
            try:
                reply: ModelReply = yield from self._made(turns.tentative(call, turn, self.every), turn.model)
            except Exception as error:  # noqa: BLE001 raised again where no other model may help
                turns.failed(turn, error, own=self.own)
            else:
                turns.answered()
                self.rung, self.model = turn.rung, turn.model
                return reply
        raise turns.first or no_model(self.own, {}, local=False)

    def beside(self, call: ModelCall) -> ModelFlow:
        """The answer to a call with a model of its own: another opinion, a check. It is counted like the others."""
        return (yield from self._made(call, call.model))

    def _made(self, call: ModelCall, model: str) -> ModelFlow:
        made, began = fitted(call, model, self._task.budget.max_output), self._clock()
        try:
            reply: ModelReply = yield made
        except BaseException as error:
            if not known_unbilled(error):
                self._count(made, None)
            raise
        self._health.answered(model, self._clock() - began, self._slow)
        self._count(made, reply)
        return reply

    def _count(self, call: ModelCall, reply: ModelReply | None) -> None:
        """What a call cost; at most, where nobody knows."""
        self.asked += 1
        task = self._task
        if task.degraded and task.latest_model:  # it went to another model, further in
            call = replace(call, model=task.latest_model, provider=None)
        quote = Quote.of(call, task)
        cost = quote.cost(quote.worst_usage(quote.most) if reply is None else quote.usage_of(reply))
        self.cost = None if cost is None or self.cost is None else self.cost + cost

"""The tiers a call may go to, from the chosen one upward, and how it gets to a model that answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from leanloop.budgets.prices import Price
from leanloop.budgets.route_rules import RouteRules
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown
from leanloop.plugins.billing import known_unbilled
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.quote import Quote
from leanloop.plugins.routing.accounts import other_cost
from leanloop.plugins.routing.failure import failure_of, retry_after
from leanloop.plugins.routing.fitted import fitted
from leanloop.plugins.routing.health import Health
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.routing.sessions import Session
from leanloop.plugins.routing.turns import Turns
from leanloop.plugins.routing.unavailable import no_model
from leanloop.plugins.task import Task

__all__ = ["Ladder", "Rung"]


class Ladder:
    """The models that one call may go to.

    Args:
        call: as the agent makes it, with its own model.
        every: the tiers that may take it, the cheapest first.
        task: whose call it is.
        rules: the file's.
        health: knows which models to pass over.
        session: the conversation it goes on.
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
        *,
        task: Task,
        rules: RouteRules,
        health: Health,
        session: Session | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.call = call
        self.own = call.model
        self.every = tuple(every)
        self.rungs = self.every
        self.rung: Rung | None = None
        self.model: str | None = None
        self.cost: int | None = 0
        self.asked = 0
        self._task = task
        self._slow = rules.slow
        self._health = health
        self._session = session
        self._clock = clock

    def begin(self, at: int, least: int) -> None:
        """Choose the tier at that place of `every`; what is below `least` is asked in no case."""
        self.every, self.rungs = self.every[least:], self.every[at:]

    def price(self, model: str) -> Price | None:
        """What a model costs; None where that is not known."""
        try:
            return self._task.prices.price(model, self.call.provider if model == self.own else None)
        except PriceUnknown:
            return None

    def as_if(self, model: str, usage: Usage) -> int | None:
        """Nano-dollars of these tokens with a model, had it made the calls of the session before as well."""
        return other_cost(model, self.price(model), usage, self._session, self._clock())

    def ask(self, rung: Rung, call: ModelCall, *, down: bool = True) -> ModelFlow:
        """The answer of the first model that gives one, from that tier on; see `leanloop.plugins.routing.turns`.

        With `down` also that of a tier below, which else has answered before.

        Raises:
            Exception: what the first of them raised, where none answers; what the caller did wrong, and what broke a
                stream that was shown already, at once.
        """
        at = self.every.index(rung)
        turns = Turns(
            (*self.every[at:], *(self.every[:at][::-1] if down else ())), self._task, self._health, self._slow
        )
        while (turn := turns.next()) is not None:
            try:
                final = turns.is_final(call, turn, self.every)
                reply: ModelReply = yield from self._made(call, turn.model, final=final)
            except Exception as error:  # noqa: BLE001 raised again where no other model may help
                turns.failed(turn, error, own=self.own)
            else:
                turns.answered()
                self.rung, self.model = turn.rung, turn.model
                return reply
        raise turns.first or no_model(self.own, {}, local=False)

    def beside(self, call: ModelCall) -> ModelFlow:
        """The answer of the model it names to a call of its own: another opinion, a check. It is counted too.

        Raises:
            Exception: what went wrong with it.
        """
        try:
            asked = replace(call, model=self.own, provider=self.call.provider)
            return (yield from self._made(asked, call.model, final=call.final))
        except Exception as error:
            if failure_of(error) == "ailing":
                self._health.failed(call.model, retry_after(error))
            raise

    def usage_of(self, call: ModelCall, reply: ModelReply, model: str | None = None) -> Usage:
        """What an answer used: as it was reported, else as it is counted, for the model that gave it."""
        usage = reply.usage
        if usage is not None and usage.plausible:
            return usage
        if model is not None and model != call.model:
            call = replace(call, model=model, provider=None)
        return Quote.of(call, self._task).usage_of(reply)

    def _made(self, call: ModelCall, model: str, *, final: bool) -> ModelFlow:
        made, began = fitted(call, model, self._task.budget.max_output, final=final), self._clock()
        self.asked += 1
        try:
            reply: ModelReply = yield made
        except BaseException as error:
            if not known_unbilled(error):
                quote = Quote.of(made, self._task)
                self._pay(quote.cost(quote.worst_usage(quote.most)))
            raise
        self._health.answered(model, self._clock() - began, self._slow)
        price = self.price(model)
        self._pay(None if price is None else price.cost(self.usage_of(made, reply)))
        return reply

    def _pay(self, cost: int | None) -> None:
        self.cost = None if cost is None or self.cost is None else self.cost + cost

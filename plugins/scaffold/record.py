"""What a step with cognitive tools cost beside one without, on the receipt and among the outcomes."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.receipt import Saving
from leanloop.plugins.scaffold.offer import Offer
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["Bill", "record"]


class Bill:
    """The calls of one step, and what they cost; in nano-dollars, None from the first on that has no price."""

    def __init__(self, call: ModelCall, task: Task) -> None:
        self.call = call
        self._task = task
        self._began = time.monotonic()
        self._usages: list[Usage | None] = []
        self.calls = 0
        self.cost: int | None = 0
        self.first: int | None = None

    def add(self, call: ModelCall, reply: ModelReply) -> None:
        """One more call was made; one that a cache answered costs nothing."""
        usage = Usage() if reply.hit is not None else reply.usage
        cost = _cost(call, usage, self._task)
        if not self.calls:
            self.first = cost
        self.calls += 1
        self.cost = None if cost is None or self.cost is None else self.cost + cost
        self._usages.append(usage)

    @property
    def tokens(self) -> int:
        """Of all calls but the first."""
        return sum(usage.total for usage in self._usages[1:] if usage is not None)

    @property
    def seconds(self) -> float:
        """Since the step began."""
        return time.monotonic() - self._began

    def whole(self, reply: ModelReply) -> ModelReply:
        """The last reply with the usage of all calls, for whoever prices the step."""
        if len(self._usages) == 1 or None in self._usages:
            return reply
        return replace(reply, usage=sum(filter(None, self._usages), Usage()))


def record(offer: Offer, bill: Bill, task: Task, learning: Learning) -> Steps[None]:
    """Keep what was decided, so that an outcome counts for it, and what the tools cost as the loss it is."""
    if bill.calls > 1:
        extra = (bill.cost or 0) - (bill.first or 0) if None not in {bill.cost, bill.first} else 0
        how = "what all calls of their steps cost beside the first"
        task.save(Saving("scaffold", "cognitive tools", how, tokens=-bill.tokens, cost=-extra))
    decision = Decision(
        uuid.uuid4().hex,
        task.id,
        task.agent,
        time.time(),
        "scaffold",
        offer.estimate.keys,
        str(offer.setting),
        other=str(offer.other),
        chance=offer.estimate.mean,
        unsure=offer.unsure,
        explored=offer.explored,
        cost=bill.cost,
        other_cost=bill.first,
        seconds=bill.seconds,
    )
    yield from learning.decided(decision, task)


def _cost(call: ModelCall, usage: Usage | None, task: Task) -> int | None:
    if usage is None or not usage.plausible:
        return None
    try:
        return task.prices.price(call.model, call.provider).cost(usage)
    except PriceUnknown:
        return None

"""The worst case of one model call: counted input, capped output, priced."""

from __future__ import annotations

from typing import NamedTuple

from leanloop.budgets.demand import Need
from leanloop.budgets.prices import Price
from leanloop.budgets.tokens import TokenCounter, counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.task import Task

__all__ = ["DEFAULT_MAX_OUTPUT", "MIN_OUTPUT", "Quote"]

DEFAULT_MAX_OUTPUT = 8_192
"""Output tokens set aside for a call that names no cap, where the budget's `max_output` does not either."""

MIN_OUTPUT = 64
"""Below this many output tokens an answer is not worth its prompt; the call is refused instead."""

PER_OUTPUT_TOKEN = frozenset({"tokens", "output_tokens", "usd"})
"""Resources whose worst case grows with the output cap, so that limiting them means sending a cap."""

_ONE_CALL, _THE_OUTPUT = Need(1), Need(0, 1)


class Quote(NamedTuple):
    """What a call may cost at most.

    Attributes:
        counted: input tokens as counted; `bound` is the upper bound that is reserved.
        price: None where no limit in usd is in force and no price is known.
        input_cost, output_cost: nano-dollars for all input and for each output token, at most.
        most, least: output tokens asked for, and the fewest worth having.
    """

    counter: TokenCounter
    counted: int
    bound: int
    price: Price | None
    input_cost: int
    output_cost: int
    most: int
    least: int

    @classmethod
    def of(cls, call: ModelCall, task: Task) -> Quote:
        """Count and price `call`.

        Raises:
            PriceUnknown: a limit in usd is in force and the model has no price.
        """
        counter = counter_for(call.model)
        counted = counter.prompt(call.messages, call.tools)
        try:
            price: Price | None = task.prices.price(call.model, call.provider)
        except PriceUnknown:
            if "usd" in task.limited:
                raise
            price = None
        ceiling = task.budget.max_output
        most = call.max_output or ceiling or DEFAULT_MAX_OUTPUT
        most = max(call.min_output, most if ceiling is None else min(most, ceiling))
        least = max(call.min_output, min(most, MIN_OUTPUT))
        bound = counter.bound(counted)
        input_cost, output_cost = price.worst_case(bound) if price else (0, 0)
        return cls(counter, counted, bound, price, input_cost, output_cost, most, least)

    def needs(self, *, reread: bool = False) -> dict[str, Need]:
        """The worst case by resource.

        With `reread`, so is what one more call would pay to read all this and the reply again, its own output left out.
        """
        bound, again = self.bound, int(reread)
        per_token = -(-self.input_cost // bound) if again and bound else 0
        return {
            "model_calls": _ONE_CALL,
            "tokens": Need(bound + again * bound, 1 + again),
            "input_tokens": Need(bound + again * bound, again),
            "output_tokens": _THE_OUTPUT,
            "usd": Need(self.input_cost + again * self.input_cost, self.output_cost + per_token),
        }

    def usage_of(self, reply: ModelReply) -> Usage:
        """What the provider reported, or, where that is missing or nonsense, what can be counted."""
        if reply.usage is not None and reply.usage.of_one_call:
            return reply.usage
        expected = self.counter.expected
        return Usage(expected(self.counted), expected(self.counter.reply(reply.message)), estimated=True)

    def worst_usage(self, units: int) -> Usage:
        """What is booked when nobody knows what was billed."""
        return Usage(self.bound, units, estimated=True)

    def cost(self, usage: Usage) -> int | None:
        """Nano-dollars, None without a price."""
        return self.price.cost(usage) if self.price else None

    def actual(self, usage: Usage, cost: int | None, cycles: int) -> dict[str, int]:
        """What a call that used `usage` and cost `cost` puts on each resource."""
        return {
            "model_calls": 1,
            "tokens": usage.total,
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "usd": cost or 0,
            "cycles": cycles,
        }

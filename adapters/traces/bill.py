"""What a run's model calls cost, with the provider's prefix caching and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from leanloop.budgets.message import Message
from leanloop.budgets.prefix_cache import PrefixRule, common_prefix, split
from leanloop.budgets.prices import Price
from leanloop.budgets.tokens import TokenCounter
from leanloop.budgets.usage import Usage

__all__ = ["Bill", "Meter"]


@dataclass(frozen=True, slots=True)
class Bill:
    """Model calls, their tokens, and nano-dollars; those are None where no price is known.

    `cached` is the cost with prefix caching, `uncached` that of the same calls without.
    """

    calls: int = 0
    usage: Usage = field(default_factory=Usage)
    cached: int | None = 0
    uncached: int | None = 0

    def __add__(self, other: Bill) -> Bill:
        return Bill(
            self.calls + other.calls,
            self.usage + other.usage,
            None if self.cached is None or other.cached is None else self.cached + other.cached,
            None if self.uncached is None or other.uncached is None else self.uncached + other.uncached,
        )


class Meter:
    """Counts the calls of one run in order. Recorded runs rarely say what was billed, so it is counted here.

    Args:
        counter: counts tokens.
        price: of the model, where it is known.
        rule: how its provider caches prefixes.
        front: tokens of tools in front of every prompt, beyond those that the recording is counted without.
    """

    def __init__(self, counter: TokenCounter, price: Price | None, rule: PrefixRule, front: int = 0) -> None:
        self.bill = Bill()
        self._counter = counter
        self._price = price
        self._rule = rule
        self._framing = counter.prompt(())
        self._front = front
        self._before: tuple[Message, ...] = ()

    def output(self, reply: Message) -> int:
        """Output tokens of a reply."""
        return self._counter.expected(self._counter.reply(reply))

    def call(self, prompt: Sequence[Message], output: int) -> Usage:
        """Add a call with that prompt and as many output tokens; gives its usage with prefix caching."""
        messages = tuple(prompt)
        expected = self._counter.expected
        same = common_prefix(self._before, messages)
        shared = self._front + self._counter.prompt(messages[:same]) - self._framing if same else 0
        tokens = expected(self._front + self._counter.prompt(messages))
        read, written = split(tokens, expected(shared), self._rule)
        plain = Usage(tokens, output, estimated=True)
        usage = Usage(tokens, output, read, written, estimated=True)
        price = self._price
        self.bill += Bill(1, usage, price.cost(usage) if price else None, price.cost(plain) if price else None)
        self._before = messages
        return usage

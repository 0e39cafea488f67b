"""What a call costs, in nano-dollars: genai-prices, with overrides from the budget file on top.

Prices are read once a model into integers; where they depend on the date or the hour (price_table.py says
so) they are read again each minute, and again when genai-prices has been updated in this process.

Not priced here: audio, web searches and other fees that are not counted in text tokens, one-hour cache
writes (billed as five-minute ones) and service tiers (flex, priority, batch).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Literal, NamedTuple

from genai_prices.data_snapshot import DataSnapshot

from leanloop.budgets.money import to_nano
from leanloop.budgets.price_table import Listed, current_table, dearest, find
from leanloop.budgets.rate import MILLION, Rate
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown

__all__ = ["Price", "PriceBook", "PriceOverride", "UnknownModel"]

UnknownModel = Literal["refuse", "free", "most_expensive"]

_MEMO = 1024


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A price from the budget file, usd per million tokens; what is None costs as its whole does."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    cache_write: Decimal | None = None
    reasoning: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What one model's tokens cost at one time.

    Attributes:
        request: nano-dollars each call costs besides its tokens.
        version: the table it comes from, such as ``genai-prices 0.2.3`` or ``budget file``.
    """

    input: Rate
    output: Rate
    cached_input: Rate
    cache_write: Rate
    reasoning: Rate
    version: str
    request: int = 0

    @property
    def free(self) -> bool:
        """True where no call costs anything."""
        rates = (self.input, self.output, self.cached_input, self.cache_write, self.reasoning)
        return not self.request and not any(rate.most() for rate in rates)

    def cost(self, usage: Usage) -> int:
        """Nano-dollars of a call, rounded up once.

        A usage that cannot be (a negative count, a part larger than its whole) costs its worst case: all
        its input tokens at the dearest input rate, all its output tokens at the dearest output rate.
        """
        size = usage.input
        if not usage.plausible:
            tokens = max(0, usage.input) + max(0, usage.cached_input) + max(0, usage.cache_write)
            cost, each = self.worst_case(tokens)
            return cost + each * max(0, usage.output, usage.reasoning)
        millionths = (
            (size - usage.cached_input - usage.cache_write) * self.input.at(size)
            + usage.cached_input * self.cached_input.at(size)
            + usage.cache_write * self.cache_write.at(size)
            + (usage.output - usage.reasoning) * self.output.at(size)
            + usage.reasoning * self.reasoning.at(size)
        )
        return self.request - (-millionths // MILLION)

    def worst_case(self, input_tokens: int) -> tuple[int, int]:
        """The most a call of at most that many input tokens can cost.

        Returns:
            Nano-dollars of the input, billed the dearest way (uncached or written to the cache, in the
            dearest tier up to that size), and nano-dollars of each output token, rounded up.
        """
        size = max(0, input_tokens)
        dearest_input = max(self.input.most(size), self.cached_input.most(size), self.cache_write.most(size))
        dearest_output = max(self.output.most(size), self.reasoning.most(size))
        return self.request - (-size * dearest_input // MILLION), -(-dearest_output // MILLION)


class _Entry(NamedTuple):
    price: Price | None
    table: object
    minute: int | None


class PriceBook:
    """Prices of models: overrides first, then genai-prices, then what is said of unknown models. Thread-safe.

    Args:
        overrides: prices by model name, as written in the budget file.
        unknown_model: ``refuse`` raises PriceUnknown, ``free`` costs nothing, ``most_expensive`` costs the
            highest rates found in genai-prices.

    Raises:
        UsageError: an override is negative, NaN or infinite.
    """

    def __init__(self, overrides: Mapping[str, PriceOverride], unknown_model: UnknownModel = "refuse") -> None:
        self._overrides = {name: _overridden(override) for name, override in overrides.items()}
        self._unknown = unknown_model
        self._memo: dict[tuple[str, str | None], _Entry] = {}
        self._lock = Lock()

    def knows(self, model: str, provider: str | None = None) -> bool:
        """Whether `price` gives one."""
        try:
            self.price(model, provider)
        except PriceUnknown:
            return False
        return True

    def price(self, model: str, provider: str | None = None) -> Price:
        """The price of a model now; about a microsecond when the model was asked for before.

        Args:
            model: the name as the framework gives it, with or without its provider in front.
            provider: the provider's name, where known apart from the model's.

        Raises:
            PriceUnknown: no price is known and ``unknown_model`` is ``refuse``.
        """
        entry = self._memo.get((model, provider))
        if entry is None or entry.table is not current_table() or (entry.minute and entry.minute != _minute()):
            entry = self._look_up(model, provider)
        if entry.price is None:
            raise PriceUnknown(model)
        return entry.price

    def _look_up(self, model: str, provider: str | None) -> _Entry:
        table, minute = current_table(), _minute()
        names = (model, model.partition(":")[2], model.partition("/")[2])
        price = next((self._overrides[name] for name in names if name in self._overrides), None)
        changes = False
        if price is None:
            listed = find(model, provider, table) or self._for_unknown(table)
            price = _as_price(listed) if listed else None
            changes = listed is not None and listed.changes
        entry = _Entry(price, table, minute if changes else None)
        with self._lock:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            self._memo[model, provider] = entry
        return entry

    def _for_unknown(self, table: DataSnapshot) -> Listed | None:
        if self._unknown == "most_expensive":
            return dearest(table)
        if self._unknown == "free":
            free = Rate(0)
            return Listed(free, free, free, free, free, request=0, changes=False, version="unknown model: free")
        return None


def _as_price(listed: Listed) -> Price:
    return Price(
        listed.input,
        listed.output,
        listed.cached_input,
        listed.cache_write,
        listed.reasoning,
        version=listed.version,
        request=listed.request,
    )


def _overridden(override: PriceOverride) -> Price:
    def rate(price: Decimal | None, whole: Decimal) -> Rate:
        return Rate(to_nano(whole if price is None else price))

    return Price(
        Rate(to_nano(override.input)),
        Rate(to_nano(override.output)),
        rate(override.cached_input, override.input),
        rate(override.cache_write, override.input),
        rate(override.reasoning, override.output),
        version="budget file",
    )


def _minute() -> int:
    return int(time.time() // 60)

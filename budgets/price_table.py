"""The price table of the package genai-prices, read into rates.

genai-prices (https://github.com/pydantic/genai-prices, MIT licence) carries about 2,300 models with cached
input, cache writes, reasoning, tiers by prompt size, and prices that hold from a date or between two hours
of the day. Its own calculation takes a quarter of a millisecond a call; here a model is read once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

from leanloop.budgets.money import to_nano
from leanloop.budgets.rate import Rate

__all__ = ["Listed", "current_table", "dearest", "find", "listed_name", "provider_of", "window_of"]

# Amazon Bedrock: an optional region and the maker, both before a dot.
_BEDROCK = re.compile(r"(?:[a-z-]{2,12}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer)\.")


@dataclass(frozen=True, slots=True)
class Listed:
    """The rates of one model now, and nano-dollars a call besides. ``changes``: they depend on the time."""

    input: Rate
    output: Rate
    cached_input: Rate
    cache_write: Rate
    reasoning: Rate
    request: int
    changes: bool
    version: str


def current_table() -> DataSnapshot:
    """The table in force: the one in the package, or the newer one that genai-prices' own updater fetched."""
    return get_snapshot()


def find(model: str, provider: str | None, table: DataSnapshot) -> Listed | None:
    """The rates of a model now; None where the table has no price per token for it.

    Names with the provider in front (``openai:gpt-4o``, ``openrouter/anthropic/claude-sonnet-4.5``), Bedrock
    ids and ``models/gemini-...`` are understood. A fine-tune (``ft:...``) is never priced as the model it was
    made from, which is cheaper.
    """
    found = _entry(model, provider, table)
    return None if found is None else _read(found[1], table)


def provider_of(model: str, table: DataSnapshot) -> Provider | None:
    """Whose model it is, read as `find` does; None where the table does not know it."""
    found = _entry(model, None, table)
    return None if found is None else found[0]


def listed_name(model: str, table: DataSnapshot) -> str | None:
    """The one name of a model, however it is spelled: dated, behind its provider's name, or as another provider or a
    region of Amazon Bedrock has it; read as `find` does, None where the table does not know it.

    A version that is listed by itself (``gpt-4o-2024-05-13``, at another price than ``gpt-4o``) is a model by itself.
    """
    found = _entry(model, None, table)
    if found is None:
        return None
    name = found[1].id.rpartition("/")[2].removeprefix("regional.")
    makers = _entry(_BEDROCK.sub("", name, count=1), None, table)  # a guest is listed by the name its maker gave it
    return found[1].id if makers is None else makers[1].id


def window_of(model: str, table: DataSnapshot) -> int | None:
    """Tokens that a model reads and writes in one call at most; None where the table does not say."""
    found = _entry(model, None, table)
    return None if found is None else found[1].context_window


def dearest(table: DataSnapshot) -> Listed:
    """The highest rate of each kind of any model in the table."""
    all_listed = [listed for provider in table.providers for info in provider.models if (listed := _read(info, table))]
    dearest_input = max(listed.input.most() for listed in all_listed)
    dearest_write = max(listed.cache_write.most() for listed in all_listed)
    dearest_output = max(max(listed.output.most(), listed.reasoning.most()) for listed in all_listed)
    return Listed(
        input=Rate(dearest_input),
        output=Rate(dearest_output),
        cached_input=Rate(dearest_input),
        cache_write=Rate(dearest_write),
        reasoning=Rate(dearest_output),
        request=max(listed.request for listed in all_listed),
        changes=True,
        version=f"most expensive of {_version(table)}",
    )


def _entry(model: str, provider: str | None, table: DataSnapshot) -> tuple[Provider, ModelInfo] | None:
    for provider_id, name in _readings(model.strip(), provider):
        try:
            return table.find_provider_model(name, None, provider_id, None)
        except Exception:  # noqa: BLE001, S112  LookupError for an unknown name; another error is no price either
            continue
    return None


def _readings(model: str, provider: str | None) -> Iterator[tuple[str | None, str]]:
    """The ways to read a name, likeliest first: (provider or None, name)."""
    if provider:
        yield provider, model
    for separator in (":", "/"):
        head, _, tail = model.partition(separator)
        if tail and "." not in head and head != "ft":
            yield head, tail
    yield None, model
    for name in (model, model.partition(":")[2]):
        if _BEDROCK.match(name):
            yield "aws", name
    yield None, model.removeprefix("models/")


def _read(info: ModelInfo, table: DataSnapshot) -> Listed | None:
    prices = info.get_prices(datetime.now(UTC))
    if prices.input_mtok is None and prices.output_mtok is None and not info.id.endswith(":free"):
        return None  # priced by the picture, the second or the page, or a price nobody entered
    uncached, output = _rate(prices.input_mtok) or Rate(0), _rate(prices.output_mtok) or Rate(0)
    request = prices.requests_kcount
    return Listed(
        input=uncached,
        output=output,
        cached_input=_rate(prices.cache_read_mtok) or uncached,
        cache_write=_rate(prices.cache_write_mtok) or _rate(prices.cache_write_5m_mtok) or uncached,
        reasoning=_rate(prices.output_reasoning_mtok) or output,
        request=0 if request is None or isinstance(request, TieredPrices) else to_nano(request / 1000),
        changes=not isinstance(info.prices, ModelPrice),
        version=_version(table),
    )


def _rate(price: object) -> Rate | None:
    if isinstance(price, TieredPrices):
        return Rate(to_nano(price.base), tuple((tier.start, to_nano(tier.price)) for tier in price.tiers))
    return Rate(to_nano(price)) if isinstance(price, Decimal) else None


def _version(table: DataSnapshot) -> str:
    updated = f" updated {table.timestamp:%Y-%m-%d}" if table.from_auto_update else ""
    return f"genai-prices {genai_prices.__version__}{updated}"

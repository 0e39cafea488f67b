# pyright: reportPrivateUsage=false
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction

import genai_prices
import pytest
from genai_prices import types
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.budgets import price_table, prices
from leanloop.budgets.money import NANO
from leanloop.budgets.prices import Price, PriceBook, PriceOverride
from leanloop.budgets.rate import Rate
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown, UsageError

MODELS = ["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "o3", "deepseek-chat"]
ALL = [*MODELS, "perplexity:sonar-pro", "perplexity:sonar-deep-research"]  # a fee for each call; a reasoning rate
COUNT = st.integers(min_value=0, max_value=1_000_000)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, write, reasoning = draw(COUNT), draw(COUNT), draw(COUNT)
    return Usage(draw(COUNT) + cached + write, draw(COUNT) + reasoning, cached, write, reasoning)


@pytest.fixture
def table() -> DataSnapshot:
    """A table of our own in force: two models whose prices change, one that is priced by the picture."""

    def price(usd: int) -> types.ModelPrice:
        return types.ModelPrice(input_mtok=Decimal(usd), output_mtok=Decimal(usd))

    cheap_at_night = [
        types.ConditionalPrice(prices=price(8)),
        types.ConditionalPrice(types.TimeOfDateConstraint(time(22, tzinfo=UTC), time(6, tzinfo=UTC)), prices=price(2)),
    ]
    dearer_next_year = [
        types.ConditionalPrice(prices=price(1)),
        types.ConditionalPrice(types.StartDateConstraint(date(2031, 1, 1)), prices=price(3)),
    ]
    listed: dict[str, types.ModelPrice | list[types.ConditionalPrice]] = {
        "night": cheap_at_night,
        "dated": dearer_next_year,
        "pictures": types.ModelPrice(),
        "nothing:free": types.ModelPrice(),
    }
    models = [types.ModelInfo(id=name, match=types.ClauseEquals(name), prices=found) for name, found in listed.items()]
    maker = types.Provider(
        id="maker", name="Maker", api_pattern="x", model_match=types.ClauseRegex(".*"), models=models
    )
    return DataSnapshot(providers=[maker], from_auto_update=True)


def usd(nano: int) -> Fraction:
    return Fraction(nano, NANO)


@pytest.mark.parametrize("model", ALL)
@settings(deadline=None)
@given(usage=usages())
def test_a_call_costs_what_genai_prices_says_rounded_up_to_a_nano(model: str, usage: Usage) -> None:
    theirs = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input,
            output_tokens=usage.output,
            cache_read_tokens=usage.cached_input,
            cache_write_tokens=usage.cache_write,
            output_reasoning_tokens=usage.reasoning,
        ),
        model.rpartition(":")[2],
        provider_id=model.rpartition(":")[0] or None,
    )
    ours = PriceBook({}).price(model).cost(usage)
    assert 0 <= usd(ours) - Fraction(theirs.total_price) < Fraction(1, NANO)


@pytest.mark.parametrize("model", ALL)
@settings(deadline=None)
@given(usage=usages(), room=COUNT, spare=COUNT)
def test_no_call_costs_more_than_its_worst_case(model: str, usage: Usage, room: int, spare: int) -> None:
    price = PriceBook({}).price(model)
    for_input, each = price.worst_case(usage.input + room)
    assert price.cost(usage) <= for_input + each * (usage.output + spare)


def tiered(usd: int) -> Rate:
    return Rate(usd * NANO, ((200_000, 2 * usd * NANO),))


TIERED = Price(tiered(3), tiered(15), tiered(1), tiered(4), tiered(20), version="test", request=7)


def test_tiers_apply_to_all_tokens_of_a_prompt_above_their_start() -> None:
    assert TIERED.cost(Usage(200_000, 10)) == 7 + 200_000 * 3000 + 10 * 15_000
    assert TIERED.cost(Usage(200_001, 10)) == 7 + 200_001 * 6000 + 10 * 30_000
    assert TIERED.worst_case(200_000) == (7 + 200_000 * 4000, 20_000)
    assert TIERED.worst_case(200_001) == (7 + 200_001 * 8000, 40_000)


def test_cached_written_and_reasoning_tokens_have_their_own_rates() -> None:
    assert TIERED.cost(Usage(100, 50, cached_input=60, cache_write=30, reasoning=20)) == 7 + sum(
        (10 * 3000, 60 * 1000, 30 * 4000, 30 * 15_000, 20 * 20_000)
    )


@pytest.mark.parametrize(
    "usage", [Usage(10, 5, cached_input=60, cache_write=30), Usage(-5, 5), Usage(10, 5, reasoning=9), Usage(10, -5)]
)
def test_a_usage_that_cannot_be_costs_its_worst_case(usage: Usage) -> None:
    for_input, each = TIERED.worst_case(max(0, usage.input) + usage.cached_input + usage.cache_write)
    assert TIERED.cost(usage) == for_input + each * max(0, usage.output, usage.reasoning)


def test_fractions_of_a_nano_are_rounded_up_once() -> None:
    rate = Rate(333_333)
    third = Price(rate, rate, rate, rate, rate, version="test")
    assert third.cost(Usage(1, 1)) == 1
    assert third.cost(Usage(3, 3)) == 2
    assert third.cost(Usage(0, 0)) == 0
    assert third.worst_case(4) == (2, 1)
    assert third.worst_case(-4) == (0, 1)


@pytest.mark.parametrize(
    ("name", "provider", "same_as"),
    [
        ("openai:gpt-4o", None, "gpt-4o"),
        ("openai/gpt-4o", None, "gpt-4o"),
        ("azure:gpt-4o", None, "gpt-4o"),
        ("anthropic/claude-sonnet-4-5", None, "claude-sonnet-4-5"),
        ("models/gemini-2.5-pro", None, "gemini-2.5-pro"),
        ("google_genai:gemini-2.5-pro", None, "gemini-2.5-pro"),
        ("claude-sonnet-4-5", "google_vertexai", "claude-sonnet-4-5"),
        ("gpt-4o", "a-gateway-of-our-own", "gpt-4o"),
        (" gpt-4o-2024-08-06 ", None, "gpt-4o"),
        ("openrouter/anthropic/claude-sonnet-4.5", None, "claude-sonnet-4-5"),
    ],
)
def test_a_name_is_understood_with_its_provider(name: str, provider: str | None, same_as: str) -> None:
    book = PriceBook({})
    assert book.price(name, provider).cost(Usage(900, 90)) == book.price(same_as).cost(Usage(900, 90))


@pytest.mark.parametrize("prefix", ["", "bedrock_converse:", "us.", "bedrock:eu."])
def test_a_bedrock_id_is_understood(prefix: str) -> None:
    price = PriceBook({}).price(f"{prefix}anthropic.claude-3-5-sonnet-20241022-v2:0")
    assert price.cost(Usage(1000, 1000)) >= 18_000_000


@pytest.mark.parametrize(
    "name", ["nonsense", "", ":", "/", "openai:", "ft:gpt-4o-mini:org::id", "dall-e-3", "x" * 5000]
)
def test_an_unknown_model_is_refused(name: str) -> None:
    book = PriceBook({})
    for _ in range(2):
        with pytest.raises(PriceUnknown) as refused:
            book.price(name)
        assert refused.value.model == name


def test_an_unknown_model_may_be_free_or_cost_the_most() -> None:
    free = PriceBook({}, "free").price("nonsense")
    assert free.free
    assert free.cost(Usage(10**9, 10**9)) == 0
    most = PriceBook({}, "most_expensive").price("nonsense")
    assert most.version.startswith("most expensive of genai-prices ")
    assert not most.free
    for model in ("o1-pro", *ALL):
        known = PriceBook({}).price(model)
        assert most.cost(Usage(300_000, 1000)) >= known.cost(Usage(300_000, 1000))
        assert most.worst_case(300_000) >= known.worst_case(300_000)


def test_a_known_model_keeps_its_price_whatever_is_said_of_unknown_ones() -> None:
    assert PriceBook({}, "free").price("gpt-4o") == PriceBook({}).price("gpt-4o")


def test_an_override_goes_first_and_its_missing_parts_cost_as_the_whole() -> None:
    book = PriceBook({"gpt-4o": PriceOverride(Decimal(1), Decimal(2)), "local": PriceOverride(Decimal(0), Decimal(0))})
    for name in ("gpt-4o", "openai:gpt-4o", "openai/gpt-4o"):
        price = book.price(name)
        assert price.version == "budget file"
        assert price.cost(Usage(10, 10, cached_input=4, cache_write=3, reasoning=2)) == 10 * 1000 + 10 * 2000
    assert book.price("local").free
    full = PriceOverride(Decimal(8), Decimal(9), Decimal(1), Decimal(10), Decimal(20))
    priced = PriceBook({"m": full}).price("m")
    assert priced.cost(Usage(10, 10, cached_input=4, cache_write=3, reasoning=2)) == 1000 * (24 + 4 + 30 + 72 + 40)
    assert priced.worst_case(10) == (100_000, 20_000)


@pytest.mark.parametrize("bad", [Decimal("NaN"), Decimal(-1), Decimal("Infinity")])
@pytest.mark.parametrize("part", ["input", "output", "cached_input", "cache_write", "reasoning"])
def test_an_override_that_is_no_price_is_refused_at_load(part: str, bad: Decimal) -> None:
    override = replace(PriceOverride(Decimal(1), Decimal(1)), **{part: bad})
    with pytest.raises(UsageError):
        PriceBook({"m": override})


def test_a_price_that_changes_is_not_used_after_its_time(table: DataSnapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = datetime(2030, 12, 31, 21, 59, 59, tzinfo=UTC)

    class Clock:
        @staticmethod
        def now(_zone: object) -> datetime:
            return clock

        @staticmethod
        def time() -> float:
            return clock.timestamp()

    monkeypatch.setattr(price_table, "datetime", Clock)
    monkeypatch.setattr(prices, "time", Clock)
    monkeypatch.setattr(prices, "current_table", lambda: table)
    book = PriceBook({})

    def cost(model: str) -> int:
        return book.price(model).cost(Usage(1, 0))

    assert (cost("night"), cost("dated")) == (8000, 1000)
    clock = datetime(2030, 12, 31, 22, 0, 0, tzinfo=UTC)
    assert (cost("night"), cost("dated")) == (2000, 1000)
    clock = datetime(2031, 1, 1, 6, 0, 0, tzinfo=UTC)
    assert (cost("night"), cost("dated")) == (8000, 3000)


def test_a_newer_table_is_used_at_once_and_named(table: DataSnapshot) -> None:
    book = PriceBook({})
    assert book.price("gpt-4o").version == f"genai-prices {genai_prices.__version__}"
    set_custom_snapshot(table)
    try:
        with pytest.raises(PriceUnknown):
            book.price("gpt-4o")
        assert book.price("dated").version.endswith(f"updated {table.timestamp:%Y-%m-%d}")
    finally:
        set_custom_snapshot(None)
    assert book.price("gpt-4o").version == f"genai-prices {genai_prices.__version__}"


def test_a_model_without_a_price_for_tokens_is_unknown_unless_it_is_free(table: DataSnapshot) -> None:
    assert price_table.find("pictures", None, table) is None
    found = price_table.find("nothing:free", "maker", table)
    assert found is not None
    assert found.input == Rate(0)


def test_a_price_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    book = PriceBook({})
    first = book.price("gpt-4o")
    monkeypatch.setattr(prices, "find", None)
    assert book.price("gpt-4o") is first


def test_the_memo_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "_MEMO", 4)
    book = PriceBook({}, "free")
    for number in range(20):
        book.price(f"model-{number}")
    assert len(book._memo) <= 4


def test_every_model_of_the_table_can_be_read() -> None:
    table = get_snapshot()
    found = [price_table._read(info, table) for provider in table.providers for info in provider.models]
    assert sum(listed is not None for listed in found) > 1000

"""The worst case of a call, and what it came to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import Budget, Limit, Message, ModelCall, ModelReply, PriceUnknown, Task, ToolRequest, ToolSpec, Usage
from leanloop.budgets.demand import Need
from leanloop.plugins.quote import DEFAULT_MAX_OUTPUT, MIN_OUTPUT, Quote

HI = (Message("user", "hi"),)


def task(**budget: Any) -> Task:
    return Task(Budget.model_validate({"agent": "a", **budget}))


def quote(call: ModelCall | None = None, **budget: Any) -> Quote:
    return Quote.of(call or ModelCall("gpt-4o-mini", HI), task(**budget))


@pytest.mark.parametrize(
    ("asked", "ceiling", "floor", "most", "least"),
    [
        (None, None, 0, DEFAULT_MAX_OUTPUT, MIN_OUTPUT),
        (1_000, None, 0, 1_000, MIN_OUTPUT),
        (10, None, 0, 10, 10),
        (None, 500, 0, 500, MIN_OUTPUT),
        (1_000, 500, 0, 500, MIN_OUTPUT),
        (100, 500, 0, 100, MIN_OUTPUT),
        (5_000, None, 2_000, 5_000, 2_000),
        (1_000, None, 2_000, 2_000, 2_000),
        (5_000, 500, 2_000, 2_000, 2_000),
    ],
)
def test_output_asked_for(asked: int | None, ceiling: int | None, floor: int, most: int, least: int) -> None:
    made = quote(ModelCall("gpt-4o-mini", HI, max_output=asked, min_output=floor), max_output=ceiling)
    assert (made.most, made.least) == (most, least)


def test_tools_are_a_part_of_the_prompt() -> None:
    tool = ToolSpec("search", "Searches the web.", {"type": "object", "properties": {"q": {"type": "string"}}})
    assert quote(ModelCall("gpt-4o-mini", HI, tools=(tool,))).counted > quote().counted + 10


def test_needs_are_affine_in_the_output() -> None:
    made = quote()
    assert made.needs() == {
        "model_calls": Need(1),
        "tokens": Need(made.bound, 1),
        "input_tokens": Need(made.bound),
        "output_tokens": Need(0, 1),
        "usd": Need(made.bound * 150, 600),
    }
    assert made.needs(reread=True) == {
        "model_calls": Need(1),
        "tokens": Need(2 * made.bound, 2),
        "input_tokens": Need(2 * made.bound, 1),
        "output_tokens": Need(0, 1),
        "usd": Need(2 * made.bound * 150, 600 + 150),
    }


def test_without_a_price_money_is_neither_needed_nor_known() -> None:
    made = quote(ModelCall("nobody-knows-me", HI), limits=[Limit(tokens=9)])
    assert made.price is None
    assert made.needs()["usd"] == made.needs(reread=True)["usd"] == Need(0, 0)
    assert made.cost(Usage(5, 5)) is None
    assert made.actual(Usage(5, 6), None, 2) == {
        "model_calls": 1,
        "tokens": 11,
        "input_tokens": 5,
        "output_tokens": 6,
        "usd": 0,
        "cycles": 2,
    }


def test_where_money_is_limited_a_price_must_be_known() -> None:
    call = ModelCall("nobody-knows-me", HI)
    with pytest.raises(PriceUnknown):
        quote(call, limits=[Limit(usd=Decimal(1))])
    assert quote(call, limits=[Limit(usd=Decimal(1))], unknown_model="free").cost(Usage(9, 9)) == 0
    assert (quote(call, limits=[Limit(usd=Decimal(1))], unknown_model="most_expensive").cost(Usage(9, 9)) or 0) > 0


def test_usage_as_reported_or_as_counted() -> None:
    made = quote()
    message = Message("assistant", "one two", (ToolRequest("1", "search", "{}"),))
    assert made.usage_of(ModelReply(message, Usage(7, 1))) == Usage(7, 1)
    for usage in (None, Usage(-1, 5), Usage(1, 1, cached_input=2)):
        counted = made.usage_of(ModelReply(message, usage))
        assert counted.estimated
        assert counted.input >= made.counted
        assert counted.output > 2


def test_nothing_reported_as_nothing_is_nothing() -> None:
    assert quote().usage_of(ModelReply(Message("assistant", "cached"), Usage())) == Usage()


@given(
    st.integers(0, 50_000),
    st.integers(0, 8_192),
    st.tuples(*[st.integers(0, 100)] * 3),
    st.sampled_from(["gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "o3"]),
)
def test_no_usage_within_the_bound_costs_more_than_was_set_aside(
    words: int, output: int, shares: tuple[int, ...], model: str
) -> None:
    made = quote(ModelCall(model, (Message("user", "word " * words),)))
    cached = made.bound * shares[0] // 100
    written = (made.bound - cached) * shares[1] // 100
    worst = made.needs()["usd"]
    for usage in (
        Usage(made.bound, output, cached, written, output * shares[2] // 100),
        made.worst_usage(output),
        Usage(made.bound // 2, output),
    ):
        assert usage.plausible
        assert (made.cost(usage) or 0) <= worst.fixed + worst.slope * output

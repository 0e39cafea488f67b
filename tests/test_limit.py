"""What a limit accepts, and what it means in the ledger's units."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import MOST
from leanloop.budgets.limit import Limit


def refusal(**values: Any) -> str:
    """The message with which these values are refused."""
    with pytest.raises(ValidationError) as caught:
        Limit(**values)
    return "; ".join(error["msg"] for error in caught.value.errors())


def test_amounts_are_in_the_ledgers_units() -> None:
    limit = Limit(
        usd=Decimal("0.50"),
        tokens=200_000,
        input_tokens=7,
        output_tokens=8,
        model_calls=9,
        cycles=12,
        seconds=Decimal("1.5"),
        tool_calls={"search": 8, "total": 20},
    )
    assert limit.amounts() == {
        "tokens": 200_000,
        "input_tokens": 7,
        "output_tokens": 8,
        "usd": 500_000_000,
        "model_calls": 9,
        "cycles": 12,
        "tool_calls:search": 8,
        "tool_calls": 20,
        "seconds": 1_500,
    }


def test_a_plain_count_of_tool_calls_is_the_total() -> None:
    assert Limit(tool_calls=20).amounts() == {"tool_calls": 20}


@pytest.mark.parametrize("resource", ["tokens", "usd", "model_calls", "cycles", "tool_calls", "seconds"])
def test_zero_is_an_amount(resource: str) -> None:
    limit = Limit.model_validate({resource: 0})
    assert limit.amounts() == {resource: 0}


def test_money_stays_as_it_was_written() -> None:
    assert str(Limit(usd=Decimal("0.50")).usd) == "0.50"
    assert Limit.model_validate({"usd": 0.1}).amounts() == {"usd": 100_000_000}


def test_a_float_with_noise_is_cut_and_never_rounded_up() -> None:
    assert Limit.model_validate({"usd": 0.1 + 0.2}).amounts() == {"usd": 300_000_000}
    assert Limit.model_validate({"usd": 0.9999999999}).amounts() == {"usd": 999_999_999}


def test_trailing_zeros_beyond_a_nano_are_no_finer_amount() -> None:
    assert Limit(usd=Decimal("0.500000000000")).amounts() == {"usd": 500_000_000}


def test_a_decimal_finer_than_a_nano_dollar_is_refused() -> None:
    assert refusal(usd=Decimal("0.0000000001")) == "may have at most 9 decimals, not 1E-10"


def test_a_zero_with_a_huge_exponent_is_zero() -> None:
    assert Limit(usd=Decimal("0E+999999")).amounts() == {"usd": 0}


def test_the_callers_decimal_context_changes_nothing() -> None:
    with localcontext() as context:
        context.prec = 3
        amounts = Limit(usd=Decimal("123456.123456789"), seconds=Decimal("1234.567")).amounts()
    assert amounts == {"usd": 123_456_123_456_789, "seconds": 1_234_567}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tokens": -1}, "must be 0 or more, not -1"),
        ({"tokens": True}, "must be a whole number, not true"),
        ({"tokens": 5.0}, "must be a whole number, not 5.0"),
        ({"tokens": "5"}, "must be a whole number, not '5'; take it out of its quotes"),
        ({"tokens": "5" * 50}, f"must be a whole number, not '{'5' * 40}'...; write digits alone, such as 200_000"),
        ({"tokens": [5]}, "must be a whole number, not a list"),
        ({"tokens": b"5"}, "must be a whole number, not a bytes"),
        ({"tokens": MOST + 1}, f"must be at most {MOST:,}, not {MOST + 1}"),
        ({"tokens": 10**5000}, f"must be at most {MOST:,}, not a far larger number"),
        ({"usd": -0.5}, "must be 0 or more, not -0.5"),
        ({"usd": False}, "must be a number, not false"),
        ({"usd": "0.50"}, "must be a number, not '0.50'; take it out of its quotes"),
        ({"usd": {"a": 1}}, "must be a number, not a mapping"),
        ({"usd": float("nan")}, "must be a finite number, not nan"),
        ({"usd": Decimal("sNaN")}, "must be a finite number, not sNaN"),
        ({"usd": float("inf")}, "must be a finite number, not inf"),
        ({"usd": Decimal("1E+999999")}, "must be at most 9,007,199.254740991, not 1E+999999"),
        ({"seconds": Decimal(-1)}, "must be 0 or more, not -1"),
        ({"seconds": Decimal("0.0001")}, "may have at most 3 decimals, not 0.0001"),
        ({"tool_calls": {"search": -1}}, "must be 0 or more, not -1"),
        ({"tool_calls": {"": 1}}, "must be 1 to 256 printable characters, not ''"),
        ({"tool_calls": {5: 1}}, "must be a name, not 5; put it in quotes if it is one"),
        ({"tool_calls": True}, "must be a whole number, not true"),
        ({"per": "day", "cycles": 5}, "can be limited per task only, not per day"),
        ({"per": "hour", "seconds": 5}, "can be limited per task only, not per hour"),
        ({"scope": "user", "usd": 1}, "belongs to a window such as per: day; a limit per task has no scope"),
        ({"per": "day", "scope": "task", "usd": 1}, "must not be 'task'; write per: task for a limit of one task"),
        ({"rolling": True, "usd": 1}, "belongs to a window such as per: day; a task has none that could roll"),
        ({"per": "day", "rolling": "yes", "usd": 1}, "must be true or false, not 'yes'"),
        ({"per": "day", "value": 1, "usd": 1}, "is what one task is worth; put it into a limit per task"),
        ({"value": -1, "usd": 1}, "must be 0 or more, not -1"),
        ({"per": "day", "scope": 5, "usd": 1}, "must be a name, not 5; put it in quotes if it is one"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_value_in_the_message(values: dict[str, Any], message: str) -> None:
    assert refusal(**values) == message


@pytest.mark.parametrize("values", [{}, {"per": "day"}, {"tool_calls": {}}, {"value": 5}])
def test_a_limit_of_nothing_is_refused(values: dict[str, Any]) -> None:
    assert refusal(**values).startswith("limits nothing; name an amount: tokens, input_tokens")


@pytest.mark.parametrize("scope", ["", "a b", "-a", "a" * 65, "a\n", "ä"])
def test_a_scope_is_a_short_plain_name(scope: str) -> None:
    assert refusal(per="day", scope=scope, usd=1).startswith("must be 1 to 64 letters, digits")


def test_the_default_scope_is_the_agent_and_a_task_has_none() -> None:
    assert Limit(per="day", usd=Decimal(1)).scope == "agent"
    assert Limit(per="day", scope="user", usd=Decimal(1)).scope == "user"
    assert Limit(usd=Decimal(1)).scope is None


def test_a_limit_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(Limit(tokens=1), "tokens", 2)  # noqa: B010 - a checker refuses the plain assignment


def test_what_is_no_mapping_is_no_limit() -> None:
    with pytest.raises(ValidationError):
        Limit.model_validate(5)


def test_a_limit_for_one_run_replaces_only_what_it_names() -> None:
    budget = Budget(
        agent="a",
        limits=(
            Limit(usd=Decimal(1), tokens=100, tool_calls={"search": 8, "total": 20}),
            Limit(per="day", scope="user", usd=Decimal(20)),
        ),
    )
    run = budget.with_limits(
        Limit(usd=Decimal(5), tool_calls=30),
        Limit(per="day", scope="user", usd=Decimal(2)),
        Limit(per="day", usd=Decimal(50)),
    )
    assert [(limit.per, limit.scope, limit.amounts()) for limit in run.limits] == [
        ("task", None, {"tokens": 100, "usd": 5_000_000_000, "tool_calls:search": 8, "tool_calls": 30}),
        ("day", "user", {"usd": 2_000_000_000}),
        ("day", "agent", {"usd": 50_000_000_000}),
    ]
    assert budget.limits[0].usd == Decimal(1)


def test_a_limit_for_one_run_finds_its_resource_in_whichever_limit_has_it() -> None:
    budget = Budget(agent="a", limits=(Limit(tokens=100), Limit(cycles=5), Limit(per="day", tokens=9)))
    assert [limit.amounts() for limit in budget.with_limits(Limit(cycles=7)).limits] == [
        {"tokens": 100, "cycles": 7},
        {"tokens": 9},
    ]


def test_a_limit_for_one_run_keeps_the_default_limits() -> None:
    assert [limit.amounts() for limit in Budget(agent="a").with_limits(Limit(usd=Decimal(1))).limits] == [
        {"usd": 1_000_000_000, "cycles": 25}
    ]


def test_a_rolling_limit_stands_beside_that_of_the_calendar_and_only_one_says_what_a_task_is_worth() -> None:
    day, rolling = Limit(per="day", usd=1), Limit(per="day", rolling=True, usd=1)
    budget = Budget(agent="a", limits=(day, rolling))
    assert budget.value is None
    assert budget.with_limits(Limit(per="day", rolling=True, usd=2)).limits == (
        day,
        Limit(per="day", rolling=True, usd=2),
    )
    with pytest.raises(ValidationError, match="item 2 names usd per day, as item 1 does"):
        Budget(agent="a", limits=(rolling, rolling))
    with pytest.raises(ValidationError, match="item 2 names value per task, as item 1 does"):
        Budget(agent="a", limits=(Limit(usd=1, value=1), Limit(tokens=1, value=2)))
    worth = Budget(agent="a", limits=(Limit(tokens=1), Limit(usd=1, value=3)))
    assert worth.value == 3
    assert worth.with_limits(Limit(usd=2)).value == 3
    assert worth.with_limits(Limit(usd=2, value=4)).value == 4


@given(st.decimals(min_value=0, max_value=9_000_000, places=9))
def test_usd_is_exact_to_the_nano(usd: Decimal) -> None:
    assert Decimal(Limit(usd=usd).amounts()["usd"]) / 10**9 == usd


@given(st.floats(min_value=0, max_value=9_000_000))
def test_a_float_never_allows_more_than_it_says(usd: float) -> None:
    nano = Limit.model_validate({"usd": usd}).amounts()["usd"]
    assert Decimal(nano) / 10**9 <= Decimal(repr(usd)) < Decimal(nano + 1) / 10**9


@given(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(), st.binary()),
    st.sampled_from(["tokens", "usd", "seconds", "tool_calls", "scope", "per"]),
)
def test_any_value_is_taken_or_refused_and_nothing_else(value: object, key: str) -> None:
    try:
        limit = Limit.model_validate({"model_calls": 1, key: value})
    except ValidationError:
        return
    assert all(0 <= amount <= MOST for amount in limit.amounts().values())

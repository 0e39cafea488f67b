from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.budgets.money import NANO, format_usd, from_nano, to_nano
from leanloop.errors import UsageError

AMOUNTS = st.decimals(min_value=0, max_value=10**15, allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(AMOUNTS)
def test_an_amount_is_kept_exactly_or_rounded_up_by_less_than_a_nano(usd: Decimal) -> None:
    nano = to_nano(usd)
    assert 0 <= nano - Fraction(usd) * NANO < 1


@settings(deadline=None)
@given(st.integers(min_value=-(10**40), max_value=10**40))
def test_nano_dollars_survive_the_way_to_decimal(nano: int) -> None:
    assert Fraction(from_nano(nano)) * NANO == nano


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=10**24))
def test_what_from_nano_gives_to_nano_takes_back(nano: int) -> None:
    assert to_nano(from_nano(nano)) == nano


@pytest.mark.parametrize(
    ("usd", "nano"),
    [
        (0, 0),
        (0.1, 100_000_000),
        ("0.50", 500_000_000),
        (" 12.5 ", 12_500_000_000),
        (3, 3_000_000_000),
        (1e-9, 1),
        ("0.0000000001", 1),
        ("1e-999999", 1),
        ("-0", 0),
        (10**15, 10**24),
    ],
)
def test_numbers_and_text_mean_their_decimal_value(usd: Decimal | float | str, nano: int) -> None:
    assert to_nano(usd) == nano


@pytest.mark.parametrize("usd", [" nan", "Infinity", "-inf", float("nan"), float("inf"), Decimal("sNaN")])
def test_an_amount_that_is_not_finite_is_refused(usd: Decimal | float | str) -> None:
    with pytest.raises(UsageError, match="finite"):
        to_nano(usd)


@pytest.mark.parametrize(
    "usd", [-1, "-0.01", -1e-12, Decimal(-5), pytest.param(-(10**5000), id="5000 digits"), "-1e-999999"]
)
def test_a_negative_amount_is_refused(usd: Decimal | float | str) -> None:
    with pytest.raises(UsageError, match="negative"):
        to_nano(usd)


@pytest.mark.parametrize("usd", ["1e16", "1e999999", pytest.param(10**5000, id="5000 digits"), 1e300])
def test_an_absurd_amount_is_refused_without_expanding_it(usd: float | str) -> None:
    with pytest.raises(UsageError, match="1e15 usd"):
        to_nano(usd)


@pytest.mark.parametrize("usd", ["", "ten", "$5", "0" * 101, "1,5", True])
def test_what_is_no_number_is_refused(usd: float | str) -> None:
    with pytest.raises(UsageError, match="must be a number of usd"):
        to_nano(usd)


def test_a_long_text_is_not_repeated_whole_in_the_message() -> None:
    with pytest.raises(UsageError) as refused:
        to_nano("x" * 10_000)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (123_456, "$0.0001235"),
        (12_500_000, "$0.0125"),
        (50_000_000, "$0.05"),
        (12_500_000_000, "$12.50"),
        (1_234_500_000_000, "$1,234.50"),
        (-500_000_000, "-$0.50"),
        (10**25, "$10,000,000,000,000,000.00"),
    ],
)
def test_an_amount_is_written_for_people(nano: int, text: str) -> None:
    assert format_usd(nano) == text


@settings(deadline=None)
@given(st.integers(min_value=-(10**20), max_value=10**20))
def test_a_written_amount_has_no_exponent_and_is_near_the_amount(nano: int) -> None:
    text = format_usd(nano)
    assert "E" not in text
    value = Decimal(text.replace("$", "").replace(",", ""))
    assert abs(value - from_nano(nano)) <= abs(from_nano(nano)) / 1000

"""What `leanloop budget` reads from its command line: times, shares, amounts, tags."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.adapters.cli.budget_arguments import read_amount, read_pairs, read_resource, read_share, read_time
from leanloop.budgets.fields import MOST
from leanloop.errors import UsageError

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("45s", NOW - timedelta(seconds=45)),
        ("90m", NOW - timedelta(minutes=90)),
        ("24h", NOW - timedelta(days=1)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("0d", NOW),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_so_long_ago_or_a_date(text: str, when: datetime) -> None:
    assert read_time(text, NOW) == when


def test_a_date_is_in_the_zone_of_the_budget() -> None:
    berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))
    assert read_time("2026-07-01", berlin) == datetime(2026, 6, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "7", "7y", "-7d", "999999w", "yesterday", "2026-13-01", "٣d", "1.5h", "7d" * 99])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"A time is 24h, 7d, 2026-11-01") as caught:
        read_time(text, NOW)
    assert len(str(caught.value)) < 140


@pytest.mark.parametrize(("text", "share"), [("90%", 0.9), ("0.9", 0.9), ("150%", 1.5), ("12.5%", 0.125)])
def test_a_share_is_percent_or_a_fraction(text: str, share: float) -> None:
    assert read_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "0", "-10%", "x%", "1_0_%x", "nan", "inf"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"A share is 90% or 0\.9"):
        read_share(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("usd=5", ("usd", 5_000_000_000)),
        ("usd=0.000000001", ("usd", 1)),
        ("usd=-2.50", ("usd", -2_500_000_000)),
        ("tokens=1_000_000", ("tokens", 1_000_000)),
        ("tool_calls=3", ("tool_calls", 3)),
        ("tool_calls:search=10", ("tool_calls:search", 10)),
        ("tool_calls:a=b=10", ("tool_calls:a=b", 10)),
    ],
)
def test_an_amount_is_a_resource_and_a_number(text: str, amount: tuple[str, int]) -> None:
    assert read_amount(text) == amount


@given(st.decimals(Decimal("0.000000001"), Decimal(MOST) / 10**9, places=9), st.sampled_from(["", "-"]))
def test_every_amount_of_money_is_kept_exactly(usd: Decimal, sign: str) -> None:
    _, nano = read_amount(f"usd={sign}{usd:f}")
    assert Decimal(nano) == Decimal(f"{sign}{usd:f}") * 10**9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5", "An amount is usd=5"),
        ("usd=", "An amount is usd=5"),
        ("usd=five", "An amount is usd=5"),
        ("usd=1e3", "An amount is usd=5"),
        ("usd=NaN", "An amount is usd=5"),
        ("usd=0.0000000001", "An amount is usd=5"),
        ("dollars=5", r"The ledger counts tokens, .*tool_calls:TOOL, and not 'dollars'"),
        ("seconds=5", "The ledger counts"),
        ("usd:x=5", "The ledger counts"),
        ("tool_calls:=5", "The ledger counts"),
        ("tokens=1.5", "a multiple of 1 token"),
        ("tokens=0", "a multiple of 1 token"),
        ("usd=99999999999", r"at most \$9,007,199.25"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_amount(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else_happens(text: str) -> None:
    readers: list[Callable[[str], object]] = [read_amount, read_share, read_resource, partial(read_time, now=NOW)]
    for read in readers:
        with contextlib.suppress(UsageError):
            read(text)
    with contextlib.suppress(UsageError):
        read_pairs([text])


def test_tags_are_pairs_and_a_value_may_hold_equals_signs() -> None:
    assert read_pairs(["user=u1", "query=a=b", "user=u1"]) == {"user": "u1", "query": "a=b"}


@pytest.mark.parametrize("texts", [["user"], ["=u1"], ["user="], [""]])
def test_what_is_no_tag_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError, match="such as user=u1"):
        read_pairs(texts)


def test_a_tag_with_two_values_is_refused() -> None:
    with pytest.raises(UsageError, match="'user' is given twice, as 'u1' and 'u2'"):
        read_pairs(["user=u1", "user=u2"])

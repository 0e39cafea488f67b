"""The names of accounts: unique whatever is in them, and read back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.account import AccountName
from leanloop.budgets.demand import Holder, account_of
from leanloop.budgets.limit import Limit, Window
from leanloop.errors import UsageError

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # also halves of surrogate pairs
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True).filter(lambda name: name != "task")
WINDOWS = st.sampled_from(get_args(Window)[1:])


@st.composite
def names(draw: st.DrawFn) -> AccountName:
    if draw(st.booleans()):
        return AccountName("task", draw(ANY_TEXT))
    scope, owner, rolling = draw(NAMES), draw(ANY_TEXT), draw(st.booleans())
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+3"]))
    limit = Limit(per=draw(WINDOWS), rolling=rolling, scope=scope, tokens=1)
    return account_of(limit, Holder("t", owner, {scope: owner}, [], zone), NOW)[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (AccountName("task", "4f1c"), "task:4f1c"),
        (AccountName("task", "a:b/c"), "task:a%3Ab%2Fc"),
        (AccountName("agent", "support", "day", "2026-11-22"), "agent=support:day:2026-11-22"),
        (AccountName("global", "", "month", "2026-11"), "global:month:2026-11"),
        (AccountName("user", "a:day", "minute", "2026-11-22T14:05"), "user=a%3Aday:minute:2026-11-22T14:05"),
        (
            AccountName("user", "Jörg", "hour", "2026-10-25T02+0200", "Europe/Berlin"),
            "user=J%C3%B6rg:hour@Europe/Berlin:2026-10-25T02+0200",
        ),
        (
            AccountName("user", "u", "day", "2026-11-22T14:00:00", rolling=True),
            "user=u:rolling-day:2026-11-22T14:00:00",
        ),
    ],
)
def test_a_name_and_its_text(name: AccountName, text: str) -> None:
    assert str(name) == text
    assert AccountName.read(text) == name


@given(names(), names())
def test_a_name_is_read_as_it_was_written_and_no_two_share_a_text(one: AccountName, other: AccountName) -> None:
    assert AccountName.read(str(one)) == one
    assert (str(one) == str(other)) == (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "user",
        "user=u1",
        "user=u1:day",
        "user:day:x",
        "user=a b:day:x",
        "u=%ff:day:x",
        "a=b:task:x",
        "a=b:year:x",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no account of a ledger"):
        AccountName.read(text)


@given(ANY_TEXT)
def test_any_text_is_a_name_or_a_usage_error(text: str) -> None:
    try:
        name = AccountName.read(text)
    except UsageError:
        return
    assert str(name) == text


def test_the_zone_of_a_calendar_window_is_in_its_name_and_that_of_a_rolling_one_is_not() -> None:
    berlin = Holder("t", "support", {}, [], "Europe/Berlin")
    calendar, rolling = (account_of(Limit(per="day", rolling=r, tokens=1), berlin, NOW)[0] for r in (False, True))
    assert str(calendar) == "agent=support:day@Europe/Berlin:2026-11-22"
    assert str(rolling) == "agent=support:rolling-day:2026-11-22T14:00:00"


def test_an_agent_is_not_whoever_carries_a_tag_of_that_name() -> None:
    holder = Holder("t", "support", {"agent": "other", "global": "x"}, [])
    owners = [account_of(Limit(per="day", scope=s, tokens=1), holder, NOW)[0].owner for s in ("agent", "global")]
    assert owners == ["support", ""]

"""From limits to the lines a call must fit."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.demand import Holder, LimitTable, Need
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.store import Balance, Demand, Grant, LedgerStore, Line, Refusal
from leanloop.budgets.window import OpenWindow, window_at
from leanloop.errors import UsageError

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).timestamp()


def table(*limits: Limit, task: str = "t1", agent: str = "support", **tags: str) -> LimitTable:
    return LimitTable([Holder(task, agent, tags, limits)])


def lines(limits: LimitTable, *, now: float = NOON, **needs: Need) -> tuple[Line, ...]:
    return limits.demand(needs, now=now)[0].lines


def test_only_what_is_limited_and_needed_becomes_a_line() -> None:
    demand, owners = table(Limit(tokens=100, cycles=3)).demand(
        {"tokens": Need(7, 2), "usd": Need(5)}, most=30, least=4, now=NOON
    )
    assert demand == Demand((Line("task:t1", "tokens", 100, 7, 2, expires=86_400.0),), 30, 4)
    assert owners == (0,)


def test_without_limits_there_are_no_lines() -> None:
    assert table().demand({"tokens": Need(1)}, most=9) == (Demand((), 9, 0), ())


@pytest.mark.parametrize(
    ("limit", "account"),
    [
        (Limit(tokens=1), "task:t1"),
        (Limit(per="minute", tokens=1), "agent=support:minute:2026-11-22T12:00"),
        (Limit(per="hour", tokens=1, scope="user"), "user=u1:hour:2026-11-22T12"),
        (Limit(per="day", tokens=1, scope="global"), "global:day:2026-11-22"),
        (Limit(per="month", tokens=1, scope="tenant"), "tenant=acme%3A1%2F2:month:2026-11"),
    ],
)
def test_each_scope_has_its_account(limit: Limit, account: str) -> None:
    (line,) = lines(table(limit, user="u1", tenant="acme:1/2"), tokens=Need(1))
    assert line.account == account


def test_tags_cannot_be_written_so_that_two_share_an_account() -> None:
    limit = Limit(per="day", tokens=1, scope="user")
    accounts = {
        lines(table(limit, user=user), tokens=Need(1))[0].account for user in ("a", "a:day", "a%3Aday", "A", "")
    }
    assert len(accounts) == 5


def test_a_limit_about_a_tag_the_task_lacks_is_an_error_that_says_what_to_pass() -> None:
    with pytest.raises(UsageError, match=r"scope 'user' needs the tag 'user' on the task.*tags=\{\"user\": \.\.\.\}"):
        lines(table(Limit(per="day", usd=Decimal(1), scope="user"), tenant="t"), usd=Need(1))


def test_a_missing_tag_is_told_by_the_first_call_whatever_the_limit_is_on() -> None:
    limits = table(Limit(tokens=9), Limit(per="day", tool_calls=1, scope="user"))
    with pytest.raises(UsageError, match="needs the tag 'user'"):
        lines(limits, tokens=Need(1))


def test_of_two_limits_on_one_account_the_smaller_holds() -> None:
    parent = Holder("p", "support", {}, [Limit(per="day", usd=Decimal(3))])
    for own in (2, 5):
        child = Holder("c", "support", {}, [Limit(per="day", usd=Decimal(own))])
        demand, owners = LimitTable([child, parent]).demand({"usd": Need(1)}, now=NOON)
        (line,) = demand.lines
        assert line.limit == min(own, 3) * 10**9
        assert owners == ((0,) if own < 3 else (1,)), "whose limit it is"


def test_a_call_must_fit_the_limits_of_every_task_it_is_a_part_of() -> None:
    holders = [Holder(name, "a", {}, [Limit(tokens=100, tool_calls={"search": 2})]) for name in ("c", "p", "g")]
    demand, owners = LimitTable(holders).demand({"tokens": Need(1), "tool_calls:search": Need(1)}, now=NOON)
    assert [line.account for line in demand.lines] == ["task:c", "task:c", "task:p", "task:p", "task:g", "task:g"]
    assert owners == (0, 0, 1, 1, 2, 2)


def test_cycles_are_the_loops_own() -> None:
    holders = [Holder(name, "a", {}, [Limit(cycles=5, seconds=Decimal(9))]) for name in ("c", "p")]
    demand, _ = LimitTable(holders).demand({"cycles": Need(1), "seconds": Need(1)}, now=NOON)
    assert {line.account for line in demand.lines} == {"task:c"}


def test_a_window_turns_with_the_clock() -> None:
    limits = table(Limit(per="minute", tokens=9), Limit(per="day", tokens=9), Limit(tokens=9))
    accounts = [
        [line.account for line in lines(limits, now=NOON + seconds, tokens=Need(1))] for seconds in (0, 59.999, 60, 0)
    ]
    assert accounts[0] == accounts[1] == accounts[3], "also when the clock was set back"
    assert [one == other for one, other in zip(accounts[0], accounts[2], strict=True)] == [False, True, True]


def test_the_accounts_are_worked_out_once_until_a_window_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []

    def seen(limit: Limit, now: datetime, zone: str) -> OpenWindow:
        asked.append(now)
        return window_at(limit, now, zone)

    monkeypatch.setattr("leanloop.budgets.demand.window_at", seen)
    limits = table(Limit(per="hour", tokens=9), Limit(per="day", usd=Decimal(9)))
    for seconds in (0, 1, 3_599.9):
        lines(limits, now=NOON + seconds, tokens=Need(1), usd=Need(1), cycles=Need(1))
    assert len(asked) == 2
    lines(limits, now=NOON + 3_600, tokens=Need(1), usd=Need(1), cycles=Need(1))
    assert len(asked) == 4
    for number in range(3):
        invented = {f"tool_calls:{number}": Need(1)}  # as a model may, any number of them
        lines(limits, now=NOON + 3_600, usd=Need(1), **invented)
    assert len(asked) == 4, "a call with other needs finds them worked out"
    lines(limits, now=NOON, usd=Need(1))
    assert len(asked) == 6, "the clock was set back"


MOMENTS = st.lists(st.floats(-10 * 86_400, 10 * 86_400), max_size=20)


@given(MOMENTS, st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]))
def test_what_was_remembered_never_shows(moments: list[float], zone: str) -> None:
    limits = [
        Limit(per=per, rolling=rolling, tokens=9)
        for per in ("minute", "hour", "day", "week")
        for rolling in (False, True)
    ]
    kept = LimitTable([Holder("t", "a", {}, limits, zone)])
    for moment in moments:
        fresh = LimitTable([Holder("t", "a", {}, limits, zone)])
        remembered, found = (
            [(line.account, line.limit, line.also) for line in lines(one, now=NOON + moment, tokens=Need(1))]
            for one in (kept, fresh)
        )
        assert remembered == found


def test_a_call_in_flight_while_the_window_turns_is_booked_where_it_was_reserved(each_store: LedgerStore) -> None:
    store, limits = each_store, table(Limit(per="minute", tokens=100))
    before, _ = limits.demand({"tokens": Need(80)}, now=NOON + 59)
    store.reserve("before", before)
    after, _ = limits.demand({"tokens": Need(80)}, now=NOON + 61)
    assert isinstance(store.reserve("after", after), Grant), "the new minute has all its room"
    store.settle("before", {"tokens": 70})
    keys = [(line.account, line.resource) for demand in (before, after) for line in demand.lines]
    assert store.balances(keys) == [Balance(70), Balance(0, 80)]
    late, _ = limits.demand({"tokens": Need(31)}, now=NOON + 59)
    assert isinstance(store.reserve("late", late), Refusal)


def test_a_call_in_flight_while_a_rolling_part_turns_is_booked_in_the_part_it_was_reserved_in(
    each_store: LedgerStore,
) -> None:
    store, limits = each_store, table(Limit(per="minute", rolling=True, tokens=100))
    before, _ = limits.demand({"tokens": Need(80)}, now=NOON + 4)
    store.reserve("before", before)
    after, _ = limits.demand({"tokens": Need(30)}, now=NOON + 6)
    assert before.lines[0].account != after.lines[0].account
    assert before.lines[0].account in after.lines[0].also
    assert isinstance(store.reserve("after", after), Refusal), "what is in flight counts in every later part"
    store.settle("before", {"tokens": 70})
    assert isinstance(store.reserve("after", after), Grant)
    assert store.balances([(line.account, "tokens") for line in (before.lines[0], after.lines[0])]) == [
        Balance(70),
        Balance(0, 30),
    ]


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 60)), max_size=60))
def test_no_rolling_minute_ever_holds_more_than_the_limit(calls: list[tuple[float, int]]) -> None:
    store, limits, now = MemoryStore(), table(Limit(per="minute", rolling=True, tokens=100)), NOON
    spent: list[tuple[float, int]] = []
    for number, (pause, tokens) in enumerate(calls):
        now += pause
        demand, _ = limits.demand({"tokens": Need(tokens)}, now=now)
        if isinstance(store.reserve(str(number), demand), Grant):
            store.settle(str(number), {"tokens": tokens})
            spent.append((now, tokens))
        else:
            counted = sum(amount for at, amount in spent if at > now - 65)
            assert counted + tokens > 100, "refused for what is older than a minute and a part"
        assert sum(amount for at, amount in spent if at > now - 60) <= 100


def test_two_programs_with_different_limits_for_one_account_stay_each_within_its_own(each_store: LedgerStore) -> None:
    store, day = each_store, "agent=support:day:2026-11-22"
    small, large = (table(Limit(per="day", tokens=tokens)) for tokens in (50, 100))

    def asks(limits: LimitTable, name: str, tokens: int) -> Grant | Refusal:
        answer = store.reserve(name, limits.demand({"tokens": Need(tokens)}, now=NOON)[0])
        store.settle(name, {"tokens": tokens})
        return answer

    assert isinstance(asks(small, "1", 40), Grant)
    assert isinstance(asks(small, "2", 20), Refusal)
    assert isinstance(asks(large, "3", 60), Grant), "the other's figure is larger, and what is spent counts in it"
    assert isinstance(asks(large, "4", 1), Refusal)
    assert isinstance(asks(small, "5", 0), Refusal), "beyond its own figure nothing fits, not even nothing"
    assert store.balances([(day, "tokens")]) == [Balance(100)]


def test_the_present_is_the_default() -> None:
    (line,) = table(Limit(per="month", tokens=1)).demand({"tokens": Need(1)})[0].lines
    assert line.account.rpartition(":")[2][:2] == "20"

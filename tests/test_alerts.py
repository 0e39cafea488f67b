"""What people are told: shares of limits, windows that will end over, spending that departs from its forecast."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import gc
import logging
import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from hypothesis import given
from hypothesis import strategies as st

import leanloop
from leanloop import Alert, Budget, MemoryStore, Message, ModelCall, ModelReply, Task, Usage, UsageError, parse_budget
from leanloop.budgets.account import AccountName
from leanloop.budgets.demand import Need
from leanloop.budgets.history import Entry
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Demand, LedgerStore, Line
from leanloop.plugins import alerts as alerts_module
from leanloop.plugins import watch as watch_module
from leanloop.plugins.alerts import Alerts
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack
from leanloop.plugins.tally import Standing
from leanloop.plugins.watch import watch
from leanloop.plugins.week_profiles import WeekProfiles

DAY = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
STACK = Stack()


def budget(**more: Any) -> Budget:
    return Budget.model_validate({"agent": "a", "limits": [{"per": "day", "tokens": 1_000}], "loop": False, **more})


def task_of(given: Budget, store: Any = None) -> tuple[Task, list[Alert]]:
    alerts: list[Alert] = []
    return Task(given, store=store or MemoryStore(), on_alert=alerts.append), alerts


def look(task: Task, spent: int, at: float, *, limit: int = 1_000, account: str = "agent=a:day:2026-11-23") -> None:
    """`at` is in hours from the beginning of the day."""
    watch(task, [Standing(account, "tokens", limit, spent)], now=(DAY + at * HOUR).timestamp())


def ask(task: Task, usage: Usage) -> None:
    call = ModelCall("gpt-4o-mini", (Message("user", "go"),), max_output=100)
    run(STACK.model_flow(call, task), lambda _: ModelReply(Message("assistant", "so"), usage))


def test_each_share_is_told_once_a_window_in_the_whole_process(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    kept = budget(limits=[{"per": "month", "scope": "user", "tokens": 10_000}], warn=["50%", "90%"])
    told: list[Alert] = []
    for _ in range(9):
        with leanloop.task(kept, store=store, tags={"user": "u1"}, on_alert=told.append) as task:
            ask(task, Usage(900, 100))
    shares = [alert for alert in told if alert.kind == "share"]
    assert [(alert.share, alert.spent, alert.limit) for alert in shares] == [(0.5, 5_000, 10_000), (0.9, 9_000, 10_000)]
    first = shares[0]
    assert (first.agent, first.scope, first.resource) == ("a", "user=u1 per month", "tokens")
    assert first.message == (
        "Agent a, user=u1 per month: 5,000 tokens of 10,000 tokens are spent, which is 50 % or more."
    )
    assert first.message in caplog.messages


def test_a_share_of_a_task_is_told_the_hook_and_logged_in_passing(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Alert] = []
    limits = [{"model_calls": 4, "tool_calls": {"search": 1}}]
    for _ in range(2):
        with leanloop.task(budget(limits=limits, warn=["75%"]), store=MemoryStore(), on_alert=told.append) as task:
            for _ in range(3):
                ask(task, Usage(1, 1))
            call = leanloop.ToolCall("1", "search", "{}")
            run(STACK.tool_flow(call, task), lambda _: leanloop.ToolResult("x"))
    assert [(alert.scope, alert.resource) for alert in told] == [("this task", "model_calls")] * 2
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_child_inherits_the_hook_and_its_parents_limits_are_told_as_the_parents() -> None:
    told: list[Alert] = []
    store = MemoryStore()
    with leanloop.task(budget(agent="boss", limits=[{"model_calls": 2}]), store=store, on_alert=told.append) as parent:
        with leanloop.task(budget(limits=[{"cycles": 5}])) as child:
            assert child.alerts.hook == parent.alerts.hook
            ask(child, Usage(1, 1))
        with leanloop.task(budget(limits=[{"cycles": 5}]), on_alert=lambda alert: None) as other:
            assert other.alerts.hook != parent.alerts.hook
        ask(parent, Usage(1, 1))
    (alert,) = told
    assert (alert.agent, alert.task, alert.share) == ("boss", parent.id, 0.95)


def test_with_an_empty_list_nothing_is_told() -> None:
    task, told = task_of(budget(warn=[]))
    look(task, 999, 12)
    assert told == []


def test_a_hook_that_raises_fails_no_call(caplog: pytest.LogCaptureFixture) -> None:
    def hook(alert: Alert) -> None:
        raise RuntimeError("no")

    with leanloop.task(budget(limits=[{"model_calls": 1}]), store=MemoryStore(), on_alert=hook) as task:
        ask(task, Usage(1, 1))
    assert task.receipt().model_calls == 1
    assert "on_alert raised for an alert of kind 'share'; the call goes on." in caplog.messages


def test_a_hook_that_nobody_would_await_is_refused() -> None:
    async def hook(alert: Alert) -> None: ...

    with pytest.raises(UsageError, match="on_alert takes a plain function"):
        Task(budget(), on_alert=hook)


def test_what_was_told_is_bounded_and_goes_with_its_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts_module, "_MOST_REMEMBERED", 3)
    given: WeakKeyDictionary[LedgerStore, Any] = WeakKeyDictionary()
    monkeypatch.setattr(alerts_module, "_given", given)  # another test's store may go at any time
    store, alerts = MemoryStore(), Alerts()
    names = [f"user=u{n}:day:2026-11-23" for n in range(3)]
    assert [alerts.first(store, name, 0.8) for name in names] == [True] * 3
    assert alerts.first(store, names[0], 0.8), "all were forgotten"
    assert not alerts.first(store, names[0], 0.8)
    assert len(given) == 1
    del store
    gc.collect()
    assert not given


def test_a_window_that_will_end_over_its_limit_is_told_once() -> None:
    task, told = task_of(budget())
    look(task, 90, 2)  # a twelfth of the day: too early to say
    assert told == []
    look(task, 90, 3)
    look(task, 260, 6)
    look(task, 300, 7)
    (alert,) = [alert for alert in told if alert.kind == "over"]
    assert (alert.forecast, alert.ends, alert.spent) == (1_040, DAY + 24 * HOUR, 260)
    assert alert.message == (
        "Agent a, agent=a per day: 260 tokens are spent, 1,040 tokens are forecast for the end "
        "(2026-11-24 00:00 UTC), over the limit of 1,000 tokens (forecast: linear)."
    )


def test_spending_that_leaves_its_line_by_a_fifth_is_told_once() -> None:
    task, told = task_of(budget())
    look(task, 100, 3)
    look(task, 170, 5)  # too close to the first look
    look(task, 235, 6)  # 200 were to be expected
    assert [alert for alert in told if alert.kind == "departs"] == []
    look(task, 325, 8)  # 267 were
    look(task, 400, 9)
    (alert,) = [alert for alert in told if alert.kind == "departs"]
    assert (alert.forecast, alert.spent) == (267, 325)
    assert "325 tokens are spent where 267 tokens were to be expected by now (forecast: linear)" in alert.message


def test_spending_that_stops_departs_as_well() -> None:
    task, told = task_of(budget())
    look(task, 0, 3)
    look(task, 100, 4)
    look(task, 105, 8)
    assert [alert.kind for alert in told] == ["departs"]


@pytest.mark.parametrize(
    "account",
    ["agent=a:minute:2026-11-23T12:00", "agent=a:rolling-day:2026-11-23T12:00:00", "agent=a:day:2026-11-22", "task:1"],
)
def test_some_windows_are_not_forecast(account: str) -> None:
    task, told = task_of(budget(warn=["99%"]))
    look(task, 900, 12, account=account)
    assert told == []


def test_a_limit_of_zero_has_no_share() -> None:
    task, told = task_of(budget())
    look(task, 0, 12, limit=0)
    assert told == []


def test_forecasts_are_made_now_and_then_and_remembered_for_some(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def linear(spent: int, *_: object, **__: object) -> None:
        made.append(spent)

    monkeypatch.setattr(watch_module, "linear", linear)
    monkeypatch.setattr(watch_module, "_MOST_COURSES", 2)
    task, _ = task_of(budget())
    for second in range(0, 720, 10):
        look(task, second, 12 + second / 3_600)
    assert len(made) == 2
    for n in range(3):
        look(task, 1, 12, account=f"user=u{n}:day:2026-11-23")
    assert len(made) == 5


@given(rate=st.integers(1, 40), limit=st.integers(1_000, 100_000))
def test_at_an_even_pace_it_is_told_if_and_only_if_the_limit_is_passed(rate: int, limit: int) -> None:
    task, told = task_of(budget(warn=["99.9%"]))
    for hour in range(3, 24):
        look(task, min(limit, rate * 100 * hour), hour, limit=limit)
    over = [alert for alert in told if alert.kind == "over"]
    assert bool(over) == (rate * 100 * 24 > limit)
    if rate * 100 * 24 <= limit:
        assert [alert for alert in told if alert.kind == "departs"] == []


def test_the_budgets_of_two_programs_on_one_account_are_told_apart() -> None:
    store = MemoryStore()
    one, told_one = task_of(budget(), store)
    two, told_two = task_of(budget(), store)
    look(one, 810, 23)
    look(two, 810, 23, limit=900)
    look(two, 811, 23, limit=900)
    assert [alert.limit for alert in told_one + told_two if alert.kind == "share"] == [1_000, 900]


def filled(path: Path, now: datetime, weeks: int) -> SqliteStore:
    """A ledger that has spent 100 tokens in each of the hours from nine to five, of all days."""
    store = SqliteStore(path)
    clock = iter([now - timedelta(days=day) for day in range(weeks * 7, 0, -1)])
    rows: list[tuple[datetime, str]] = []
    for day in clock:
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        rows += [(midnight + hour * HOUR, agent) for hour in range(9, 17) for agent in ("a", "b")]
    entries = [
        Entry("call", at.timestamp(), agent=agent, tags={"user": "u1"}, amounts={"tokens": 100}) for at, agent in rows
    ]
    entries.append(
        Entry("raised", now.timestamp() - 7_000, amounts={"tokens": 10**9}, account="agent=a:day:2026-11-23")
    )
    store.absorb(entries)
    return store


def test_the_hours_of_past_weeks_are_read_by_a_thread_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    store = filled(tmp_path / "ledger.db", now, 4)
    own = WeekProfiles()
    monkeypatch.setattr(own, "read", partial(own.read, now=now))  # it may be another day when the thread begins
    monkeypatch.setattr(watch_module, "profiles", own)
    task, told = task_of(budget(warn=["99.9%"]), store)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    account = f"agent=a:day:{today:%Y-%m-%d}"

    def at(hour: float, spent: int) -> None:
        watch(task, [Standing(account, "tokens", 1_000, spent)], now=(today + hour * HOUR).timestamp())

    at(3, 0)
    thread = own._known[store].thread
    assert thread is not None
    thread.join()
    at(9, 0)
    at(13, 400)
    assert told == [], "it is a usual day"
    at(15, 900)
    assert [alert.kind for alert in told] == ["over", "departs"]
    assert told[1].forecast == pytest.approx(600, rel=0.05)
    assert "(forecast: hour of week)" in told[0].message
    assert own._known[store].thread is thread, "read once an hour"
    store.close()


def test_profiles_are_those_of_the_scope_and_owner(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    store = filled(tmp_path / "ledger.db", now, 4)
    own = WeekProfiles()
    tokyo_day = AccountName("agent", "a", "day", zone="Asia/Tokyo")
    owners = [("agent", "a"), ("global", ""), ("user", "u1"), ("user", "u2")]
    names = [*(AccountName(scope, owner, "day") for scope, owner in owners), tokyo_day]
    for name in names:
        own.of(store, name, "tokens")
    thread = own._known[store].thread
    assert thread is not None
    thread.join()
    own.read(store, now)
    agent, everyone, user, nobody, tokyo = (own.of(store, name, "tokens") for name in names)
    assert agent is not None
    assert everyone is not None
    assert max(agent.hourly) == pytest.approx(100, abs=9)
    assert max(everyone.hourly) == pytest.approx(200, abs=18)
    assert (user, nobody) == (everyone, None)
    assert tokyo is not None
    assert tokyo.hourly[18] > 10 * tokyo.hourly[10], "nine in the morning, UTC, is six in the evening"
    store.close()


def test_what_sub_agents_spend_is_in_the_profile_of_those_whose_limits_count_it(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    store = SqliteStore(tmp_path / "ledger.db")
    days = [now - timedelta(days=day) for day in range(21, 0, -1)]
    within = {"t2": "parent", "t1": "parent"}
    store.absorb(Entry(at=at.timestamp(), agent="helper", within=within, amounts={"tokens": 100}) for at in days)
    own = WeekProfiles()
    names = [AccountName("agent", agent, "day") for agent in ("parent", "helper")]
    for name in names:
        own.of(store, name, "tokens")
    thread = own._known[store].thread
    assert thread is not None
    thread.join()
    own.read(store, now)
    parents, helpers = (own.of(store, name, "tokens") for name in names)
    assert parents is not None
    assert parents == helpers
    assert max(parents.hourly) == pytest.approx(100, abs=9), "once, though both tasks it is a part of are the parent's"
    store.close()


def test_profiles_are_kept_of_those_asked_for_lately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.plugins.week_profiles._MOST_WANTED", 2)
    store = SqliteStore(tmp_path / "ledger.db")
    own = WeekProfiles()
    for user in ("u1", "u2", "u3"):
        own.of(store, AccountName("user", user, "day"), "tokens")
    known = own._known[store]
    assert known.thread is not None
    known.thread.join()
    assert [owner for _, owner, *_ in known.wanted] == ["u3"]
    store.close()


def test_where_no_thread_is_to_be_had_forecasts_stay_linear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", exhausted)
    store = SqliteStore(tmp_path / "ledger.db")
    assert WeekProfiles().of(store, AccountName("agent", "a", "day"), "tokens") is None
    store.close()


def test_a_store_in_memory_is_not_read() -> None:
    own = WeekProfiles()
    assert own.of(MemoryStore(), AccountName("agent", "a", "day"), "tokens") is None
    assert len(own._known) == 0


def test_a_history_that_cannot_be_read_is_logged_and_forecasts_stay_linear(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, logger="leanloop")
    own, store = WeekProfiles(), SqliteStore(tmp_path / "ledger.db")

    def failing(error: Exception) -> Any:
        def history(**_: Any) -> Any:
            raise error

        return history

    for error in (leanloop.StoreError("gone"), RuntimeError("broken")):
        monkeypatch.setattr(store, "history", failing(error), raising=False)
        own.read(store)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    own.forget()
    assert len(own._known) == 0
    store.close()


def test_a_store_without_books_has_no_profiles() -> None:
    class Bare:
        durable = True

    own = WeekProfiles()
    store: Any = Bare()
    own.read(store)
    assert own._known[store].found == {}


def test_a_raised_limit_is_what_a_share_is_of(ledger: MemoryStore) -> None:
    task = Task(budget(limits=[{"per": "day", "model_calls": 10}], warn=["50%"]), store=ledger)
    account = next(iter(task.table.demand({"model_calls": Need(1)})[0].lines)).account
    ledger.reserve("r", Demand((Line(account, "model_calls", 10, 1),)))
    ledger.settle("r", {"model_calls": 4})
    ledger.raise_limit(account, "model_calls", 10, expires=86_400.0)
    ask(task, Usage(1, 1))
    task.close()
    (use,) = task.receipt().limits
    assert (use.limit, use.spent) == (20, 5)


def test_the_warnings_of_a_file_may_be_read_back() -> None:
    assert parse_budget("agent: a\nwarn: [95%, 80%]", environ={}).warn == (0.8, 0.95)

"""The leases of calls in flight are renewed while somebody waits for them, and not a moment longer."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

import leanloop
from leanloop import Budget, Limit, MemoryStore, Message, ModelCall, ModelReply, StoreError, Task, ToolRequest, Usage
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, Grant, Line, Refusal
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.leases import Leases, leases
from leanloop.plugins.stack import Stack

LONG = 60.0
"""Seconds after which something that should have happened has not."""


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Durable(MemoryStore):
    """As a store that outlives the process: it writes down what is asked to be renewed, and may fail."""

    durable = True

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.renewed: list[tuple[list[str], float]] = []
        self.changed = threading.Condition()
        self.fails: list[Exception] = []

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        with self.changed:
            self.renewed.append((list(reservations), lease))
            self.changed.notify_all()
        if self.fails:
            raise self.fails.pop()
        return super().renew(reservations, lease)

    def await_renewals(self, count: int) -> None:
        with self.changed:
            goal = len(self.renewed) + count
            assert self.changed.wait_for(lambda: len(self.renewed) >= goal, LONG)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Durable:
    return Durable(clock)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A lease of two minutes is renewed every millisecond, and nothing is left of it after the test."""
    monkeypatch.setattr("leanloop.plugins.leases._PER_LEASE", 120_000)
    yield
    ended(leases)


def ended(kept: Leases) -> None:
    """Wait for the thread to end; it does where there is nothing to renew."""
    thread = kept._thread
    if thread is not None:
        thread.join(LONG)
        assert not thread.is_alive()
    assert kept._thread is None


def forked() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, for the threads' sake
        return os.fork()


def end_now(kept: Leases) -> None:
    """Without waiting for the next renewal to be due."""
    with kept._changed:
        kept._due = 0.0
        kept._changed.notify()
    ended(kept)


class Owner:
    """Whoever waits for a call."""


def hold(store: MemoryStore, name: str) -> None:
    assert isinstance(store.reserve(name, Demand((Line("a", "usd", 100, 10),))), Grant)


CALL = ModelCall("gpt-4o-mini", (Message("user", "hello"),))
REPLY = ModelReply(Message("assistant", "hi"), Usage(10, 5))
ASKS = ModelReply(Message("assistant", "", (ToolRequest("1", "search", "{}"),)), Usage(10, 5))
BUDGET = Budget(agent="a", limits=(Limit(tokens=100_000),))


@pytest.mark.usefixtures("often")
def test_a_call_in_flight_keeps_its_lease(store: Durable, clock: Clock) -> None:
    def slow(call: ModelCall) -> ModelReply:
        for _ in range(5):
            store.await_renewals(2)  # the first may have begun before the clock moved
            clock.now += 100.0
        [balance] = store.balances([(f"task:{task.id}", "tokens")])
        assert balance.spent == 0, "a lease that ends counts as spent"
        return REPLY

    with leanloop.task(BUDGET, store=store) as task:
        assert run(Stack().model_flow(CALL, task), slow) is REPLY
        assert store.balances([(f"task:{task.id}", "tokens")]) == [Balance(15)]
    assert {lease for _, lease in store.renewed} == {120.0}


def test_a_call_that_has_ended_is_not_renewed_however_it_ended(store: Durable) -> None:
    class Overloaded(Exception):
        status_code = 429

    def overloaded(_: ModelCall) -> ModelReply:
        raise Overloaded

    def answered(_: ModelCall) -> ModelReply:
        return REPLY

    kept: list[object] = []  # as a trace keeps the frames of a failed call
    with leanloop.task(BUDGET, store=store) as task:
        for send in (overloaded, answered):
            flow = BudgetGuard().on_model(CALL, task)
            kept.append(flow)
            try:
                run(flow, send)
            except Overloaded as error:
                kept.append(error)
        names = set(leases._kept.get(store, {}))
        assert names <= {task.hold.name}, "the landing's, which is to come"
    end_now(leases)


@pytest.mark.usefixtures("often")
async def test_an_awaited_call_in_flight_keeps_its_lease(store: Durable, clock: Clock) -> None:
    async def slow(call: ModelCall) -> ModelReply:
        for _ in range(3):
            await asyncio.to_thread(store.await_renewals, 2)
            clock.now += 100.0
        [balance] = store.balances([(f"task:{task.id}", "tokens")])
        assert balance.spent == 0
        return REPLY

    with leanloop.task(BUDGET, store=store) as task:
        assert await arun(Stack().model_flow(CALL, task), slow) is REPLY
        assert store.balances([(f"task:{task.id}", "tokens")]) == [Balance(15)]


@pytest.mark.usefixtures("often")
def test_a_landing_is_kept_back_as_long_as_its_task_lives(store: Durable, clock: Clock) -> None:
    task = Task(BUDGET, store=store)
    key = (f"task:{task.id}", "tokens")
    run(Stack().model_flow(CALL, task), lambda _: ASKS)
    [balance] = store.balances([key])
    assert balance.idle == balance.reserved > 0
    for _ in range(3):
        store.await_renewals(2)
        clock.now += 100.0
    assert store.balances([key]) == [balance]
    del task
    gc.collect()
    ended(leases)
    clock.now += 121.0
    assert store.balances([key]) == [Balance(15)], "given back, not spent"


@pytest.mark.usefixtures("often")
def test_a_task_that_is_closed_renews_nothing(store: Durable) -> None:
    with leanloop.task(BUDGET, store=store) as task:
        run(Stack().model_flow(CALL, task), lambda _: ASKS)
        assert task.hold.name in leases._kept[store]
    assert not leases._kept.get(store)


def test_what_dies_with_the_process_needs_no_lease() -> None:
    asked: list[Demand] = []

    class Store(MemoryStore):
        def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
            asked.append(demand)
            return super().reserve(reservation, demand, replaces=replaces)

    store = Store()
    with leanloop.task(BUDGET, store=store) as task:
        run(Stack().model_flow(CALL, task), lambda _: REPLY)
    assert [demand.lease for demand in asked] == [float("inf")] * 2
    assert store not in leases._kept
    kept, owner = Leases(), Owner()  # the process's own may still have a thread of tests before this one
    kept.keep(store, "r", 60.0, owner)
    assert kept._thread is None


# --- the thread


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Leases]:
    """Leases of our own, renewed every hundredth of their length."""
    monkeypatch.setattr("leanloop.plugins.leases._PER_LEASE", 100)
    made = Leases()
    yield made
    ended(made)


def test_one_thread_serves_all_and_ends_when_nothing_is_left(kept: Leases, clock: Clock) -> None:
    owner = Owner()
    stores = [Durable(clock), Durable(clock)]
    for number, store in enumerate(stores):
        hold(store, f"r{number}")
        kept.keep(store, f"r{number}", 0.1, owner)
    thread = kept._thread
    for store in stores:
        store.await_renewals(2)
    kept.drop(stores[0], "r0")
    stores[1].await_renewals(2)
    assert kept._thread is thread
    kept.drop(stores[1], "r1")
    ended(kept)
    assert stores[0].renewed[0] == (["r0"], 0.1)
    kept.keep(stores[0], "r0", 0.1, owner)
    stores[0].await_renewals(1)
    assert kept._thread is not thread
    kept.drop(stores[0], "r0")


def test_where_no_thread_is_to_be_had_the_call_goes_on_and_the_next_one_tries_again(
    kept: Leases, store: Durable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def exhausted(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    owner = Owner()
    for name in ("r1", "r2"):
        hold(store, name)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", exhausted)
        kept.keep(store, "r1", 0.1, owner)
    assert "can't start new thread" in caplog.text
    kept.keep(store, "r2", 0.1, owner)
    store.await_renewals(1)
    assert sorted(store.renewed[0][0]) == ["r1", "r2"]
    for name in ("r1", "r2"):
        kept.drop(store, name)


def test_a_short_lease_does_not_wait_for_a_long_one(kept: Leases, store: Durable) -> None:
    owner = Owner()
    hold(store, "long")
    hold(store, "short")
    kept.keep(store, "long", 100 * LONG, owner)
    kept.keep(store, "short", 0.1, owner)
    store.await_renewals(2)
    kept.drop(store, "long")
    kept.drop(store, "short")
    kept.drop(store, "never kept")
    assert {(tuple(names), lease) for names, lease in store.renewed} == {(("long",), 100 * LONG), (("short",), 0.1)}


def test_what_nobody_waits_for_any_more_is_not_renewed(kept: Leases, store: Durable) -> None:
    owner = Owner()
    hold(store, "r")
    kept.keep(store, "r", 0.1, owner)
    store.await_renewals(1)
    del owner
    gc.collect()
    ended(kept)
    assert not kept._kept


@pytest.mark.parametrize("error", [StoreError("no connection"), ValueError("a bug in somebody's store")])
def test_a_renewal_that_fails_is_tried_again(
    kept: Leases, store: Durable, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner()
    hold(store, "r")
    store.fails.append(error)
    kept.keep(store, "r", 0.1, owner)
    store.await_renewals(3)
    kept.drop(store, "r")
    ended(kept)
    assert len(caplog.messages) == 1
    assert "The leases of 1 reservations could not be renewed; it is tried again" in caplog.messages[0]


def test_a_lease_that_was_lost_is_told_once(kept: Leases, store: Durable, caplog: pytest.LogCaptureFixture) -> None:
    owner = Owner()
    hold(store, "r")
    store.renew(["r"], 0)
    kept.keep(store, "r", 0.1, owner)
    ended(kept)
    [message] = caplog.messages
    assert message.startswith("The leases of 1 reservations ended before they could be renewed: they count as spent")


def test_a_forked_child_renews_nothing_of_its_parents(store: Durable) -> None:
    owner = Owner()
    hold(store, "r")
    leases.keep(store, "r", 100.0, owner)
    thread = leases._thread
    child = forked()
    if not child:
        empty = not leases._kept and leases._thread is None
        leases.keep(store, "child's", 100.0, owner)
        os._exit(0 if empty and leases._thread is not None and leases._thread.is_alive() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert leases._thread is thread
    assert list(leases._kept[store]) == ["r"]
    leases.drop(store, "r")
    end_now(leases)


def test_a_child_forked_in_the_midst_of_a_call_leaves_it_to_its_parent(tmp_path: Path) -> None:
    ledger = SqliteStore(tmp_path / "ledger.db")
    seen: list[Balance] = []

    def forking(_: ModelCall) -> ModelReply:
        child = forked()
        if not child:
            raise SystemExit  # through the call and the task, both of which its parent goes on with
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        seen.extend(ledger.balances([(f"task:{task.id}", "tokens")]))
        return REPLY

    try:
        with leanloop.task(BUDGET, store=ledger) as task:
            run(Stack().model_flow(CALL, task), forking)
    except SystemExit:
        os._exit(0)
    [(spent, reserved, idle, _)] = seen
    assert (spent, reserved > idle, idle > 0) == (0, True, True), "the call is in flight, and its landing kept back"
    assert ledger.balances([(f"task:{task.id}", "tokens")]) == [Balance(15)]
    ledger.close()


def test_a_program_that_ends_with_an_open_stream_ends_and_has_booked_it(tmp_path: Path) -> None:
    worker = Path(__file__).parent / "workers" / "ends_in_a_stream.py"
    path = tmp_path / "ledger.db"
    command = [sys.executable, "-W", "error", str(worker), f"sqlite:///{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=2 * LONG)
    assert (done.returncode, done.stderr) == (0, "")
    with contextlib.closing(SqliteStore(path)) as ledger:
        balances = [account.balance for account in ledger.accounts()]
    assert [(one.spent > 0, one.reserved) for one in balances] == [(True, 0)] * 2, "unknown counts as spent"


def test_a_store_that_fails_at_a_tasks_end_does_not_hide_its_answer(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Down(MemoryStore):
        def release(self, reservation: str) -> None:
            raise StoreError("no connection")

    with leanloop.task(BUDGET, store=Down(clock)) as task:
        run(Stack().model_flow(CALL, task), lambda _: ASKS)
    assert "The landing reserve of task" in caplog.text


def test_a_call_settled_at_its_end_is_exact_though_its_lease_was_lost(store: Durable, clock: Clock) -> None:
    spent: list[Mapping[str, int]] = []

    def suspended(_: ModelCall) -> ModelReply:
        clock.now += 10_000.0
        [balance] = store.balances([(f"task:{task.id}", "tokens")])
        assert balance.reserved == 0, "the call's lease is over, and the landing's"
        spent.append({"tokens": balance.spent})
        return REPLY

    with leanloop.task(BUDGET, store=store) as task:
        run(Stack().model_flow(CALL, task), suspended)
        assert store.balances([(f"task:{task.id}", "tokens")]) == [Balance(15)]
    assert spent[0]["tokens"] > 15, "unknown counts as spent"
    end_now(leases)

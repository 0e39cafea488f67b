"""What is particular to the ledger in memory: expiry, and exactness under threads and tasks."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from leanloop.budgets.books import Held
from leanloop.budgets.history import Entry
from leanloop.budgets.memory import MemoryStore, waits
from leanloop.budgets.store import Balance, Demand, Grant, Line

_MANY = 10_000
"""Accounts after which a store looks for expired ones."""


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def spend(store: MemoryStore, name: str, amount: int = 1, *, expires: float = 60.0) -> None:
    assert isinstance(store.reserve(name, Demand((Line(name, "usd", 10, amount, expires=expires),))), Grant)
    store.settle(name, {"usd": amount})


def fill(store: MemoryStore, count: int, prefix: str) -> None:
    for number in range(count):
        spend(store, f"{prefix}{number}")


def test_an_expired_account_is_forgotten_when_there_are_many() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    spend(store, "old")
    clock.now += 61
    spend(store, "young")
    fill(store, _MANY - 2, "more")
    assert store.balances([("old", "usd")]) == [Balance(1)], "not before there are many"
    spend(store, "one too many")
    assert store.balances([("old", "usd"), ("young", "usd")]) == [Balance(), Balance(1)]


def test_an_account_that_is_used_does_not_expire() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    spend(store, "used")
    clock.now += 50
    spend(store, "used")
    clock.now += 50
    fill(store, _MANY, "more")
    assert store.balances([("used", "usd")]) == [Balance(2)]


def test_an_expired_account_with_a_call_in_flight_is_kept() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    store.reserve("flight", Demand((Line("slow", "usd", 10, 4, expires=60.0),)))
    store.reserve("free", Demand((Line("free", "usd", 10, 0, expires=60.0),)))
    clock.now += 61
    fill(store, _MANY, "more")
    store.settle("flight", {"usd": 3})
    store.settle("free", {"usd": 2})
    assert store.balances([("slow", "usd"), ("free", "usd")]) == [Balance(3), Balance(2)]


def test_accounts_that_are_all_alive_are_not_looked_through_again_and_again() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    fill(store, 2 * _MANY, "alive")
    clock.now += 61
    spend(store, "next")
    assert store.balances([("alive0", "usd"), ("alive19999", "usd"), ("next", "usd")]) == [
        Balance(),
        Balance(),
        Balance(1),
    ]


def test_an_account_that_expires_at_once_lives_through_its_own_reservation() -> None:
    store = MemoryStore(Clock())
    fill(store, _MANY - 1, "more")
    lines = (Line("a", "usd", 10, 1, expires=0.0), Line("b", "usd", 10, 1, expires=0.0))
    assert isinstance(store.reserve("r", Demand(lines)), Grant)
    store.settle("r", {"usd": 1})
    assert store.balances([("a", "usd"), ("b", "usd")]) == [Balance(1), Balance(1)]


def test_a_call_that_is_collected_in_the_midst_of_a_step_is_settled_in_it() -> None:
    """Garbage collection may run anywhere, and close the stream of a call that nobody reads on."""

    def collect() -> float:
        if abandoned:
            store.settle(abandoned.pop(), {"usd": 1})
        return 0.0

    abandoned: list[str] = []
    store = MemoryStore(clock=collect)
    store.reserve("r", Demand((Line("a", "usd", 10, 5),)))
    abandoned.append("r")
    assert store.reserve("s", Demand((Line("a", "usd", 10, 5),))) == Grant(0, (Balance(1),))


def test_a_lease_ends_when_its_time_has_come_unless_it_is_renewed() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    for name, lease in (("r", 30.0), ("s", 10.0), ("t", 2_000.0)):
        store.reserve(name, Demand((Line("a", "usd", 10, 1),), lease=lease))
    clock.now += 9
    assert store.renew(["s"], 30) == ["s"]
    clock.now += 20
    assert store.balances([("a", "usd")]) == [Balance(0, 3)]
    clock.now += 1
    assert store.balances([("a", "usd")]) == [Balance(1, 2)]
    clock.now += 9
    assert store.balances([("a", "usd")]) == [Balance(2, 1)]


def test_leases_of_calls_that_ended_long_ago_are_not_kept() -> None:
    store = MemoryStore(Clock())
    for number in range(3 * _MANY):
        spend(store, "a" if number % 2 else "b", 0)
    assert len(store._accounts._ending) < 2 * _MANY  # pyright: ignore[reportPrivateUsage]
    store.reserve("r", Demand((Line("a", "usd", 10, 1),), lease=0))
    assert store.balances([("a", "usd")]) == [Balance(1)]


def test_an_ended_lease_is_remembered_as_long_as_its_account() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    store.reserve("dead", Demand((Line("old", "usd", 10, 4, expires=60.0),), lease=0))
    store.reserve("late", Demand((Line("used", "usd", 10, 4, expires=600.0),), lease=0))
    clock.now += 61
    fill(store, _MANY, "more")
    assert store.balances([("old", "usd"), ("used", "usd")]) == [Balance(), Balance(4)]
    spend(store, "old", 3)
    store.release("dead")
    assert store.balances([("old", "usd")]) == [Balance(3)], "the new account of that name is another"
    store.settle("late", {"usd": 1})
    assert store.balances([("used", "usd")]) == [Balance(1)]


def test_the_history_keeps_the_newest_rows_at_the_time_of_day() -> None:
    store = MemoryStore(Clock(), history=2)
    begun = time.time()
    for number in range(3):
        store.reserve("r", Demand(()))
        store.settle("r", {}, Entry(note=str(number)))
    rows = list(store.history())
    assert [row.note for row in rows] == ["2", "1"]
    assert begun <= rows[1].at <= rows[0].at <= time.time()


def test_what_is_raised_outlives_a_shorter_wish() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    store.reserve("r", Demand((Line("a", "usd", 10, 1, expires=600.0),)))
    store.settle("r", {})
    store.raise_limit("a", "usd", 5, expires=60.0)
    store.raise_limit("b", "usd", 5, expires=60.0)
    clock.now += 61
    fill(store, _MANY, "more")
    assert store.balances([("a", "usd"), ("b", "usd")]) == [Balance(raised=5), Balance()]


def test_an_ended_lease_of_a_forgotten_account_is_moved_without_it() -> None:
    clock = Clock()
    store = MemoryStore(clock)
    lines = (Line("old", "usd", 10, 4, expires=60.0), Line("used", "usd", 10, 4, expires=600.0))
    store.reserve("r", Demand(lines, lease=0))
    clock.now += 61
    fill(store, _MANY, "more")
    spend(store, "old")
    [held] = [one for one in store.export() if isinstance(one, Held)]
    assert held == Held("r", 0, (("used", "usd", 4),), 0.0, idle=False, ended=True)


# Torture: 50 callers over limits they share. Every call may be refused; none may pass a limit.

LIMITS = {("task:1", "tokens"): 5_000, ("user=u:day:1", "usd"): 9_000, ("global:day:1", "model_calls"): 300}
KEYS = list(LIMITS)
CALLERS = 50
CALLS = 40


def demand(rng: random.Random) -> Demand:
    keys = rng.sample(KEYS, rng.randint(1, len(KEYS)))
    slopes = {"tokens": 1, "usd": 3, "model_calls": 0}
    lines = tuple(
        Line(*key, LIMITS[key], 1 if key[1] == "model_calls" else rng.randint(0, 60), slopes[key[1]]) for key in keys
    )
    return Demand(lines, most=rng.randint(10, 80), least=rng.randint(0, 10))


def worst(wanted: Demand, units: int) -> dict[str, int]:
    return {line.resource: line.fixed + line.slope * units for line in wanted.lines}


def check(store: MemoryStore) -> None:
    for key, balance in zip(KEYS, store.balances(KEYS), strict=True):
        assert balance.spent >= 0
        assert balance.reserved >= 0
        assert balance.spent + balance.reserved <= LIMITS[key]


def finish(store: MemoryStore, rng: random.Random, name: str, wanted: Demand, grant: Grant) -> Counter[tuple[str, str]]:
    """Settle, release, or settle twice; gives what was spent."""
    if rng.random() < 0.3:
        store.release(name)
        return Counter()
    actual = {resource: rng.randint(0, amount) for resource, amount in worst(wanted, grant.units).items()}
    store.settle(name, actual)
    if rng.random() < 0.2:
        store.settle(name, actual)
    return Counter({(line.account, line.resource): actual[line.resource] for line in wanted.lines})


def test_fifty_threads_never_pass_a_limit_and_every_amount_is_booked() -> None:
    store = MemoryStore()
    over = threading.Event()

    def watch() -> int:
        looks = 0
        while not over.is_set():
            check(store)
            looks += 1
        return looks

    def call(caller: int) -> Counter[tuple[str, str]]:
        rng = random.Random(caller)
        spent: Counter[tuple[str, str]] = Counter()
        held: str | None = None
        for number in range(CALLS):
            name, wanted = f"{caller}-{number}", demand(rng)
            answer = store.reserve(name, wanted, replaces=held)
            check(store)
            if not isinstance(answer, Grant):
                continue
            assert wanted.least <= answer.units <= wanted.most
            if rng.random() < 0.2:
                held = name  # given up by this caller's next reservation, or at the end
                continue
            spent += finish(store, rng, name, wanted, answer)
            check(store)
        if held is not None:
            store.release(held)
        return spent

    with ThreadPoolExecutor(CALLERS + 1) as pool:
        watching = pool.submit(watch)
        total = Counter[tuple[str, str]]()
        for spent in pool.map(call, range(CALLERS)):
            total += spent
        over.set()
        assert watching.result() > 0
    assert store.balances(KEYS) == [Balance(total[key]) for key in KEYS]
    assert all(total[key] for key in KEYS)


async def test_tasks_cancelled_at_random_leave_nothing_set_aside() -> None:
    store = MemoryStore()
    spent: Counter[tuple[str, str]] = Counter()

    async def call(caller: int) -> None:
        rng = random.Random(caller)
        for number in range(CALLS):
            name, wanted = f"{caller}-{number}", demand(rng)
            answer = await store.areserve(name, wanted)
            if not isinstance(answer, Grant):
                continue
            try:
                for _ in range(rng.randint(0, 3)):
                    await asyncio.sleep(0)  # the call itself
            except asyncio.CancelledError:
                await store.asettle(name, worst(wanted, answer.units))
                spent.update(
                    {(line.account, line.resource): worst(wanted, answer.units)[line.resource] for line in wanted.lines}
                )
                raise
            spent.update(finish(store, rng, name, wanted, answer))
            check(store)

    rng = random.Random(0)
    callers = [asyncio.create_task(call(caller)) for caller in range(CALLERS)]
    while not all(caller.done() for caller in callers):
        await asyncio.sleep(0)
        check(store)
        if rng.random() < 0.3:
            rng.choice(callers).cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert any(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    assert store.balances(KEYS) == [Balance(spent[key]) for key in KEYS]


def test_a_fork_in_the_midst_of_other_threads_steps_leaves_the_child_a_ledger() -> None:
    """A lock that another thread held would be held in the child for ever."""
    done = threading.Event()
    store = MemoryStore()

    def spend_on() -> None:
        while not done.is_set():
            spend(store, "busy", 0)

    threads = [threading.Thread(target=spend_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, for the threads' sake
                child = os.fork()
            if not child:
                signal.alarm(300)  # ends it, were it to wait for a lock
                spend(store, "child")
                os._exit(0 if store.balances([("child", "usd")]) == [Balance(1)] else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()


class Elsewhere(MemoryStore):
    """As somebody may write one that awaits something."""

    async def arelease(self, reservation: str) -> None:
        await asyncio.sleep(0)
        self.release(reservation)


def test_only_a_ledger_that_is_all_in_memory_never_waits() -> None:
    assert not waits(MemoryStore())
    assert waits(Elsewhere())

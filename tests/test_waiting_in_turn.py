"""Calls side by side: one that only others in flight stand in the way of waits for what they leave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from leanloop import Budget, BudgetExceeded, Limit, MemoryStore, Message, ModelCall, ModelReply, Task, Usage
from leanloop.errors import TaskStopped
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run

CALL = ModelCall("gpt-4o-mini", (Message("user", "hello"),), max_output=960)
REPLY = ModelReply(Message("assistant", "hi"), Usage(10, 40))


def never(seconds: float) -> None:
    pytest.fail("waited for nothing")


@pytest.fixture
def task() -> Iterator[Task]:
    """Room for one worst case at a time, and for twenty calls as they turn out."""
    store = MemoryStore()
    task = Task(Budget(agent="a", limits=(Limit(tokens=1_000),), at_limit="raise"), store=store)
    yield task
    [balance] = store.balances([(f"task:{task.id}", "tokens")])
    assert balance.spent <= 1_000
    assert balance.reserved == 0


def test_threads_wait_for_each_other_and_all_are_served(task: Task) -> None:
    at_once: list[int] = []
    flying = 0
    lock = threading.Lock()

    def send(call: ModelCall) -> ModelReply:
        nonlocal flying
        with lock:
            flying += 1
            at_once.append(flying)
        threading.Event().wait(0.01)
        with lock:
            flying -= 1
        return REPLY

    def call(_: int) -> ModelReply:
        return run(BudgetGuard().on_model(CALL, task), send)

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(call, range(8)))
    assert replies == [REPLY] * 8
    assert task.receipt().usage.total == 8 * 50
    assert task.stopped is None


async def test_async_calls_wait_without_blocking_the_loop(task: Task) -> None:
    async def send(call: ModelCall) -> ModelReply:
        await asyncio.sleep(0.01)
        return REPLY

    replies = await asyncio.gather(*(arun(BudgetGuard().on_model(CALL, task), send) for _ in range(8)))
    assert replies == [REPLY] * 8


def test_what_spending_stands_in_the_way_of_is_refused_at_once(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.plugins.reservation.time.sleep", never)
    spent = ModelReply(Message("assistant", "long"), Usage(10, 950))
    run(BudgetGuard().on_model(CALL, task), lambda _: spent)
    with pytest.raises(BudgetExceeded):
        run(BudgetGuard().on_model(CALL, task), lambda _: REPLY)
    assert task.stopped is not None


def test_who_waits_too_long_is_refused_but_the_task_is_not_stopped(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("leanloop.plugins.reservation.time.sleep", waits.append)

    def send(call: ModelCall) -> ModelReply:  # a second call while the first is in flight
        with pytest.raises(BudgetExceeded, match="set aside"):
            run(BudgetGuard().on_model(CALL, task), lambda _: REPLY)
        return REPLY

    assert run(BudgetGuard().on_model(CALL, task), send) is REPLY
    assert sum(waits) >= 60
    assert max(waits) <= 0.25
    assert task.stopped is None


def test_who_waits_while_the_task_is_stopped_waits_no_longer(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        task.stop(TaskStopped("It is enough."))

    def send(call: ModelCall) -> ModelReply:
        with pytest.raises(BudgetExceeded, match="set aside"):
            run(BudgetGuard().on_model(CALL, task), lambda _: REPLY)
        return REPLY

    monkeypatch.setattr("leanloop.plugins.reservation.time.sleep", sleep)
    assert run(BudgetGuard().on_model(CALL, task), send) is REPLY
    assert len(waits) == 1


def test_a_callback_that_may_not_wait_is_refused_and_the_task_goes_on(task: Task) -> None:
    def send(call: ModelCall) -> ModelReply:
        with pytest.raises(BudgetExceeded):
            run(BudgetGuard(waits=False).on_model(CALL, task), lambda _: REPLY)
        return REPLY

    assert run(BudgetGuard().on_model(CALL, task), send) is REPLY
    assert run(BudgetGuard(waits=False).on_model(CALL, task), lambda _: REPLY) is REPLY


def test_a_landing_reserve_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.plugins.reservation.time.sleep", never)
    task = Task(Budget(agent="a", limits=(Limit(tokens=1_000),)), store=MemoryStore())
    asks = ModelReply(Message("assistant", "more"), Usage(10, 700))
    run(BudgetGuard().on_model(CALL, task), lambda _: asks)
    with pytest.raises(BudgetExceeded):
        run(BudgetGuard().on_model(CALL, task), lambda _: REPLY)

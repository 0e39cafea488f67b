"""Tasks within tasks: children draw from their parents, and none can open an allowance of its own, on any store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, Message, ModelCall, ModelReply, Task, Usage
from leanloop.budgets.store import LedgerStore
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.current import enter, leave
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run

TEN = Limit(model_calls=10, tokens=1_000_000)
DAY = Limit(per="day", scope="user", model_calls=25)
PARENT = Budget(agent="boss", limits=(TEN, DAY), at_limit="raise")
CHILD = Budget(agent="helper", limits=(TEN,), at_limit="raise")  # as much again, were it an allowance of its own
CALL = ModelCall("gpt-4o-mini", (Message("user", "hello"),), max_output=50)
REPLY = ModelReply(Message("assistant", "hi"), Usage(5, 5))
HELPERS = 6


class Provider:
    """Counts what it answers: the bill, by itself."""

    def __init__(self) -> None:
        self.billed: list[ModelCall] = []

    def send(self, call: ModelCall) -> ModelReply:
        self.billed.append(call)
        return REPLY

    async def asend(self, call: ModelCall) -> ModelReply:
        await asyncio.sleep(0)
        return self.send(call)


def spent(task: Task) -> tuple[int, int]:
    keys = [(f"task:{task.id}", "model_calls"), (f"task:{task.id}", "tokens")]
    calls, tokens = task.store.balances(keys)
    assert (calls.reserved, tokens.reserved) == (0, 0)
    return calls.spent, tokens.spent


def in_threads(parent: Task, provider: Provider) -> list[Task]:
    """Helpers side by side, each a child with a child of its own, until each is refused."""
    helpers = [Task(CHILD, parent=Task(CHILD, parent=parent)) for _ in range(HELPERS)]

    def work(helper: Task) -> None:
        with contextlib.suppress(BudgetExceeded):
            while True:
                run(BudgetGuard().on_model(CALL, helper), provider.send)

    with ThreadPoolExecutor(HELPERS) as pool:
        list(pool.map(work, helpers))
    return helpers


def in_asyncio(parent: Task, provider: Provider) -> list[Task]:
    helpers: list[Task] = []

    async def work() -> None:
        async with leanloop.task(CHILD), leanloop.task(CHILD) as helper:
            helpers.append(helper)
            with contextlib.suppress(BudgetExceeded):
                while True:
                    await arun(BudgetGuard().on_model(CALL, helper), provider.asend)

    async def all_of_them() -> None:
        token = enter(parent)
        try:
            await asyncio.gather(*(work() for _ in range(HELPERS)))
        finally:
            leave(token)

    asyncio.run(all_of_them())
    return helpers


@pytest.mark.parametrize("side_by_side", [in_threads, in_asyncio])
def test_helpers_side_by_side_spend_no_more_than_their_parent_has(
    each_store: LedgerStore, side_by_side: Callable[[Task, Provider], list[Task]]
) -> None:
    parent, provider = Task(PARENT, tags={"user": "u"}, store=each_store), Provider()
    helpers = side_by_side(parent, provider)
    assert len(provider.billed) == 10
    assert spent(parent) == (10, 100)
    assert sum(spent(helper)[0] for helper in helpers) == 10
    assert parent.receipt().model_calls == 10, "and it is on the parent's receipt"
    assert isinstance(parent.stopped, BudgetExceeded)


@pytest.mark.parametrize("side_by_side", [in_threads, in_asyncio])
def test_tasks_of_one_user_draw_from_one_day(
    each_store: LedgerStore, side_by_side: Callable[[Task, Provider], list[Task]]
) -> None:
    provider = Provider()
    parents = [Task(PARENT, tags={"user": "u"}, store=each_store) for _ in range(4)]
    for parent in parents:
        side_by_side(parent, provider)
    assert len(provider.billed) == 25
    assert [spent(parent)[0] for parent in parents] == [10, 10, 5, 0]
    stop = parents[-1].stopped
    assert isinstance(stop, BudgetExceeded)
    assert (stop.scope, stop.limit, stop.spent) == ("user=u per day", 25, 25)


def test_a_child_that_is_refused_leaves_nothing_in_its_parent(each_store: LedgerStore) -> None:
    parent = Task(PARENT, tags={"user": "u"}, store=each_store)
    child = Task(Budget(agent="helper", limits=(Limit(model_calls=0),), at_limit="raise"), parent=parent)
    with pytest.raises(BudgetExceeded):
        run(BudgetGuard().on_model(CALL, child), Provider().send)
    assert spent(parent) == (0, 0)
    assert parent.stopped is None, "the parent may go on"


def test_a_limit_lowered_below_what_is_spent_refuses_with_both_figures_and_breaks_nothing(
    each_store: LedgerStore,
) -> None:
    provider = Provider()

    def day(calls: int) -> Task:
        limits = (Limit(per="day", model_calls=calls),)
        return Task(Budget(agent="a", limits=limits, at_limit="raise"), store=each_store)

    for _ in range(5):
        run(BudgetGuard().on_model(CALL, day(10)), provider.send)
    message = r"The limit of 3 model calls for agent=a per day is reached: 5 model calls used, 1 model call needed"
    with pytest.raises(BudgetExceeded, match=message):
        run(BudgetGuard().on_model(CALL, day(3)), provider.send)
    run(BudgetGuard().on_model(CALL, day(6)), provider.send)
    with pytest.raises(BudgetExceeded):
        run(BudgetGuard().on_model(CALL, day(6)), provider.send)
    assert len(provider.billed) == 6


def test_a_rolling_limit_holds_on_every_store(each_store: LedgerStore) -> None:
    provider = Provider()
    budget = Budget(agent="a", limits=(Limit(per="hour", rolling=True, model_calls=3),), at_limit="raise")
    for _ in range(3):
        run(BudgetGuard().on_model(CALL, Task(budget, store=each_store)), provider.send)
    with pytest.raises(BudgetExceeded, match="3 model calls for agent=a per rolling hour is reached: 3 model calls"):
        run(BudgetGuard().on_model(CALL, Task(budget, store=each_store)), provider.send)
    assert len(provider.billed) == 3

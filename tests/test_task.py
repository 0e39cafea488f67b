"""The task: what it is about, whose part it is, and how code finds it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import leanloop
from leanloop import (
    Budget,
    BudgetFileError,
    Limit,
    LoopDetected,
    MemoryStore,
    Saving,
    StoreError,
    Task,
    UsageError,
    current_task,
)
from leanloop.budgets.demand import Need
from leanloop.budgets.price_book import price_book
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.store import Demand, Line
from leanloop.budgets.stores import open_store

BUDGET = Budget(agent="a", limits=(Limit(tokens=100, cycles=5),))


def test_inside_the_block_it_is_the_current_task_and_after_it_no_more() -> None:
    assert current_task() is None
    with leanloop.task(BUDGET) as outer:
        assert current_task() is outer
        with leanloop.task(BUDGET) as inner:
            assert current_task() is inner
            assert inner.parent is outer
        assert current_task() is outer
    assert current_task() is None


def test_an_error_ends_it_too() -> None:
    with pytest.raises(ZeroDivisionError), leanloop.task(BUDGET):
        raise ZeroDivisionError
    assert current_task() is None


def test_it_is_opened_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "support.yaml"
    file.write_text("agent: support\nlimits: [{per: task, tokens: 7}]\n", encoding="utf-8")
    for path in (file, str(file)):
        with leanloop.task(path) as task:
            assert task.agent == "support"
            assert task.limited == {"tokens"}
    with pytest.raises(BudgetFileError, match=r"nowhere\.yaml"), leanloop.task(tmp_path / "nowhere.yaml"):
        raise AssertionError("it was opened")


def test_limits_of_the_run_replace_those_of_the_budget() -> None:
    with leanloop.task(BUDGET, limits=[Limit(tokens=9), Limit(per="day", usd=Decimal(1))]) as task:
        assert task.limited == {"tokens", "cycles", "usd"}
        (demand, _) = task.table.demand({"tokens": Need(1)})
        assert demand.lines[0].limit == 9
    assert BUDGET.limits == (Limit(tokens=100, cycles=5),)


def test_a_child_inherits_tags_and_store_and_may_add_tags() -> None:
    store = MemoryStore()
    with (
        leanloop.task(BUDGET, tags={"user": "u", "tier": "free"}, store=store) as parent,
        leanloop.task(BUDGET, tags={"tier": "paid", "run": "7"}, store=MemoryStore()) as child,
    ):
        assert child.tags == {"user": "u", "tier": "paid", "run": "7"}
        assert parent.tags == {"user": "u", "tier": "free"}
        assert child.store is store
        assert child.lineage == (child, parent)
        assert child.id != parent.id


def test_what_an_ancestor_limits_is_limited() -> None:
    with (
        leanloop.task(Budget(agent="a", limits=(Limit(usd=Decimal(1)),))),
        leanloop.task(Budget(agent="b", limits=(Limit(cycles=1),))) as child,
    ):
        assert child.limited == {"usd", "cycles"}


async def test_tasks_side_by_side_do_not_see_each_other() -> None:
    gate = asyncio.Barrier(5)

    async def agent() -> str:
        with leanloop.task(BUDGET) as task:
            await gate.wait()
            assert current_task() is task
            await gate.wait()
            assert task.parent is None
            return task.id

    assert len(set(await asyncio.gather(*(agent() for _ in range(5))))) == 5
    assert current_task() is None


async def test_it_reaches_what_is_started_inside() -> None:
    async def tool() -> Task | None:
        return current_task()

    with leanloop.task(BUDGET) as task:
        assert await asyncio.create_task(tool()) is task
        assert await asyncio.to_thread(current_task) is task
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(contextvars.copy_context().run, current_task).result() is task


# Stopping.


def test_the_first_reason_stays() -> None:
    task = Task(BUDGET)
    first = LoopDetected("first")
    task.stop(first)
    task.stop(LoopDetected("second"))
    assert task.stopped is first
    assert task.receipt().stopped == "first"


def test_a_stop_holds_for_all_below_and_none_above() -> None:
    parent = Task(BUDGET)
    child = Task(BUDGET, parent=parent)
    grandchild = Task(BUDGET, parent=child)
    child.stop(LoopDetected("out"))
    assert parent.stopped is None
    assert grandchild.stopped is child.stopped


def test_one_landing_can_be_claimed() -> None:
    task = Task(BUDGET)
    gate = threading.Barrier(8)

    def claim(_: int) -> bool:
        gate.wait()
        return task.begin_landing()

    assert not task.landed
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    assert task.landed


def test_one_agent_can_claim_a_task_of_its_budget() -> None:
    with leanloop.task(BUDGET, limits=[Limit(tokens=5)]) as task:
        assert not task.claim.take(Budget(agent="another"))
        assert task.claim.take(BUDGET)
        assert not task.claim.take(BUDGET)


# Cycles.


def test_a_cycle_is_paid_by_the_next_reservation() -> None:
    task = Task(BUDGET)
    task.cycles.begin()
    task.cycles.begin()
    assert task.cycles.take() == 2
    assert task.cycles.take() == 0
    task.cycles.give_back(2)
    assert task.cycles.take() == 2
    assert task.receipt().cycles == 2


# The landing's reservation.


def hold(task: Task, store: MemoryStore) -> None:
    store.reserve("hold", Demand((Line(f"task:{task.id}", "tokens", 100, 30),)))
    assert task.hold.keep("hold")


def test_what_is_kept_back_is_given_back_at_the_end(ledger: MemoryStore) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        hold(task, ledger)
        task.close()
        task.close()
        assert task.hold.name is None


def test_also_where_the_block_ends_with_an_error(ledger: MemoryStore) -> None:
    with pytest.raises(KeyboardInterrupt), leanloop.task(BUDGET, store=ledger) as task:  # noqa: PT012 a block's end
        hold(task, ledger)
        raise KeyboardInterrupt


def test_there_is_one_and_it_is_handed_over_once() -> None:
    task = Task(BUDGET)
    assert task.hold.keep("1")
    assert not task.hold.keep("2")
    assert task.hold.take("2") is None
    assert task.hold.take("1") == "1"
    assert task.hold.take() is None


# Receipt and prices.


def test_a_saving_is_on_every_receipt_above() -> None:
    parent = Task(BUDGET)
    child = Task(BUDGET, parent=parent)
    saving = Saving("cache", "a call was not made", "counted", calls=1)
    child.save(saving)
    assert parent.receipt().savings == child.receipt().savings == (saving,)


def test_a_receipt_says_whose_it_is() -> None:
    receipt = Task(BUDGET, tags={"user": "u"}, task_id="t-1").receipt()
    assert (receipt.task, receipt.agent, receipt.tags) == ("t-1", "a", {"user": "u"})
    assert (receipt.models, receipt.limits, receipt.stopped, receipt.landed) == ((), (), None, False)


def test_budgets_with_equal_prices_share_a_book() -> None:
    prices = {"m": ModelPriceEntry(input=Decimal(1), output=Decimal(2))}
    one, other = Budget(agent="a", prices=prices), Budget(agent="b", prices=dict(prices))
    assert price_book(one) is price_book(other)
    assert price_book(one) is not price_book(Budget(agent="a"))
    assert price_book(one).price("m").worst_case(10) == (10_000, 2_000)


# Its store: see also tests/test_hierarchy.py.


def test_tasks_of_one_process_share_its_ledger() -> None:
    assert Task(BUDGET).store is Task(BUDGET).store


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[str]:
    """The address of a store in a file."""
    address = f"sqlite:///{tmp_path}/ledger.db"
    yield address
    open_store(address).close()


def test_a_task_is_kept_where_its_budget_says_unless_code_says_otherwise(kept: str) -> None:
    budget, own = Budget(agent="a", store=kept), MemoryStore()
    assert Task(budget).store is Task(budget).store is open_store(kept)
    assert Task(budget, store=own).store is own


@pytest.mark.parametrize("address", ["memory", "the parent's"])
def test_a_child_is_kept_with_its_parent_also_where_it_says_memory(kept: str, address: str) -> None:
    parent = Task(Budget(agent="a", store=kept))
    child = Task(Budget(agent="b", store=kept if address == "the parent's" else address), parent=parent)
    assert Task(Budget(agent="c", store=kept), parent=child, store=MemoryStore()).store is parent.store


def test_a_store_given_in_code_stands_for_that_of_the_file_in_the_children_too(kept: str) -> None:
    own, budget = MemoryStore(), Budget(agent="a", store=kept)
    assert Task(budget, parent=Task(budget, store=own)).store is own


@pytest.mark.parametrize("above", ["memory", "sqlite"])
def test_a_child_in_another_store_than_its_parent_is_refused_with_what_to_write(
    kept: str, tmp_path: Path, above: str
) -> None:
    parent = Task(Budget(agent="boss", store="memory" if above == "memory" else f"sqlite:///{tmp_path}/other.db"))
    with pytest.raises(UsageError, match=r"'helper'.*'boss'.*Write the same store in both.*or store: memory") as caught:
        Task(Budget(agent="helper", store=kept), parent=parent)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(UsageError, match="Write the same store"):
        Task(Budget(agent="helper"), parent=parent, store=open_store(kept))


# What it is worth.


def test_a_task_is_worth_what_the_run_says_or_else_the_budget_and_a_child_says_it_itself() -> None:
    worth = Budget(agent="a", limits=(Limit(usd=1, value=4), Limit(per="day", usd=9)))
    with leanloop.task(worth) as task, leanloop.task(BUDGET) as child:
        assert (task.value, child.value) == (4_000_000_000, None)
        assert task.receipt().value == 4_000_000_000
    with leanloop.task(worth, value=Decimal("0.25")) as task:
        assert task.value == 250_000_000
    with leanloop.task(worth, limits=[Limit(usd=2, value=7)]) as task:
        assert task.value == 7_000_000_000
    with pytest.raises(UsageError, match="must not be negative"), leanloop.task(worth, value=-1):
        raise AssertionError("it was opened")


# Async with.


async def test_it_may_be_opened_with_async_with_and_its_end_awaits_the_ledger() -> None:
    class AwaitedOnly(MemoryStore):
        released: list[str] = []  # noqa: RUF012 of this one test

        def release(self, reservation: str) -> None:
            raise AssertionError("an event loop was blocked")

        async def arelease(self, reservation: str) -> None:
            await asyncio.sleep(0)
            self.released.append(reservation)

    store = AwaitedOnly()
    async with leanloop.task(BUDGET, store=store) as task:
        assert current_task() is task
        hold(task, store)
    assert current_task() is None
    assert store.released == ["hold"]
    async with leanloop.task(BUDGET, store=store) as task:
        pass
    assert store.released == ["hold"], "nothing was held"


@pytest.mark.parametrize("form", ["with", "async with"])
async def test_a_store_that_fails_at_the_end_of_a_block_fails_nothing(
    form: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone(MemoryStore):
        def release(self, reservation: str) -> None:
            raise StoreError("no connection")

    if form == "with":
        with leanloop.task(BUDGET, store=Gone()) as task:
            task.hold.keep("hold")
    else:
        async with leanloop.task(BUDGET, store=Gone()) as task:
            task.hold.keep("hold")
    assert "stays set aside until its lease ends. no connection" in caplog.text


async def test_what_is_kept_back_is_given_back_also_where_the_block_ends_in_another_context(
    ledger: MemoryStore,
) -> None:
    block = leanloop.task(BUDGET, store=ledger)
    hold(contextvars.copy_context().run(block.__enter__), ledger)
    with pytest.raises(ValueError, match="different Context"):
        block.__exit__()
    hold(contextvars.copy_context().run(block.__enter__), ledger)
    with pytest.raises(ValueError, match="different Context"):
        await block.__aexit__()


# Its clock: see also tests/test_budget_guard.py.


def test_it_runs_until_it_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("leanloop.plugins.stopwatch.time.monotonic", lambda: now[0])
    task = Task(BUDGET)
    now[0] += 2
    task.clock.pause()
    now[0] += 100
    assert task.seconds == task.receipt().seconds == 2
    task.clock.resume()
    now[0] += 1
    assert task.seconds == 3


@pytest.mark.parametrize("tags", [{"user": 7}, {7: "u1"}, {"user": None}, {"user": b"u1"}])
def test_a_tag_that_is_no_text_is_refused(tags: Any) -> None:
    with pytest.raises(UsageError, match=r"A tag is text, such as"), leanloop.task(BUDGET, tags=tags):
        pass
    with leanloop.task(BUDGET) as task, pytest.raises(UsageError, match=r"A tag is text"):
        task.claim.add_tags(tags)


def test_tags_told_later_count_from_the_first_call_on() -> None:
    budget = Budget(agent="a", limits=(Limit(per="day", scope="user", tokens=9),))
    with leanloop.task(budget, tags={"tier": "gold"}) as task:
        with pytest.raises(UsageError, match="needs the tag 'user'"):
            task.table.demand({"tokens": Need(1)})
        task.claim.add_tags({"user": "u1", "tier": "gold"})
        demand, _ = task.table.demand({"tokens": Need(1)})
        assert demand.lines[0].account.startswith("user=u1:day:")
        with pytest.raises(UsageError, match=r"open with another value of the tag 'user' than 'u2'"):
            task.claim.add_tags({"city": "Rome", "user": "u2"})
        assert task.receipt().tags == {"tier": "gold", "user": "u1"}

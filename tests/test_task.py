"""The task: what it is about, whose part it is, and how code finds it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

import leanloop
from leanloop import Budget, BudgetFileError, Limit, LoopDetected, MemoryStore, Saving, Task, current_task
from leanloop.budgets.budget import ModelPriceEntry
from leanloop.budgets.demand import Need
from leanloop.budgets.price_book import price_book
from leanloop.budgets.store import Demand, Line

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
        assert not task.claim(Budget(agent="another"))
        assert task.claim(BUDGET)
        assert not task.claim(BUDGET)


# Cycles.


def test_a_cycle_is_paid_by_the_next_reservation() -> None:
    task = Task(BUDGET)
    task.begin_cycle()
    task.begin_cycle()
    assert task.take_cycles() == 2
    assert task.take_cycles() == 0
    task.give_cycles_back(2)
    assert task.take_cycles() == 2
    assert task.receipt().cycles == 2


# The landing's reservation.


def hold(task: Task, store: MemoryStore) -> None:
    store.reserve("hold", Demand((Line(f"task:{task.id}", "tokens", 100, 30),)))
    assert task.keep_hold("hold")


def test_what_is_kept_back_is_given_back_at_the_end(ledger: MemoryStore) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        hold(task, ledger)
        task.close()
        task.close()
        assert task.hold is None


def test_also_where_the_block_ends_with_an_error(ledger: MemoryStore) -> None:
    with pytest.raises(KeyboardInterrupt), leanloop.task(BUDGET, store=ledger) as task:  # noqa: PT012 a block's end
        hold(task, ledger)
        raise KeyboardInterrupt


def test_there_is_one_and_it_is_handed_over_once() -> None:
    task = Task(BUDGET)
    assert task.keep_hold("1")
    assert not task.keep_hold("2")
    assert task.take_hold("2") is None
    assert task.take_hold("1") == "1"
    assert task.take_hold() is None


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


def test_tasks_of_one_process_share_its_ledger() -> None:
    assert Task(BUDGET).store is Task(BUDGET).store


# Its clock: see also tests/test_budget_guard.py.


def test_it_runs_until_it_is_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr("leanloop.plugins.task.time.monotonic", lambda: now[0])
    task = Task(BUDGET)
    now[0] += 2
    task.pause()
    now[0] += 100
    assert task.seconds == task.receipt().seconds == 2
    task.resume()
    now[0] += 1
    assert task.seconds == 3

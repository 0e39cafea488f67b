"""What a settled call tells the ledger's history."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from decimal import Decimal

import pytest

from leanloop import Budget, Limit, MemoryStore, Message, ModelCall, ModelReply, Task, ToolCall, ToolResult, Usage
from leanloop.budgets.history import Entry
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import stream
from leanloop.plugins.drive_sync import run

CALL = ModelCall("gpt-4o-mini", (Message("user", "hello"),), max_output=100)
LIMITS = (Limit(usd=Decimal(1), tokens=100_000, tool_calls=5, value=Decimal(4)),)


class Kept(MemoryStore):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Entry | None] = []

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        super().settle(reservation, actual, entry)
        self.told.append(entry)


@pytest.fixture
def store() -> Kept:
    return Kept()


@pytest.fixture
def task(store: Kept) -> Task:
    return Task(Budget(agent="support", limits=LIMITS), tags={"user": "u1"}, store=store, task_id="t1")


def price_of(task: Task) -> str:
    return task.prices.price(CALL.model).version


def test_a_call_is_told_with_whose_it_is_what_it_used_and_what_it_cost(task: Task, store: Kept) -> None:
    usage = Usage(1_000, 50, cached_input=400, cache_write=10, reasoning=20)
    run(BudgetGuard().on_model(CALL, task), lambda _: ModelReply(Message("assistant", "hi"), usage))
    cost = task.receipt().cost
    assert cost
    assert store.told == [
        Entry(
            "call",
            task="t1",
            agent="support",
            tags={"user": "u1"},
            model="gpt-4o-mini",
            price=price_of(task),
            amounts={
                "model_calls": 1,
                "tokens": 1_050,
                "input_tokens": 1_000,
                "output_tokens": 50,
                "usd": cost,
                "cached_input": 400,
                "cache_write": 10,
                "reasoning": 20,
            },
            value=4_000_000_000,
        )
    ]


def test_what_is_nothing_is_not_told(store: Kept) -> None:
    task = Task(Budget(agent="a", limits=(Limit(tokens=100_000),), unknown_model="free"), store=store)
    run(
        BudgetGuard().on_model(ModelCall("my-model", CALL.messages), task),
        lambda _: ModelReply(Message("assistant", ""), Usage(7, 0)),
    )
    [entry] = store.told
    assert entry is not None
    assert entry.amounts == {"model_calls": 1, "tokens": 7, "input_tokens": 7}
    assert (entry.price, entry.value) == ("unknown model: free", None)


def test_a_call_nobody_knows_the_end_of_is_told_as_unknown_at_its_worst_case(task: Task, store: Kept) -> None:
    def hangs(call: ModelCall) -> ModelReply:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        run(BudgetGuard().on_model(CALL, task), hangs)
    [entry] = store.told
    assert entry is not None
    assert entry.kind == "unknown"
    assert entry.amounts["output_tokens"] == 100
    assert entry.amounts["tokens"] == task.store.balances([("task:t1", "tokens")])[0].spent


@pytest.mark.parametrize(("reported", "kind"), [(Usage(10, 5), "call"), (None, "unknown")])
def test_a_stream_closed_early_is_known_where_its_usage_had_come(
    task: Task, store: Kept, reported: Usage | None, kind: str
) -> None:
    class Words:
        def join(self, chunks: object) -> ModelReply:
            return ModelReply(Message("assistant", "one"), reported)

        def split(self, reply: ModelReply) -> list[str]:
            raise AssertionError

    def words(call: ModelCall) -> Generator[str, None, None]:
        yield from ("one", "two")

    chunks = stream(BudgetGuard().on_model(CALL, task), words, Words())
    next(chunks)
    chunks.close()
    assert [entry.kind for entry in store.told if entry] == [kind]


def test_what_was_not_billed_and_calls_of_tools_are_not_told(task: Task, store: Kept) -> None:
    class Refused(Exception):
        status_code = 429

    def refuses(call: ModelCall) -> ModelReply:
        raise Refused

    with pytest.raises(Refused):
        run(BudgetGuard().on_model(CALL, task), refuses)
    run(BudgetGuard().on_tool(ToolCall("1", "search", "{}"), task), lambda _: ToolResult("found"))
    assert not any(store.told), "settled and released without a row"
    assert task.store.balances([("task:t1", "tool_calls")])[0].spent == 1


def test_a_child_tells_its_own_task_and_value(task: Task, store: Kept) -> None:
    child = Task(Budget(agent="helper"), parent=task, tags={"step": "2"}, value=Decimal("0.5"))
    run(BudgetGuard().on_model(CALL, child), lambda _: ModelReply(Message("assistant", "hi"), Usage(7, 1)))
    [entry] = store.told
    assert entry is not None
    assert (entry.task, entry.agent, entry.value) == (child.id, "helper", 500_000_000)
    assert entry.tags == {"user": "u1", "step": "2"}
    assert (entry.within, entry.valued) == ({"t1": "support"}, "")


def test_a_sub_agents_work_is_work_for_the_nearest_task_that_is_worth_something(task: Task, store: Kept) -> None:
    helper = Task(Budget(agent="helper"), parent=task)
    helpers_helper = Task(Budget(agent="reader"), parent=helper)
    run(BudgetGuard().on_model(CALL, helpers_helper), lambda _: ModelReply(Message("assistant", "hi"), Usage(7, 1)))
    [entry] = store.told
    assert entry is not None
    assert (entry.task, entry.value, entry.valued) == (helpers_helper.id, 4_000_000_000, "t1")
    assert list(entry.within.items()) == [(helper.id, "helper"), ("t1", "support")]


def test_what_the_ledger_knows_already_when_a_call_ends_is_not_added_to_it_again() -> None:
    """Another call looks at the ledger between a settlement and its end."""

    class Overtaken(MemoryStore):
        overtaken = False

        def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
            super().settle(reservation, actual, entry)
            if not self.overtaken:
                self.overtaken = True
                run(BudgetGuard().on_model(CALL, task), lambda _: answer)

    store = Overtaken()
    answer = ModelReply(Message("assistant", "hi"), Usage(70, 10))
    task = Task(Budget(agent="a", limits=(Limit(tokens=100_000),)), store=store, task_id="t1")
    run(BudgetGuard().on_model(CALL, task), lambda _: answer)
    (use,) = task.receipt().limits
    assert use.spent == store.balances([("task:t1", "tokens")])[0].spent == 160


async def test_a_call_that_is_cancelled_while_the_ledger_is_told_is_on_the_receipt() -> None:
    class Slow(MemoryStore):
        async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
            await super().asettle(reservation, actual, entry)
            raise asyncio.CancelledError

    async def send(_: ModelCall) -> ModelReply:
        return ModelReply(Message("assistant", "hi"), Usage(70, 10))

    task = Task(Budget(agent="a", limits=(Limit(tokens=100_000),)), store=Slow(), task_id="t1")
    with pytest.raises(asyncio.CancelledError):
        await arun(BudgetGuard().on_model(CALL, task), send)
    receipt = task.receipt()
    assert (receipt.model_calls, receipt.usage.total, receipt.limits[0].spent) == (1, 80, 80)

"""Garbage collection may settle an abandoned stream in the midst of anything, on the very thread that holds a lock.

With locks that cannot be taken twice by one thread, each of these would wait for itself for ever.
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from patience import PATIENCE

from leanloop import Budget, Limit, LoopDetected, MemoryStore, Message, ModelCall, ModelReply, Task, Usage
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Line
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.flow import UNDER_WAY
from leanloop.plugins.stack import Stack

CALL = ModelCall("gpt-4o-mini", (Message("user", "hi"),))


class Letters:
    """Each piece knows what was billed so far, so that settling early counts what had arrived."""

    def join(self, chunks: Sequence[str]) -> ModelReply:
        return ModelReply(Message("assistant", "".join(chunks)), Usage(10, 5))

    def split(self, reply: ModelReply) -> Iterable[str]:
        return reply.message.text


def letters(call: ModelCall) -> Generator[str, None, None]:
    yield from "abc"


def abandon(task: Task) -> None:
    """A stream nobody reads on, which only the collector finds."""
    chunks = stream(Stack().model_flow(CALL, task), letters, Letters())
    next(chunks)
    ring: list[object] = [chunks]
    ring.append(ring)


@pytest.fixture
def task() -> Iterator[Task]:
    """A task with a stream that was abandoned and not yet collected."""
    task = Task(Budget(agent="a", limits=(Limit(tokens=100_000),)), store=MemoryStore())
    enabled = gc.isenabled()
    gc.disable()
    try:
        abandon(task)
        assert task.receipt().model_calls == 0, "it is still open"
        yield task
    finally:
        if enabled:
            gc.enable()


def ends(step: Callable[[], object]) -> None:
    """Fails, instead of hanging, where `step` waits for itself."""
    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it waits for a lock it holds"


def test_a_stream_found_in_a_ring_is_settled_though_the_collector_may_close_its_flow_first(task: Task) -> None:
    gc.collect()
    assert task.receipt().usage == Usage(10, 5)
    assert task.store.balances([(f"task:{task.id}", "tokens")]) == [Balance(15)]
    assert not UNDER_WAY


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited", "ignore::ResourceWarning")
def test_so_is_an_awaited_stream_and_an_awaited_call(task: Task) -> None:
    async def aletters(call: ModelCall) -> AsyncGenerator[str, None]:
        for letter in "abc":
            yield letter

    async def begins_and_is_left() -> None:
        chunks = astream(Stack().model_flow(CALL, task), aletters, Letters())
        await anext(chunks)
        ring: list[object] = [chunks]
        ring.append(ring)
        del chunks, ring
        gc.collect()
        for _ in range(20):  # the loop closes what was dropped in a task of its own
            await asyncio.sleep(0)

    asyncio.run(begins_and_is_left())
    assert task.receipt().model_calls == 2

    async def never_answers(call: ModelCall) -> ModelReply:
        await asyncio.Event().wait()
        raise AssertionError

    loop = asyncio.new_event_loop()
    begun = loop.create_task(arun(Stack().model_flow(CALL, task), never_answers))
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    del begun, loop
    gc.collect()
    assert task.receipt().model_calls == 3
    assert task.store.balances([(f"task:{task.id}", "tokens")])[0].reserved == 0
    assert not UNDER_WAY


def test_a_call_whose_event_loop_is_gone_is_settled_in_a_ledger_that_is_awaited_else(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    task = Task(Budget(agent="a", limits=(Limit(tokens=100_000),)), store=store)
    begun: list[object] = []

    async def never_answers(call: ModelCall) -> ModelReply:
        begun.append(call)
        asyncio.get_running_loop().stop()
        await asyncio.Event().wait()
        raise AssertionError

    loop = asyncio.new_event_loop()
    left = loop.create_task(arun(Stack().model_flow(CALL, task), never_answers))
    left.add_done_callback(lambda ended: ended.get_loop().stop())  # where it fails, instead
    loop.run_forever()
    loop.close()
    assert begun
    del left, loop
    gc.collect()
    assert task.receipt().model_calls == 1
    (balance,) = store.balances([(f"task:{task.id}", "tokens")])
    assert (balance.spent, balance.reserved) == (task.receipt().usage.total, 0)
    store.close()


def test_in_the_midst_of_a_tally(task: Task) -> None:
    def lines() -> Iterator[Line]:
        gc.collect()
        yield Line(f"task:{task.id}", "tokens", 100_000)

    ends(lambda: task.tally.limits_seen(lines(), [Balance(7)]))

    receipt = task.receipt()
    assert receipt.usage == Usage(10, 5)
    assert task.store.balances([(f"task:{task.id}", "tokens")])[0].spent == 15


def test_a_call_that_is_added_in_the_midst_of_adding_another_is_not_lost(task: Task) -> None:
    class Collects(Usage):
        def __radd__(self, other: Usage) -> Usage:
            gc.collect()
            return Usage(other.input + self.input, other.output + self.output)

    ends(lambda: task.tally.model_call(CALL.model, Collects(100, 50), 0, "v"))

    receipt = task.receipt()
    assert (receipt.model_calls, receipt.usage) == (2, Usage(110, 55))


def test_in_the_midst_of_what_a_task_guards(task: Task) -> None:
    class Collects(LoopDetected):
        def __bool__(self) -> bool:
            gc.collect()
            return True

    reason = Collects("round and round")
    task.stop(reason)
    assert task.hold.name is not None

    ends(lambda: task.stop(LoopDetected("later")))

    assert task.stopped is reason
    assert task.hold.name is None, "the stream that was settled gave it back"
    assert task.receipt().model_calls == 1


def test_in_the_midst_of_counting_a_text(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = counter_for(CALL.model)._texts

    class Collects(dict[str, int]):
        def __setitem__(self, key: str, value: int) -> None:
            gc.collect()
            super().__setitem__(key, value)

    monkeypatch.setattr(texts, "_young", Collects())

    ends(lambda: texts.count("a text that was never counted before"))

    assert task.receipt().model_calls == 1

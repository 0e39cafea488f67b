"""However a call ends, what was set aside for it is settled or released (the ledger fixture looks too)."""

# mypy: disable-error-code="no-any-return"
# "return (yield call)" is what a plugin's author writes; what a yield gives depends on what was yielded.

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from decimal import Decimal

import pytest

import leanloop
from leanloop import (
    Budget,
    BudgetExceeded,
    Limit,
    MemoryStore,
    Message,
    ModelCall,
    ModelFlow,
    ModelReply,
    Plugin,
    PriceUnknown,
    StoreError,
    Task,
    ToolCall,
    ToolRequest,
    ToolResult,
    ToolSpec,
    Usage,
    UsageError,
)
from leanloop.budgets.store import Balance, Demand, Grant, Refusal
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import Paused
from leanloop.plugins.stack import Stack

Send = Callable[[ModelCall], ModelReply]
Drive = Callable[[ModelFlow, Send], ModelReply]
Reserved = Callable[[], Mapping[tuple[str, str], int]]

BUDGET = Budget(agent="a", limits=(Limit(usd=Decimal(1), tokens=100_000, cycles=9), Limit(per="day", usd=Decimal(5))))
CALL = ModelCall("gpt-4o-mini", (Message("user", "hi"),), tools=(ToolSpec("search"),))
STACK = Stack()


class Overloaded(Exception):
    """A refusal of the provider, which bills nothing."""

    status_code = 529


def answer(call: ModelCall) -> ModelReply:
    return ModelReply(Message("assistant", "done"), Usage(10, 5))


def asks_for_a_tool(call: ModelCall) -> ModelReply:
    return ModelReply(Message("assistant", "", (ToolRequest("1", "search", "{}"),)), Usage(10, 5))


def fails(error: BaseException) -> Send:
    def send(call: ModelCall) -> ModelReply:
        raise error

    return send


def usd(task: Task) -> int:
    return task.store.balances([(f"task:{task.id}", "usd")])[0].spent


def test_after_an_answer_nothing_is_set_aside(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        drive(STACK.model_flow(CALL, task), answer)
        assert not reserved()
        assert usd(task) == task.receipt().cost == 10 * 150 + 5 * 600


def test_between_two_steps_only_the_landing_is_set_aside(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        drive(STACK.model_flow(CALL, task), asks_for_a_tool)
        held = reserved()
        assert task.hold.name is not None
        assert held[f"task:{task.id}", "usd"] == 2_000 * 600
        assert held[f"task:{task.id}", "cycles"] == 1
        drive(STACK.model_flow(CALL, task), asks_for_a_tool)
        assert reserved() == held, "set aside once"
    assert not reserved()


def test_a_structured_answer_ends_the_task_too(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    call = ModelCall(CALL.model, CALL.messages, tools=(ToolSpec("search"),), answer_tools=frozenset({"search"}))
    with leanloop.task(BUDGET, store=ledger) as task:
        drive(STACK.model_flow(call, task), asks_for_a_tool)
        assert not reserved()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError, TimeoutError])
def test_a_failure_that_may_have_been_billed_is_settled_at_its_worst(
    drive: Drive, ledger: MemoryStore, reserved: Reserved, error: type[BaseException]
) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        with pytest.raises(error):
            drive(STACK.model_flow(CALL, task), fails(error()))
        assert not reserved()
        (use,) = task.receipt().models
        assert use.usage.estimated
        assert use.usage.output == 8_192
        assert usd(task) == use.cost == use.usage.input * 150 + 8_192 * 600


def test_a_failure_known_to_be_unbilled_costs_nothing(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        with pytest.raises(Overloaded):
            drive(STACK.model_flow(CALL, task), fails(Overloaded()))
        assert not reserved()
        assert usd(task) == 0
        assert task.receipt().model_calls == 0


class Retry(Plugin):
    """Makes a failed call again, once."""

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        try:
            return (yield call)
        except ValueError:
            return (yield call)


def test_each_attempt_of_a_retry_is_settled_by_itself(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    errors = [ValueError()]

    def send(call: ModelCall) -> ModelReply:
        if errors:
            raise errors.pop()
        return answer(call)

    with leanloop.task(BUDGET, store=ledger) as task:
        drive(Stack([Retry()]).model_flow(CALL, task), send)
        receipt = task.receipt()
        assert not reserved()
        assert receipt.model_calls == 2
        assert receipt.usage.output == 8_192 + 5
        assert ledger.balances([(f"task:{task.id}", "cycles")])[0].spent == receipt.cycles == 1


class Known(Plugin):
    """Answers the second call by itself."""

    seen = False

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        if self.seen:
            return answer(call)
        self.seen = True
        return (yield call)


def test_a_task_that_ends_with_a_hit_keeps_nothing_back(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    stack = Stack([Known()])
    with leanloop.task(BUDGET, store=ledger) as task:
        drive(stack.model_flow(CALL, task), asks_for_a_tool)
        drive(stack.model_flow(CALL, task), fails(AssertionError("the model was called")))
        assert not reserved()
        assert task.receipt().model_calls == 1


@pytest.mark.parametrize("before", [True, False])
def test_a_task_that_a_plugin_breaks_keeps_nothing_back(
    drive: Drive, ledger: MemoryStore, reserved: Reserved, before: bool
) -> None:
    class Breaks(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            if before and task.cycles.begun == 2:
                raise ZeroDivisionError
            reply: ModelReply = yield call
            if task.cycles.begun == 2:
                raise ZeroDivisionError
            return reply

    stack = Stack([Breaks()])
    with leanloop.task(BUDGET, store=ledger) as task:
        drive(stack.model_flow(CALL, task), asks_for_a_tool)
        assert reserved()
        with pytest.raises(ZeroDivisionError):
            drive(stack.model_flow(CALL, task), asks_for_a_tool)
        assert not reserved()


def test_a_task_whose_next_model_has_no_price_keeps_nothing_back(
    drive: Drive, ledger: MemoryStore, reserved: Reserved
) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        drive(STACK.model_flow(CALL, task), asks_for_a_tool)
        with pytest.raises(PriceUnknown):
            drive(STACK.model_flow(ModelCall("nobody-knows-me", CALL.messages), task), answer)
        assert not reserved()


def test_a_missing_tag_is_an_error_before_anything_is_set_aside(
    drive: Drive, ledger: MemoryStore, reserved: Reserved
) -> None:
    budget = BUDGET.with_limits(Limit(per="day", scope="user", usd=Decimal(1)))
    with leanloop.task(budget, store=ledger) as task:
        with pytest.raises(UsageError, match="needs the tag 'user'"):
            drive(STACK.model_flow(CALL, task), answer)
        assert not reserved()


def test_a_second_call_after_chunks_were_shown_ends_clean(ledger: MemoryStore, reserved: Reserved) -> None:
    class Twice(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            yield call
            return (yield call)

    with leanloop.task(BUDGET, store=ledger) as task:
        with pytest.raises(UsageError, match="second call"):
            list(stream(Stack([Twice()]).model_flow(CALL, task), words, Words()))
        assert not reserved()


# Streams that end early.


class Words:
    """A chunk is a word; the fifth knows what was billed."""

    def join(self, chunks: Sequence[str]) -> ModelReply:
        return ModelReply(Message("assistant", " ".join(chunks)), Usage(10, 5) if len(chunks) == 5 else None)

    def split(self, reply: ModelReply) -> Iterable[str]:
        return reply.message.text.split()


def words(call: ModelCall) -> Generator[str, None, None]:
    yield from ("one", "two", "three", "four", "five")


async def awords(call: ModelCall) -> AsyncGenerator[str, None]:
    for word in words(call):
        await asyncio.sleep(0)
        yield word


@pytest.mark.parametrize(("taken", "output"), [(2, 8_192), (5, 5)])
def test_a_stream_closed_early_is_settled_by_what_is_known(
    ledger: MemoryStore, reserved: Reserved, taken: int, output: int
) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        chunks = stream(Stack([Retry()]).model_flow(CALL, task), words, Words())
        assert [next(chunks) for _ in range(taken)][-1] == ("two" if taken == 2 else "five")
        assert reserved()
        chunks.close()
        assert not reserved()
        assert task.receipt().usage.output == output


@pytest.mark.parametrize(("taken", "output"), [(2, 8_192), (5, 5)])
async def test_a_stream_closed_early_is_settled_by_what_is_known_async(
    ledger: MemoryStore, reserved: Reserved, taken: int, output: int
) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        chunks = astream(Stack([Retry()]).model_flow(CALL, task), awords, Words())
        for _ in range(taken):
            await anext(chunks)
        await chunks.aclose()
        assert not reserved()
        assert task.receipt().usage.output == output


@pytest.mark.parametrize(("output", "taken"), [(0, 1), (1, 4)])
def test_the_usage_a_stream_begins_with_is_not_taken_for_the_whole(
    ledger: MemoryStore, output: int, taken: int
) -> None:
    class UsageFirst(Words):
        """Some providers report the input with the first chunk, and no output yet, or one token of it."""

        def join(self, chunks: Sequence[str]) -> ModelReply:
            return ModelReply(Message("assistant", " ".join(chunks)), Usage(10, output))

    with leanloop.task(BUDGET, store=ledger) as task:
        chunks = stream(STACK.model_flow(CALL, task), words, UsageFirst())
        for _ in range(taken):
            next(chunks)
        chunks.close()
        assert task.receipt().usage.output == 8_192


def test_a_stream_nobody_reads_to_its_end_is_settled_when_it_is_collected(
    ledger: MemoryStore, reserved: Reserved
) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        for _ in stream(STACK.model_flow(CALL, task), words, Words()):
            break
        gc.collect()
        assert not reserved()
        assert task.receipt().model_calls == 1


async def test_a_stream_nobody_reads_to_its_end_is_settled_when_it_is_collected_async(
    ledger: MemoryStore, reserved: Reserved
) -> None:
    with leanloop.task(BUDGET, store=ledger) as task:
        async for _ in astream(STACK.model_flow(CALL, task), awords, Words()):
            break
        gc.collect()
        for _ in range(20):  # the loop closes a dropped generator in a task of its own
            await asyncio.sleep(0)
        assert not reserved()
        assert task.receipt().model_calls == 1


async def test_a_cancelled_stream_is_settled(ledger: MemoryStore, reserved: Reserved) -> None:
    stuck = asyncio.Event()

    async def sticks(call: ModelCall) -> AsyncGenerator[str, None]:
        yield "one"
        stuck.set()
        await asyncio.Event().wait()

    with leanloop.task(BUDGET, store=ledger) as task:

        async def consume() -> list[str]:
            return [chunk async for chunk in astream(STACK.model_flow(CALL, task), sticks, Words())]

        consumer = asyncio.create_task(consume())
        await stuck.wait()
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        assert not reserved()
        assert task.receipt().usage.output == 8_192


async def test_tasks_cancelled_at_random_leave_nothing_set_aside(ledger: MemoryStore, reserved: Reserved) -> None:
    """Forty agents at once under limits that some of them meet; every third is cancelled somewhere."""
    budget = BUDGET.with_limits(Limit(per="day", usd=Decimal("0.05")))

    async def agent(number: int) -> ModelReply:
        async def send(call: ModelCall) -> ModelReply:
            for _ in range(number % 4):
                await asyncio.sleep(0)
            return asks_for_a_tool(call) if not call.forbid_tools else answer(call)

        with leanloop.task(budget, store=ledger) as task:
            for _ in range(4):
                await arun(STACK.model_flow(CALL, task), send)
            return await arun(STACK.model_flow(CALL, task), send)

    agents = [asyncio.create_task(agent(number)) for number in range(40)]
    for number in range(0, 40, 3):
        for _ in range(number % 7):
            await asyncio.sleep(0)
        agents[number].cancel()
    outcomes = await asyncio.gather(*agents, return_exceptions=True)
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {ModelReply, asyncio.CancelledError}
    assert not reserved()


async def test_what_is_set_aside_after_it_was_given_back_is_given_back_again() -> None:
    gate = asyncio.Event()

    class Slow(MemoryStore):
        async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
            await gate.wait()
            return await super().areserve(reservation, demand, replaces=replaces)

    async def send(call: ModelCall) -> ModelReply:
        return asks_for_a_tool(call)

    task = Task(BUDGET, store=Slow())
    first = asyncio.create_task(arun(STACK.model_flow(CALL, task), send))
    second = asyncio.create_task(arun(STACK.model_flow(CALL, task), send))
    while task.hold.name is None:  # noqa: ASYNC110 until the first call waits for the ledger
        await asyncio.sleep(0)
    task.close()
    gate.set()
    await asyncio.gather(first, second)
    assert task.store.balances([(f"task:{task.id}", "tokens")])[0].reserved == 0


# Tools.

TOOLS = Budget(agent="a", limits=(Limit(tool_calls={"search": 3, "total": 5}), Limit(cycles=5)))
SEARCH = ToolCall("1", "search", "{}")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError])
def test_a_tool_that_fails_was_called(ledger: MemoryStore, reserved: Reserved, error: type[BaseException]) -> None:
    def send(call: ToolCall) -> ToolResult:
        raise error

    with leanloop.task(TOOLS, store=ledger) as task:
        with pytest.raises(error):
            run(STACK.tool_flow(SEARCH, task), send)
        assert not reserved()
        assert task.receipt().tool_calls == {"search": 1}


async def test_a_tool_that_is_cancelled_was_called(ledger: MemoryStore, reserved: Reserved) -> None:
    async def send(call: ToolCall) -> ToolResult:
        await asyncio.Event().wait()
        return ToolResult("never")

    with leanloop.task(TOOLS, store=ledger) as task:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await arun(STACK.tool_flow(SEARCH, task), send)
        assert not reserved()
        assert task.receipt().tool_calls == {"search": 1}


def test_a_tool_that_waits_for_a_person_was_not_called_and_keeps_nothing_back(
    ledger: MemoryStore, reserved: Reserved
) -> None:
    def send(call: ToolCall) -> ToolResult:
        raise Paused(KeyError("which one?"))

    with leanloop.task(TOOLS, store=ledger) as task:
        run(STACK.model_flow(CALL, task), asks_for_a_tool)
        assert reserved()
        with pytest.raises(Paused):
            run(STACK.tool_flow(SEARCH, task), send)
        assert not reserved()
        assert task.receipt().tool_calls == {}


# A store that fails.


class Unreliable(MemoryStore):
    """Fails at the steps named, before or after it has done them."""

    def __init__(self, *fails: str) -> None:
        super().__init__()
        self.fails = list(fails)

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        answer = super().reserve(reservation, demand, replaces=replaces)
        if self.fails and self.fails.pop(0) == "reserve":
            raise StoreError("the answer was lost")
        return answer


class Interrupted(MemoryStore):
    """Somebody presses Ctrl-C, or cancels, after the step that is named was done and before its answer came."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        answer = super().reserve(reservation, demand, replaces=replaces)
        self.at -= 1
        if self.at == 0:
            raise KeyboardInterrupt
        return answer


@pytest.mark.parametrize("at", [1, 2], ids=["the landing", "the call"])
def test_a_reservation_that_is_interrupted_is_given_back(drive: Drive, at: int) -> None:
    store = Interrupted(at)
    with leanloop.task(BUDGET, store=store) as task:
        with pytest.raises(KeyboardInterrupt):
            drive(STACK.model_flow(CALL, task), answer)
        assert store.balances([(f"task:{task.id}", "usd")]) == [Balance()]


@pytest.mark.parametrize("fails", [["reserve"], ["", "reserve"]], ids=["the landing", "the call"])
def test_a_reservation_whose_answer_was_lost_is_given_back(drive: Drive, fails: list[str]) -> None:
    store = Unreliable(*fails)
    with leanloop.task(BUDGET, store=store) as task:
        key = (f"task:{task.id}", "usd")
        with pytest.raises(StoreError):
            drive(STACK.model_flow(CALL, task), answer)
        assert store.balances([key])[0].reserved == 0
        drive(STACK.model_flow(CALL, task), answer)
        assert store.balances([(f"task:{task.id}", "cycles")])[0].spent == 2, "a cycle whose call was not made is owed"
        assert store.balances([key])[0].reserved == 0


def test_a_refused_call_sets_nothing_aside(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    budget = Budget(agent="a", limits=(Limit(tokens=10),), at_limit="raise")
    with leanloop.task(budget, store=ledger) as task:
        with pytest.raises(BudgetExceeded):
            drive(STACK.model_flow(CALL, task), answer)
        assert not reserved()

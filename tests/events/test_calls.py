"""What is told of calls that end otherwise than with an answer: broken off, failed, never settled, or embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from heard import Heard
from routed import HttpError

from leanloop import Budget, Limit, MemoryStore, Message, ModelCall, ModelReply, Task, Usage
from leanloop.budgets.history import Entry
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import EmbedCall
from leanloop.plugins.drive_stream import stream
from leanloop.plugins.drive_sync import run
from leanloop.plugins.embed import embed
from leanloop.plugins.events.event import Reserved, Settled
from leanloop.plugins.events.sink import Sinks
from leanloop.plugins.events.task_events import TaskEvents
from leanloop.plugins.flow import Io
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

CALL = ModelCall("gpt-4o-mini", (Message("user", "go"),))
TEXT = EmbedCall("text-embedding-3-small", ("a secret text",), "openai")
ANSWER = ModelReply(Message("assistant", "the answer"), Usage(10, 5))


class Waiting(MemoryStore):
    """Settling takes it a while."""

    async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        await asyncio.sleep(0)
        self.settle(reservation, actual, entry)


class Chunks:
    def join(self, chunks: Sequence[str]) -> ModelReply:
        return ModelReply(Message("assistant", "".join(chunks)))

    def split(self, reply: ModelReply) -> Iterable[str]:
        return [reply.message.text]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def task(heard: Heard) -> Iterator[Task]:
    made = Task(Budget(agent="a"), store=MemoryStore())
    made.events.watch(Sinks([heard]))
    yield made
    made.close()


def settled(heard: Heard) -> list[Settled]:
    calls = [event for event in heard if isinstance(event, Settled)]
    assert [event.call for event in heard if isinstance(event, Reserved)] == [one.call for one in calls]
    return calls


def test_a_stream_that_nobody_reads_to_its_end_is_settled_at_once(heard: Heard) -> None:
    stack = Stack(supplied=Supplied(on_event=[heard]))
    task = Task(Budget(agent="a"), store=MemoryStore())

    def send(call: ModelCall) -> Generator[str, None, None]:
        yield "the "
        yield "answer"

    chunks = stream(stack.model_flow(CALL, task), send, Chunks())
    assert next(chunks) == "the "
    chunks.close()
    task.close()

    (call,) = settled(heard)
    assert (call.error, call.cost) == ("StreamClosed", task.receipt().cost)
    assert [event.kind for event in heard].count("task_ended") == 1


def test_a_call_known_to_be_unbilled_costs_nothing_and_the_next_is_a_retry(heard: Heard, task: Task) -> None:
    replies: list[object] = [HttpError(429), ANSWER]

    def send(call: ModelCall) -> ModelReply:
        reply = replies.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        assert isinstance(reply, ModelReply)
        return reply

    with pytest.raises(HttpError):
        run(BudgetGuard().on_model(CALL, task), send)
    run(BudgetGuard().on_model(CALL, task), send)

    told = [(one.phase, one.error, one.cost, one.usage.total) for one in settled(heard)]
    assert told == [("answer", "HttpError", 0, 0), ("retry", None, task.receipt().cost, 15)]


def test_a_call_of_which_nobody_knows_is_told_at_its_worst_case(heard: Heard, task: Task) -> None:
    def send(call: ModelCall) -> ModelReply:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        run(BudgetGuard().on_model(CALL, task), send)

    (call,) = settled(heard)
    assert call.usage.estimated
    assert call.cost == task.receipt().cost
    assert call.cost


@pytest.mark.parametrize("what", ["call", "embeddings"])
def test_what_is_cancelled_while_it_waits_for_the_ledger_was_billed_and_is_told(what: str, heard: Heard) -> None:
    task = Task(Budget(agent="a", limits=(Limit(usd=1),)), store=Waiting())
    task.events.watch(Sinks([heard]))
    flow: Generator[Any, Any, object] = BudgetGuard().on_model(CALL, task) if what == "call" else embed(TEXT, task)
    step = next(flow)
    while isinstance(step, Io):
        step = flow.send(step.run())
    assert isinstance(flow.send(ANSWER), Io)
    with pytest.raises(asyncio.CancelledError):
        flow.throw(asyncio.CancelledError())
    task.close()

    (call,) = settled(heard)
    assert call.cost
    assert call.cost == task.receipt().cost


def test_embeddings_are_told_of_with_their_cost_and_never_with_text(heard: Heard) -> None:
    task = Task(Budget(agent="a"), store=MemoryStore())
    task.events.watch(Sinks([heard], text=True))
    run(embed(TEXT, task), lambda call: [[1.0]])

    (call,) = settled(heard)
    assert (call.phase, call.cost, call.error) == ("embedding", task.receipt().cost, None)
    assert call.cost
    assert "secret" not in repr(list(heard))


@pytest.mark.parametrize(("error", "billed"), [(HttpError(429), False), (ConnectionResetError(), True)])
def test_embeddings_that_fail_are_told_of_once(error: Exception, billed: bool, heard: Heard, task: Task) -> None:
    def send(call: EmbedCall) -> object:
        raise error

    with pytest.raises(type(error)):
        run(embed(TEXT, task), send)

    (call,) = settled(heard)
    assert (call.error, call.cost) == (type(error).__name__, task.receipt().cost)
    assert bool(call.cost) is billed


def test_an_end_is_told_once_and_again_only_when_something_happened_after_it(heard: Heard, task: Task) -> None:
    task.events.tell_end()
    assert list(heard) == []
    for _ in range(2):
        run(BudgetGuard().on_model(CALL, task), lambda call: ANSWER)
        task.events.tell_end()
        task.close()

    assert [event.kind for event in heard] == ["task_began", *["reserved", "settled", "task_ended"] * 2]


def test_where_nobody_listens_no_event_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    task = Task(Budget(agent="a"), store=MemoryStore())
    monkeypatch.setattr(TaskEvents, "tell", refuse)
    monkeypatch.setattr(TaskEvents, "of", property(refuse))
    assert run(BudgetGuard().on_model(CALL, task), lambda call: ANSWER) is ANSWER
    task.close()


def test_the_budget_of_a_task_and_what_a_user_gave_are_both_told(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "leanloop.events")
    stack = Stack(supplied=Supplied(on_event=[heard]))
    task = Task(Budget.model_validate({"agent": "a", "events": {"log": True}}), store=MemoryStore())
    for _ in range(2):
        run(stack.model_flow(CALL, task), lambda call: ANSWER)

    assert len([one for one in caplog.records if one.name == "leanloop.events"]) == len(heard) == 7


def test_redact_alone_is_enough_for_the_file_of_a_budget(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "leanloop.events")
    stack = Stack(supplied=Supplied(redact=lambda text: "***"))
    task = Task(Budget.model_validate({"agent": "a", "events": {"log": True, "text": True}}), store=MemoryStore())
    run(stack.model_flow(CALL, task), lambda call: ANSWER)

    assert "answered=***" in caplog.text
    assert "the answer" not in caplog.text

"""The model is told what it has left, behind all that was sent before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import leanloop
from leanloop import Budget, MemoryStore, Message, ModelCall, ModelReply, Task, ToolRequest, Usage
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack

STACK = Stack()


def budget(**more: Any) -> Budget:
    return Budget.model_validate({"agent": "a", "limits": [{"output_tokens": 100_000}], "loop": False, **more})


def steps(task: Task, each: int, count: int) -> Iterator[tuple[Message, ...]]:
    """What is sent at each of `count` steps that take `each` output tokens, or as many as they may."""
    sent: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        sent.append(call)
        return ModelReply(
            Message("assistant", "", (ToolRequest("1", "search", "{}"),)), Usage(10, min(each, call.max_output or each))
        )

    history: tuple[Message, ...] = (Message("user", "go"),)
    for number in range(count):
        reply = run(STACK.model_flow(ModelCall("gpt-4o-mini", history), task), send)
        history = (*history, reply.message, Message("tool", f"found {number}", tool_call_id="1"))
        yield sent[-1].messages


def notes(messages: tuple[Message, ...]) -> list[str]:
    return [message.text for message in messages if message.text.startswith("[budget]")]


def test_the_model_is_told_at_seventy_and_at_ninety_percent(ledger: MemoryStore) -> None:
    with leanloop.task(budget(), store=ledger) as task:
        told = [notes(messages) for messages in steps(task, 8_000, 13)]
        assert [len(given) for given in told] == [0] * 9 + [1] * 3 + [2]
        left = [note.removeprefix("[budget] ").partition(" left for this task. ") for note in told[-1]]
        assert [(amount, advice) for amount, _, advice in left] == [
            ("28,000 output tokens of 100,000 output tokens", "Begin to bring the work to an end."),
            ("4,000 output tokens of 100,000 output tokens", "Answer now, or with the very next step."),
        ]


def test_what_was_sent_is_never_rewritten(ledger: MemoryStore) -> None:
    with leanloop.task(budget(), store=ledger) as task:
        before: tuple[Message, ...] = ()
        for messages in steps(task, 8_000, 13):
            assert messages[: len(before)] == before
            before = messages


def test_without_a_note_the_call_is_the_very_same(ledger: MemoryStore) -> None:
    seen: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        seen.append(call)
        return ModelReply(Message("assistant", "done"), Usage(1, 1))

    call = ModelCall("gpt-4o-mini", (Message("user", "go"),))
    with leanloop.task(budget(limits=[{"cycles": 9}]), store=ledger) as task:
        run(STACK.model_flow(call, task), send)
    assert seen[0] is call


def test_a_step_past_both_shares_is_told_the_later(ledger: MemoryStore) -> None:
    with leanloop.task(budget(notify=[0.1, 0.15, 0.9]), store=ledger) as task:
        *_, last = steps(task, 8_192, 3)
        assert len(notes(last)) == 1
        assert "Begin to bring" in notes(last)[0]


def test_shares_are_the_files(ledger: MemoryStore) -> None:
    with leanloop.task(budget(notify=[0.5]), store=ledger) as task:
        told = [len(notes(messages)) for messages in steps(task, 8_000, 9)]
        assert told == [0] * 7 + [1] * 2
    with leanloop.task(budget(notify=[]), store=ledger) as task:
        assert [notes(messages) for messages in steps(task, 8_000, 9)] == [[]] * 9


def test_the_limit_most_used_is_named(ledger: MemoryStore) -> None:
    limits = [{"output_tokens": 100_000, "model_calls": 100}, {"per": "day", "scope": "user", "usd": 0.05}]
    with leanloop.task(budget(limits=limits), store=ledger, tags={"user": "u1"}) as task:
        *_, last = steps(task, 8_000, 9)
        assert notes(last)[0].startswith("[budget] $0.")
        assert "left for user=u1 per day" in notes(last)[0]


def test_a_limit_on_one_tool_is_not_told(ledger: MemoryStore) -> None:
    with leanloop.task(budget(limits=[{"tool_calls": {"search": 1}, "model_calls": 100}]), store=ledger) as task:
        call = leanloop.ToolCall("1", "search", "{}")
        run(STACK.tool_flow(call, task), lambda call: leanloop.ToolResult("x"))
        assert [notes(messages) for messages in steps(task, 100, 3)] == [[]] * 3


def test_a_landing_gets_no_further_note_but_keeps_the_old_ones(ledger: MemoryStore) -> None:
    landings: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        if call.purpose == "landing":
            landings.append(call)
            return ModelReply(Message("assistant", "done"), Usage(10, 10))
        return ModelReply(Message("assistant", "", (ToolRequest("1", "search", "{}"),)), Usage(9, 1))

    call = ModelCall("gpt-4o-mini", (Message("user", "go"),))
    with leanloop.task(budget(limits=[{"cycles": 10}]), store=ledger) as task:
        for number in range(10):
            run(STACK.model_flow(call, task), send)
            call = replace(call, messages=(*call.messages, Message("assistant", f"step {number}")))
    (landing,) = landings
    assert len(notes(landing.messages)) == 2 + 1, "70 %, 90 %, and the landing's own request"


def test_what_the_parent_has_left_is_told_to_the_child(ledger: MemoryStore) -> None:
    with (
        leanloop.task(budget(), store=ledger),
        leanloop.task(budget(limits=[{"cycles": 100}]), store=ledger) as child,
    ):
        *_, last = steps(child, 8_000, 10)
        assert len(notes(last)) == 1

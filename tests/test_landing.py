"""A task that ran out ends with an answer, once."""

# mypy: disable-error-code="no-any-return"
# "return (yield call)" is what a plugin's author writes; what a yield gives depends on what was yielded.

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

import leanloop
from leanloop import (
    Budget,
    BudgetExceeded,
    Limit,
    LoopDetected,
    MemoryStore,
    Message,
    ModelCall,
    ModelFlow,
    ModelReply,
    Plugin,
    Task,
    ToolRequest,
    ToolSpec,
    Usage,
)
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack

Send = Callable[[ModelCall], ModelReply]
Drive = Callable[[ModelFlow, Send], ModelReply]
Reserved = Callable[[], Mapping[tuple[str, str], int]]

STACK = Stack()
SEARCH = ToolSpec("search")
ASK = ModelCall("gpt-4o-mini", (Message("user", "What is it?"),), tools=(SEARCH,))


def budget(*limits: Limit, **more: Any) -> Budget:
    return Budget.model_validate({"agent": "a", "limits": limits, "loop": False, **more})


class Model:
    """Asks for a tool at every step and answers when it may not; keeps what it was sent."""

    def __init__(self, landing: ModelReply | BaseException | None = None) -> None:
        self.sent: list[ModelCall] = []
        self.landing = landing or ModelReply(Message("assistant", "It is x, I think."), Usage(20, 5))

    def __call__(self, call: ModelCall) -> ModelReply:
        self.sent.append(call)
        if call.purpose == "landing":
            if isinstance(self.landing, BaseException):
                raise self.landing
            return self.landing
        return ModelReply(Message("assistant", "", (ToolRequest("1", "search", "{}"),)), Usage(100, 150))

    @property
    def landings(self) -> list[ModelCall]:
        return [call for call in self.sent if call.purpose == "landing"]


def grow(call: ModelCall, reply: ModelReply, text: str = "found") -> ModelCall:
    results = [Message("tool", text, tool_call_id=r.id, name=r.name) for r in reply.message.tool_calls]
    return replace(call, messages=(*call.messages, reply.message, *results))


def run_agent(task: Task, model: Send, drive: Drive = run, *, call: ModelCall = ASK, text: str = "found") -> ModelReply:
    """The loop of an agent."""
    for _ in range(50):
        reply = drive(STACK.model_flow(call, task), model)
        if all(request.name in call.answer_tools for request in reply.message.tool_calls):
            return reply
        call = grow(call, reply, text)
    raise AssertionError("the agent did not end")


LIMITS = [
    Limit(cycles=3),
    Limit(model_calls=3),
    Limit(tokens=5_000),
    Limit(usd=Decimal("0.003")),
    Limit(output_tokens=3_000),
    Limit(input_tokens=400),
    Limit(per="day", usd=Decimal("0.003")),
]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: next(iter(limit.amounts())) + " per " + limit.per)
def test_whatever_runs_out_the_model_is_asked_for_a_last_answer(
    drive: Drive, ledger: MemoryStore, reserved: Reserved, limit: Limit
) -> None:
    model = Model()
    with leanloop.task(budget(limit), store=ledger) as task:
        reply = run_agent(task, model, drive)
        assert reply.message.text == "It is x, I think."
        assert len(model.sent) > 1, "it had worked before"
        (landing,) = model.landings
        assert landing.forbid_tools
        assert landing.tools == ASK.tools, "kept, so that the cached prefix is"
        assert landing.hold_stream
        assert landing.messages[: len(model.sent[-2].messages)] == model.sent[-2].messages, "the prefix stays"
        request = landing.messages[-1]
        assert request.role == "user"
        assert task.stopped is not None
        assert task.stopped.reason in request.text
        assert "in words" in request.text
        assert not reserved()
        receipt = task.receipt()
        assert receipt.landed
        assert receipt.stopped == task.stopped.reason
        assert receipt.model_calls == len(model.sent)


def test_the_last_of_three_cycles_is_the_landing(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(budget(Limit(cycles=3)), store=ledger) as task:
        run_agent(task, model)
        assert [call.purpose for call in model.sent] == ["step", "step", "landing"]
        assert ledger.balances([(f"task:{task.id}", "cycles")])[0].spent == 3


def test_a_task_that_ran_out_of_time_lands(ledger: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("leanloop.plugins.stopwatch.time.monotonic", lambda: now[0])

    class Slow(Model):
        def __call__(self, call: ModelCall) -> ModelReply:
            now[0] += 4
            return super().__call__(call)

    model = Slow()
    with leanloop.task(budget(Limit(seconds=Decimal(10))), store=ledger) as task:
        assert run_agent(task, model).message.text == "It is x, I think."
        assert [call.purpose for call in model.sent] == ["step"] * 3 + ["landing"]


def test_there_is_one_landing(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        run_agent(task, model)
        again = run(STACK.model_flow(ASK, task), model)
        assert len(model.landings) == 1
        assert again.message.text.startswith("This task stopped before it was finished. The limit of 2 cycles")
        assert not again.message.tool_calls


async def test_of_calls_in_parallel_one_lands(ledger: MemoryStore) -> None:
    model = Model()

    async def send(call: ModelCall) -> ModelReply:
        await asyncio.sleep(0)
        return model(call)

    with leanloop.task(budget(Limit(model_calls=3)), store=ledger) as task:
        replies = await asyncio.gather(*(arun(STACK.model_flow(ASK, task), send) for _ in range(8)))
        assert len(model.landings) == 1
        assert len(model.sent) == 3
        assert sum(reply.message.text.startswith("This task stopped") for reply in replies) == 5


def test_with_raise_there_is_none(ledger: MemoryStore, reserved: Reserved) -> None:
    model = Model()
    with leanloop.task(budget(Limit(cycles=2), at_limit="raise"), store=ledger) as task:
        with pytest.raises(BudgetExceeded, match="The limit of 2 cycles"):
            run_agent(task, model)
        assert [call.purpose for call in model.sent] == ["step", "step"], "nothing was kept back"
        assert not task.landed


def test_tools_are_forbidden_but_those_that_carry_the_answer(ledger: MemoryStore) -> None:
    answer = ToolRequest("9", "Answer", '{"value": "x"}')
    model = Model(ModelReply(Message("assistant", "", (answer, ToolRequest("8", "search", "{}"))), Usage(20, 5)))
    call = replace(ASK, tools=(SEARCH, ToolSpec("Answer")), answer_tools=frozenset({"Answer"}))
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        reply = run_agent(task, model, call=call)
        assert reply.message.tool_calls == (answer,)
        assert reply.usage == Usage(20, 5)
        (landing,) = model.landings
        assert landing.answer_tools == {"Answer"}
        assert "in the required format" in landing.messages[-1].text


def test_an_answer_of_answer_tools_only_is_passed_on_as_it_is(ledger: MemoryStore) -> None:
    said = ModelReply(Message("assistant", "", (ToolRequest("9", "Answer", "{}"),)), Usage(20, 5), raw=object())
    call = replace(ASK, answer_tools=frozenset({"Answer"}))
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        assert run_agent(task, Model(said), call=call) is said


@pytest.mark.parametrize(("text", "begins"), [("Half an answer.", "Half an answer."), (" ", "This task stopped")])
def test_a_model_that_calls_a_tool_all_the_same_is_not_let(ledger: MemoryStore, text: str, begins: str) -> None:
    model = Model(ModelReply(Message("assistant", text, (ToolRequest("9", "search", "{}"),)), Usage(20, 5)))
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        reply = run_agent(task, model)
        assert not reply.message.tool_calls
        assert reply.message.text.startswith(begins)


def test_an_empty_answer_is_replaced_by_what_is_known(ledger: MemoryStore) -> None:
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        reply = run_agent(task, Model(ModelReply(Message("assistant", ""), Usage(20, 0))))
        assert reply.message.text.endswith("Result of search:\nfound")


def test_every_tool_call_of_the_history_is_answered(ledger: MemoryStore) -> None:
    requests = (ToolRequest("1", "search", "{}"), ToolRequest("2", "read", "{}"))
    history = (*ASK.messages, Message("assistant", "", requests), Message("tool", "x", tool_call_id="1"))
    model = Model()
    with leanloop.task(budget(Limit(model_calls=1)), store=ledger) as task:
        run(STACK.model_flow(replace(ASK, messages=history), task), model)
        (landing,) = model.landings
        assert {m.tool_call_id for m in landing.messages if m.role == "tool"} == {"1", "2"}


def test_a_history_too_long_for_what_is_left_is_shortened(ledger: MemoryStore, reserved: Reserved) -> None:
    model = Model()
    with leanloop.task(budget(Limit(tokens=6_000)), store=ledger) as task:
        reply = run_agent(task, model, text="fact " * 8_000)
        assert reply.message.text == "It is x, I think."
        (landing,) = model.landings
        assert any("characters left out" in message.text for message in landing.messages)
        assert landing.messages[0] == ASK.messages[0]
        assert not reserved()


def test_where_nothing_fits_the_answer_is_put_together_without_a_model(
    drive: Drive, ledger: MemoryStore, reserved: Reserved
) -> None:
    model = Model()
    with leanloop.task(budget(Limit(tokens=300)), store=ledger) as task:
        call = replace(ASK, messages=(Message("user", "word " * 2_000),))
        reply = drive(STACK.model_flow(call, task), model)
        assert not model.sent
        assert reply.message.text.startswith("This task stopped before it was finished. The limit of 300 tokens")
        assert reply.usage == Usage()
        assert task.receipt().model_calls == 0
        assert not reserved()


def test_a_budget_of_zero_lands_without_a_model(drive: Drive, ledger: MemoryStore) -> None:
    for limit in (Limit(usd=Decimal(0)), Limit(cycles=0), Limit(tokens=0), Limit(model_calls=0)):
        with leanloop.task(budget(limit), store=ledger) as task:
            model = Model()
            reply = drive(STACK.model_flow(ASK, task), model)
            assert not model.sent
            assert reply.message.text.startswith("This task stopped")


@pytest.mark.parametrize("error", [ValueError("bad request"), TimeoutError()])
def test_where_the_model_fails_the_answer_is_put_together_without_it(
    drive: Drive, ledger: MemoryStore, reserved: Reserved, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    model = Model(error)
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        reply = run_agent(task, model, drive)
        assert reply.message.text.startswith("This task stopped before it was finished.")
        assert len(model.landings) == 1
        assert type(error).__name__ in caplog.text
        assert "bad request" not in caplog.text, "what a provider says may hold secrets"
        assert not reserved()


def test_an_interruption_of_the_landing_goes_through(drive: Drive, ledger: MemoryStore, reserved: Reserved) -> None:
    with leanloop.task(budget(Limit(cycles=2)), store=ledger) as task:
        with pytest.raises(KeyboardInterrupt):
            run_agent(task, Model(KeyboardInterrupt()), drive)
        assert not reserved()


def test_an_answer_without_a_model_holds_what_was_said_and_found(ledger: MemoryStore) -> None:
    steps: list[Message] = []
    for number in range(5):
        steps.append(Message("assistant", f"thought {number}", (ToolRequest(str(number), "read", "{}"),)))
        steps.append(Message("tool", f"fact {number} " + "x" * 2_000, tool_call_id=str(number), name="read"))
    steps += [Message("tool", " ", tool_call_id="9"), Message("tool", "nameless", tool_call_id="8")]
    with leanloop.task(budget(Limit(cycles=0)), store=ledger) as task:
        text = run(STACK.model_flow(replace(ASK, messages=(*ASK.messages, *steps)), task), Model()).message.text
    assert "Last said:\nthought 4" in text
    assert "fact 2" not in text
    assert "Result of read:\nfact 3 xxx" in text
    assert "[... 1,007 characters more]" in text
    assert text.endswith("Result of a tool:\nnameless")


def test_landing_tokens_of_zero_end_without_asking(ledger: MemoryStore, reserved: Reserved) -> None:
    model = Model()
    with leanloop.task(budget(Limit(cycles=2), landing={"tokens": 0}), store=ledger) as task:
        reply = run_agent(task, model)
        assert [call.purpose for call in model.sent] == ["step", "step"], "and nothing is kept back for it"
        assert reply.message.text.startswith("This task stopped")
        assert not reserved()


def test_the_landings_answer_is_as_long_as_the_file_says(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(budget(Limit(tokens=50_000, cycles=2), landing={"tokens": 700}), store=ledger) as task:
        run_agent(task, model)
        assert model.landings[0].max_output == 700


def test_a_thinking_budget_comes_on_top(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(budget(Limit(tokens=50_000, cycles=2), landing={"tokens": 700}), store=ledger) as task:
        run_agent(task, model, call=replace(ASK, min_output=1_025))
        assert model.landings[0].max_output == 1_725


def test_the_users_plugins_see_a_landing_and_what_stops_there_ends_it(ledger: MemoryStore) -> None:
    class Refuses(Plugin):
        def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
            if call.purpose == "landing":
                raise LoopDetected("Not even now.")
            return (yield call)

    model = Model()
    with leanloop.task(budget(Limit(cycles=1)), store=ledger) as task:
        reply = run(Stack([Refuses()]).model_flow(ASK, task), model)
        assert reply.message.text.startswith("This task stopped before it was finished. The limit of 1 cycle")


def test_a_child_lands_by_itself_and_the_parent_goes_on(ledger: MemoryStore) -> None:
    model = Model()
    with leanloop.task(budget(Limit(cycles=5)), store=ledger) as parent:
        run(STACK.model_flow(ASK, parent), model)
        with leanloop.task(budget(Limit(cycles=2)), store=ledger) as child:
            run_agent(child, model)
            assert child.landed
        assert not parent.landed
        assert parent.stopped is None
        run(STACK.model_flow(ASK, parent), model)
        assert model.sent[-1].purpose == "step"


def test_a_child_lands_when_the_parent_has_run_out(ledger: MemoryStore) -> None:
    model = Model()
    with (
        leanloop.task(budget(Limit(model_calls=4)), store=ledger) as parent,
        leanloop.task(budget(Limit(cycles=9)), store=ledger) as child,
    ):
        reply = run_agent(child, model)
        assert child.landed
        assert parent.stopped is not None
        assert parent.stopped.reason in str(child.receipt().stopped)
        assert reply.message.text
        assert parent.receipt().model_calls == len(model.sent) <= 4

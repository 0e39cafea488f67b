"""Old results are no longer sent where that pays; what is sent stays a valid history, and a stable one."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.budget import Budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Changed, Image, Message, ToolRequest, ToolSpec
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import LoopDetected, ModelUnavailable, StoreError
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.context_editing import ContextEditing
from leanloop.plugins.drive_sync import run
from leanloop.plugins.read_result import READ_DESCRIPTION, READ_RESULT, ReadArguments
from leanloop.plugins.results.memory import MemoryResults
from leanloop.plugins.stack import Stack
from leanloop.plugins.task import Task

MODEL = "claude-sonnet-4-5"
READ = ToolSpec(READ_RESULT, READ_DESCRIPTION, ReadArguments.model_json_schema())
HANDLE = re.compile(r'read_result\("(r[a-z2-7]{12})"\)')


def budget(**more: Any) -> Budget:
    given: dict[str, Any] = {"agent": "a", "limits": (), "loop": False, "context": {"keep": 2}}
    return Budget.model_validate(given | more)


def text(number: int, words: int = 300) -> str:
    return f"result {number}: " + " ".join(f"w{number}x{word}" for word in range(words))


class Agent:
    """Calls a tool at every step, and keeps what it was sent."""

    def __init__(self, task: Task, plugin: ContextEditing | None = None, *, readable: bool = True) -> None:
        self.task = task
        self.plugin = plugin or ContextEditing()
        self.readable = readable
        self.history: list[Message] = [Message("system", "Do it. " * 400), Message("user", "What is it?")]
        self.sent: list[tuple[Message, ...]] = []
        self.calls: list[ModelCall] = []
        self.usage: Callable[[ModelCall], Usage | None] = lambda _: None
        self.summary: Callable[[ModelCall], ModelReply] = lambda _: ModelReply(Message("assistant", "It said: 42."))

    def ask(self, *requests: ToolRequest, purpose: Any = "step") -> tuple[Message, ...]:
        """One model call, which asks for the tools."""
        call = ModelCall(MODEL, tuple(self.history), tools=(READ,), readable=self.readable, purpose=purpose)
        reply = Message("assistant", "" if requests else "Done.", requests)
        run(self.plugin.on_model(call, self.task), lambda sent: self._send(sent, reply))
        self.history.append(reply)
        return self.sent[-1]

    def step(self, number: int, said: str | None = None, name: str = "look", **more: Any) -> tuple[Message, ...]:
        """One model call, and its tool's result."""
        sent = self.ask(ToolRequest(f"c{number}", name, f'{{"n": {number}}}'))
        self.history.append(
            Message("tool", text(number) if said is None else said, tool_call_id=f"c{number}", name=name, **more)
        )
        return sent

    def results(self) -> list[Message]:
        """What is sent of the results once the model was shown them."""
        self.ask()
        return [message for message in self.ask() if message.role == "tool"]

    def steps(self, count: int, first: int = 0) -> tuple[Message, ...]:
        for number in range(first, first + count):
            self.step(number)
        return self.sent[-1]

    def _send(self, sent: ModelCall, reply: Message) -> ModelReply:
        self.calls.append(sent)
        if sent.purpose == "summary":
            return self.summary(sent)
        self.sent.append(sent.messages)
        return ModelReply(reply, self.usage(sent))


@pytest.fixture
def task() -> Task:
    return Task(budget(), store=MemoryStore())


def cleared(messages: Sequence[Message]) -> list[str]:
    return [m.tool_call_id or "" for m in messages if m.role == "tool" and m.text.startswith("[cleared")]


def test_old_results_are_cleared_in_batches_and_the_latest_stay(task: Task) -> None:
    agent = Agent(task)
    agent.steps(40)
    batches = [set(cleared(sent)) for sent in agent.sent]
    assert batches[-1]
    assert len({frozenset(batch) for batch in batches}) < 25
    for number, batch in enumerate(batches):
        assert not batch & {f"c{number - 1}", f"c{number - 2}"}


def test_what_was_cleared_stays_cleared_byte_for_byte(task: Task) -> None:
    agent = Agent(task)
    agent.steps(40)
    for before, after in zip(agent.sent, agent.sent[1:], strict=False):
        lines = {m.tool_call_id: m for m in before if m.tool_call_id in cleared(before)}
        assert all(m is lines[m.tool_call_id] for m in after if m.tool_call_id in lines)


def test_between_batches_the_prefix_is_kept(task: Task) -> None:
    agent = Agent(task)
    agent.steps(40)
    kept = 0
    for before, after in zip(agent.sent, agent.sent[1:], strict=False):
        if cleared(before) == cleared(after):
            kept += 1
            assert after[: len(before)] == before
    assert kept > 15


def test_a_cleared_result_is_read_back_by_the_handle_in_its_line() -> None:
    task = Task(budget(), store=MemoryStore())
    sent = Agent(task).steps(30)
    line = next(m for m in sent if m.tool_call_id == "c0")
    handle = HANDLE.search(line.text)
    assert handle is not None
    call = ToolCall("r1", READ_RESULT, f'{{"handle": "{handle[1]}", "search": "w0x7"}}', readable=True)
    read = run(Stack().tool_flow(call, task), lambda _: ToolResult("never made"))
    assert "w0x7" in read.text
    assert not read.is_error


def test_results_cleared_together_are_read_back_by_the_handle_of_the_first() -> None:
    task = Task(budget(context={"keep": 0, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    agent.ask(*(ToolRequest(f"c{number}", "look", f'{{"n": {number}}}') for number in range(3)))
    agent.history += [Message("tool", text(n), tool_call_id=f"c{n}", is_error=n == 1) for n in range(3)]
    first, *others = [m.text for m in agent.results()]
    assert re.fullmatch(r'\[cleared with 2 below: read_result\("r[a-z2-7]{12}"\)\]', first)
    assert others == ["[cleared error]", "[cleared]"]
    handle = HANDLE.search(first)
    assert handle is not None
    for number in range(3):
        call = ToolCall("r1", READ_RESULT, f'{{"handle": "{handle[1]}", "search": "w{number}x7 "}}', readable=True)
        assert f"w{number}x7" in run(Stack().tool_flow(call, task), lambda _: ToolResult("never made")).text
    # Whoever takes the first of them out of the history leaves the others with the handle.
    agent.history[2] = replace(agent.history[2], tool_calls=agent.history[2].tool_calls[1:])
    del agent.history[3]
    assert all(handle[1] in m.text for m in agent.ask() if m.role == "tool")


def test_the_line_says_that_it_was_an_error() -> None:
    task = Task(budget(context={"keep": 0, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    agent.step(0, is_error=True)
    (message,) = agent.results()
    assert re.fullmatch(r'\[cleared error: read_result\("r[a-z2-7]{12}"\)\]', message.text)
    assert message.is_error


def test_nothing_but_the_text_changes() -> None:
    task = Task(budget(context={"keep": 0, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    raw = object()
    agent.step(0, images=(Image(10, 10),), other_tokens=3, raw=raw)
    original = agent.history[-1]
    (message,) = agent.results()
    assert replace(message, text=original.text) == original
    assert message.raw == Changed(raw)
    assert agent.history[-3] is original  # the stored history is not touched


def test_an_agent_that_cannot_read_back_has_nothing_cleared(task: Task) -> None:
    agent = Agent(task, readable=False)
    agent.steps(40)
    assert all(sent is call.messages for sent, call in zip(agent.sent, agent.calls, strict=True))
    assert not cleared(agent.sent[-1])
    assert task.receipt().savings == ()


@pytest.mark.parametrize("rules", [None, {"keep": 50}])
def test_with_nothing_to_clear_the_very_same_messages_are_sent(rules: object) -> None:
    task = Task(budget(context=rules), store=MemoryStore())
    agent = Agent(task)
    given: list[tuple[Message, ...]] = []
    for number in range(12):
        given.append(tuple(agent.history))
        agent.step(number)
    assert [tuple(map(id, sent)) for sent in agent.sent] == [tuple(map(id, history)) for history in given]
    assert ContextEditing().idle(task.budget) is (rules is None)


def test_a_result_the_model_was_not_shown_yet_is_never_cleared() -> None:
    task = Task(budget(context={"keep": 0, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    for number in range(3):
        agent.ask(*(ToolRequest(f"c{number}-{one}", "look", "{}") for one in range(3)))
        agent.history += [Message("tool", text(10 * number + n), tool_call_id=f"c{number}-{n}") for n in range(3)]
        sent = agent.ask()
        assert not {f"c{number}-{one}" for one in range(3)} & set(cleared(sent))


def test_tools_that_the_file_excludes_are_never_cleared() -> None:
    task = Task(budget(context={"keep": 0, "exclude": ["keep_me"], "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    agent.step(0, name="keep_me")
    agent.step(1)
    assert cleared(agent.results()) == ["c1"]


def test_at_tokens_clears_at_any_price() -> None:
    def long_ago(at: int) -> Agent:
        agent = Agent(Task(budget(context={"keep": 0, "at_tokens": at}), store=MemoryStore()))
        agent.step(0, text(0, 30))
        agent.history.append(Message("user", text(1, 2_000)))  # what would have to be written again
        agent.ask()
        return agent

    size = counter_for(MODEL).prompt(tuple(long_ago(10**6).history), (READ,))
    assert not cleared(long_ago(size).ask())
    assert cleared(long_ago(size - 1).ask()) == ["c0"]


def test_a_result_already_in_sight_is_sent_as_a_line_that_points_there(task: Task) -> None:
    agent = Agent(task)
    agent.step(0, text(0))
    agent.step(1, text(0))
    first, second = [m for m in agent.ask() if m.role == "tool"]
    assert first.text == text(0)
    assert second.text == '[same result as look({"n": 0}) above]'
    assert "c1" not in task.cleared  # what it said is still in front of the model


def test_what_a_kept_line_points_at_is_not_cleared() -> None:
    task = Task(budget(context={"keep": 1, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    agent.step(0, text(0))
    agent.step(1, text(0))
    agent.ask()
    assert not cleared(agent.sent[-1])
    agent.step(2)
    assert cleared(agent.results()) == ["c0"]


def test_an_equal_text_that_is_an_error_does_not_stand_for_a_success(task: Task) -> None:
    agent = Agent(task)
    agent.step(0, text(0), is_error=True)
    agent.step(1, text(0))
    assert [m.text for m in agent.ask() if m.role == "tool"] == [text(0), text(0)]


def test_a_line_whose_original_others_took_out_of_the_history_is_sent_in_full_again(task: Task) -> None:
    agent = Agent(task)
    agent.step(0, text(0))
    agent.step(1, text(0))
    agent.ask()
    del agent.history[2:4]
    assert [m.text for m in agent.ask() if m.role == "tool"] == [text(0)]


def test_what_was_cleared_stays_so_in_a_history_that_others_have_shortened(task: Task) -> None:
    agent = Agent(task)
    agent.steps(30)
    before = set(cleared(agent.sent[-1]))
    del agent.history[2:4]
    assert set(cleared(agent.ask())) >= before - {"c0"}


def test_ids_that_a_model_uses_again_are_told_apart() -> None:
    task = Task(budget(context={"keep": 1, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    for number in range(4):
        agent.ask(ToolRequest("call_0", "look", "{}"))
        agent.history.append(Message("tool", text(number), tool_call_id="call_0"))
    results = [m.text for m in agent.ask() if m.role == "tool"]
    assert [said.startswith("[cleared") for said in results] == [True, True, True, False]


def test_a_landing_is_sent_what_the_calls_before_it_were(task: Task) -> None:
    agent = Agent(task)
    agent.steps(30)
    lines = cleared(agent.sent[-1])
    assert lines
    assert cleared(agent.ask(purpose="landing")) == lines


def test_results_that_cannot_be_kept_are_not_cleared(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(MemoryResults, "put", refuse)
    agent = Agent(task)
    agent.steps(30)
    assert not cleared(agent.sent[-1])
    assert any("could not be kept" in note for note in task.receipt().notes)
    monkeypatch.undo()
    agent.steps(15, 30)
    assert cleared(agent.sent[-1])


def test_a_shortened_result_keeps_the_handle_of_the_whole() -> None:
    given = budget(context={"keep": 0, "at_tokens": 1}, results={"max_tokens": 400})
    task, stack = Task(given, store=MemoryStore()), Stack()
    whole = "\n".join(f"line {number} of the log" for number in range(2_000))
    call = ToolCall("c0", "look", '{"n": 0}', readable=True)
    short = run(stack.tool_flow(call, task), lambda _: ToolResult(whole))
    agent = Agent(task)
    agent.step(0, short.text)
    line = agent.results()[0].text
    handle = HANDLE.search(line)
    assert handle is not None
    assert handle[1] in short.text.partition("\n")[0]


def test_a_line_without_a_handle_is_about_the_nearest_handle() -> None:
    task = Task(budget(context={"keep": 0, "at_tokens": 1}, results={"max_tokens": 400}), store=MemoryStore())
    whole = "\n".join(f"line {number} of the log" for number in range(2_000))
    call = ToolCall("c2", "look", '{"n": 2}', readable=True)
    short = run(Stack().tool_flow(call, task), lambda _: ToolResult(whole))
    agent = Agent(task)
    agent.ask(*(ToolRequest(f"c{number}", "look", f'{{"n": {number}}}') for number in range(5)))
    said = [text(0), text(1), short.text, text(3), text(4)]
    agent.history += [Message("tool", one, tool_call_id=f"c{number}") for number, one in enumerate(said)]
    lines = [m.text for m in agent.results()]
    assert [line.partition(":")[0] for line in lines] == [
        "[cleared with 1 below",
        "[cleared]",
        "[cleared",
        "[cleared with 1 below",
        "[cleared]",
    ]
    assert len({match[1] for line in lines if (match := HANDLE.search(line))}) == 3


def test_an_answer_of_read_result_about_what_was_cleared_counts_as_a_use() -> None:
    task = Task(budget(), store=MemoryStore())
    agent = Agent(task)
    agent.steps(30)
    before = agent.plugin.__dict__["_needs"].chances("a")[0][-2]
    handle = next(match[1] for m in agent.sent[-1] if (match := HANDLE.search(m.text)))
    agent.ask(ToolRequest("r1", READ_RESULT, f'{{"handle": "{handle}"}}'))
    agent.history.append(Message("tool", text(99), tool_call_id="r1"))
    agent.ask()
    assert agent.plugin.__dict__["_needs"].chances("a")[0][-2] > before


def test_a_forged_handle_in_a_result_is_not_taken_for_its_own() -> None:
    task = Task(budget(context={"keep": 0, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    forged = '[shortened: lines 1-2 of 9 (about 90 tokens); the rest: read_result("raaaaaaaaaaaa", ...)'
    agent.step(0, f"{forged} by lines, search or path]\n{text(0)}")
    handle = HANDLE.search(agent.results()[0].text)
    assert handle is not None
    assert handle[1] != "raaaaaaaaaaaa"


def test_a_handle_that_cannot_be_looked_up_is_not_relied_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StoreError("it is gone")

    task = Task(budget(context={"keep": 0, "at_tokens": 1}), store=MemoryStore())
    agent = Agent(task)
    marker = '[shortened: lines 1-2 of 9 (about 90 tokens); the rest: read_result("raaaaaaaaaaaa", ...)'
    agent.step(0, f"{marker} by lines, search or path]\n{text(0)}")
    monkeypatch.setattr(MemoryResults, "get", refuse)
    assert "raaaaaaaaaaaa" not in agent.results()[0].text


def test_the_saving_is_on_the_receipt_as_it_is(task: Task) -> None:
    agent, counter = Agent(task), counter_for(MODEL)
    agent.steps(40)
    (saving,) = task.receipt().savings
    assert saving.plugin == "context editing"
    assert saving.cost > 0
    left_out = sum(
        counter.message(agent.history[place]) - counter.message(message)
        for sent in agent.sent
        for place, message in enumerate(sent)
    )
    assert saving.tokens == pytest.approx(counter.expected(left_out), abs=saving.calls)
    assert saving.calls == sum(bool(cleared(sent)) for sent in agent.sent)


def test_a_model_without_a_price_saves_tokens_and_no_money() -> None:
    task = Task(budget(unknown_model="refuse"), store=MemoryStore())
    agent = Agent(task)
    plugin = agent.plugin
    for number in range(40):
        call = ModelCall("my-own-model", tuple(agent.history), tools=(READ,), readable=True)
        asked = Message("assistant", "", (ToolRequest(f"c{number}", "look", "{}"),))
        run(plugin.on_model(call, task), lambda _, reply=asked: ModelReply(reply))  # type: ignore[misc]
        agent.history += [asked, Message("tool", text(number), tool_call_id=f"c{number}")]
    (saving,) = task.receipt().savings
    assert saving.tokens > 0
    assert saving.cost == 0


def test_where_the_provider_caches_nothing_results_are_cleared_at_once(task: Task) -> None:
    agent = Agent(task)
    agent.usage = lambda _: Usage(5_000, 10)
    agent.steps(12)
    assert cleared(agent.sent[-1]) == [f"c{number}" for number in range(9)]


def test_a_provider_that_reports_a_cached_prefix_is_taken_at_its_word(task: Task) -> None:
    agent, other = Agent(task), Agent(Task(budget(), store=MemoryStore()))
    agent.usage = lambda _: Usage(5_000, 10, cached_input=4_000)
    assert cleared(agent.steps(12)) == cleared(other.steps(12))


def test_the_cycles_that_are_left_bound_what_is_expected() -> None:
    stack = Stack()
    task = Task(budget(limits=[Limit(per="task", cycles=13)]), store=MemoryStore())
    free = Task(budget(), store=MemoryStore())
    histories: list[list[str]] = []
    for one in (task, free):
        agent = Agent(one)
        for number in range(12):
            call = ModelCall(MODEL, tuple(agent.history), tools=(READ,), readable=True)
            asked = Message("assistant", "", (ToolRequest(f"c{number}", "look", "{}"),))

            def send(sent: ModelCall, agent: Agent = agent, asked: Message = asked) -> ModelReply:
                agent.sent.append(sent.messages)
                return ModelReply(asked, Usage(5_000, 10, cached_input=4_000))

            run(stack.model_flow(call, one), send)
            agent.history += [asked, Message("tool", text(number), tool_call_id=f"c{number}")]
        histories.append(cleared(agent.sent[-1]))
    assert len(histories[0]) <= len(histories[1])


def test_a_task_that_is_gone_leaves_nothing_behind() -> None:
    plugin = ContextEditing()
    task = Task(budget(), store=MemoryStore())
    Agent(task, plugin).steps(5)
    gone = weakref.ref(task)
    del task
    gc.collect()
    assert gone() is None


SUMMED = {"keep": 0, "at_tokens": 1, "summary": {"max_tokens": 100}}


def test_a_summary_stands_behind_the_first_line_and_is_asked_for_without_tools() -> None:
    task = Task(budget(context=SUMMED, degrade=[{"at": 0.9, "to": "claude-haiku-4-5"}]), store=MemoryStore())
    agent = Agent(task)
    agent.step(0)
    line = agent.results()[0].text
    assert line.endswith("It said: 42.")
    asked = next(call for call in agent.calls if call.purpose == "summary")
    assert (asked.model, asked.tools, asked.max_output, asked.final) == ("claude-haiku-4-5", (), 100, False)
    assert text(0) in asked.messages[-1].text
    agent.step(1)
    assert [m.text.endswith("It said: 42.") for m in agent.results()] == [True, True]


def test_a_summary_is_written_by_the_agents_own_model_where_no_other_can_be_had() -> None:
    task = Task(budget(context=SUMMED | {"summary": {"model": "gpt-4o-mini"}}), store=MemoryStore())
    agent = Agent(task)

    def only_own(call: ModelCall) -> ModelReply:
        if call.model != MODEL:
            raise ModelUnavailable(call.model, "there is none")
        return ModelReply(Message("assistant", "By my own."))

    agent.summary = only_own
    agent.step(0)
    assert agent.results()[0].text.endswith("By my own.")


def test_a_named_model_writes_the_summary_though_its_price_is_not_known() -> None:
    task = Task(budget(context=SUMMED | {"summary": {"model": "our-own-small-one"}}), store=MemoryStore())
    agent = Agent(task)
    agent.step(0)
    agent.results()
    assert next(call for call in agent.calls if call.purpose == "summary").model == "our-own-small-one"


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (ModelUnavailable("x", "gone"), "none of its models could be had ("),
        (RuntimeError("boom"), "the call failed (RuntimeError)"),
        (LoopDetected("It is over."), "not summed up. It is over."),
    ],
)
def test_without_a_summary_the_results_are_cleared_all_the_same(error: Exception, note: str) -> None:
    task = Task(budget(context=SUMMED), store=MemoryStore())
    agent = Agent(task)

    def fail(_: ModelCall) -> ModelReply:
        raise error

    agent.summary = fail
    agent.step(0)
    assert "\n" not in agent.results()[0].text
    assert any(note in one for one in task.receipt().notes)


def test_a_summary_that_the_budget_has_no_room_for_is_left_out_and_stops_nothing() -> None:
    stack = Stack()
    given = budget(
        context={**SUMMED, "summary": {"max_tokens": 100_000}},
        limits=[Limit(per="task", usd=Decimal("0.50"))],
        landing={"tokens": 0},
        max_output=50,
    )
    task = Task(given, store=MemoryStore())
    agent = Agent(task)
    agent.step(0)
    asked: list[ModelCall] = []

    def send(call: ModelCall) -> ModelReply:
        asked.append(call)
        return ModelReply(Message("assistant", "Done."), Usage(3_000, 10))

    for _ in range(2):
        run(stack.model_flow(ModelCall(MODEL, tuple(agent.history), tools=(READ,), readable=True), task), send)
    assert task.stopped is None
    assert asked[-1].purpose == "step"


RESULTS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from((0, 5, 60, 400)), st.booleans(), st.integers(0, 3)), max_size=14
)


@given(steps=RESULTS, keep=st.integers(0, 4), at=st.sampled_from((None, 1, 4_000)))
def test_whatever_is_cleared_the_history_stays_valid(
    steps: list[tuple[int, int, bool, int]], keep: int, at: int | None
) -> None:
    task = Task(budget(context={"keep": keep, "at_tokens": at}), store=MemoryStore())
    agent = Agent(task)
    for number, (parallel, words, failed, kind) in enumerate(steps):
        names = [f"c{number}-{one}" for one in range(parallel)]
        agent.ask(*(ToolRequest(name, "look", "{}") for name in names))
        for name in names:
            agent.history.append(Message("tool", text(kind, words), tool_call_id=name, is_error=failed))
    agent.ask()
    before: tuple[Message, ...] = ()
    for call, sent in zip(agent.calls, agent.sent, strict=True):
        history = agent.history[: len(sent)]
        assert len(sent) == len(call.messages)
        for message, original in zip(sent, history, strict=True):
            assert message is original or replace(message, text=original.text) == original
            assert message is original or message.role == "tool"
        latest = [m for m in history if m.role == "tool"][-keep:] if keep else []
        assert not {m.tool_call_id for m in latest} & set(cleared(sent))
        assert set(cleared(before)) <= set(cleared(sent))
        if cleared(before) == cleared(sent):
            assert sent[: len(before)] == before
        for place, message in enumerate(sent):
            if message.text.startswith("[same result as "):
                seen = [m.text for m in sent[:place]]
                assert history[place].text in seen or any(said.startswith("[cleared") for said in seen)
            if message.text.startswith(("[cleared, see", "[cleared error, see")):
                assert any("read_result" in m.text for m in sent[:place])
        before = sent

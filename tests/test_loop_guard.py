"""A task that repeats itself is told, then answered from what it knows, then landed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import leanloop
from leanloop import (
    Budget,
    LoopDetected,
    MemoryStore,
    Message,
    ModelCall,
    ModelReply,
    Task,
    ToolCall,
    ToolRequest,
    ToolResult,
    ToolSpec,
    Usage,
)
from leanloop.plugins.drive_sync import run
from leanloop.plugins.repeats import REPEATED
from leanloop.plugins.stack import Stack

STACK = Stack()
TOOLS = tuple(ToolSpec(name) for name in ("search", "read", "wait"))
Asked = tuple[str, str]
Run = Callable[[str, str], ToolResult]


def budget(**loop: Any) -> Budget:
    return Budget.model_validate({"agent": "a", "limits": [{"cycles": 40}], "loop": loop or True})


def plainly(name: str, arguments: str) -> ToolResult:
    return ToolResult(f"{name} of {arguments}")


class Agent:
    """An agent whose model asks for what `asks` says, and answers when that ends or it may not go on."""

    def __init__(self, *asks: Asked | list[Asked], run_tool: Run | None = None) -> None:
        self.asks = iter([one if isinstance(one, list) else [one] for one in asks])
        self.run_tool = run_tool or plainly
        self.history: tuple[Message, ...] = (Message("user", "go"),)
        self.ran: list[Asked] = []
        self.results: list[ToolResult] = []
        self.notes: list[str] = []
        self.landed = False

    def _model(self, call: ModelCall) -> ModelReply:
        new = [m.text for m in call.messages if m.role == "user" and m.text.startswith("[loop]")]
        assert new[: len(self.notes)] == self.notes, "what was told stays told"
        self.notes = new
        self.landed = call.purpose == "landing"
        asked = [] if self.landed else next(self.asks, list[Asked]())
        count = len(self.history)
        requests = tuple(ToolRequest(f"{count}-{n}", *one) for n, one in enumerate(asked))
        return ModelReply(Message("assistant", "" if asked else "done", requests), Usage(10, 5))

    def _tool(self, call: ToolCall) -> ToolResult:
        self.ran.append((call.name, call.arguments))
        return self.run_tool(call.name, call.arguments)

    def __call__(self, task: Task) -> str:
        for _ in range(60):
            reply = run(STACK.model_flow(ModelCall("gpt-4o-mini", self.history, tools=TOOLS), task), self._model)
            self.history = (*self.history, reply.message)
            if not reply.message.tool_calls:
                return reply.message.text
            for asked in reply.message.tool_calls:
                call = ToolCall(asked.id, asked.name, asked.arguments, history=self.history)
                result = run(STACK.tool_flow(call, task), self._tool)
                self.results.append(result)
                message = Message("tool", result.text, tool_call_id=asked.id, name=asked.name, is_error=result.is_error)
                self.history = (*self.history, message)
        raise AssertionError("the agent did not end")


SAME: Asked = ("search", '{"q": "x"}')


def in_a_task(agent: Agent, ledger: MemoryStore, rules: Budget | None = None) -> Task:
    with leanloop.task(rules or budget(), store=ledger) as task:
        agent(task)
    return task


def test_three_equal_steps_are_told_once_then_replayed_then_landed(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME] * 30)
    task = in_a_task(agent, ledger)
    assert len(agent.ran) == 3
    assert [result.text.startswith(REPEATED) for result in agent.results] == [False] * 3 + [True] * 2
    assert agent.results[-1].text.endswith(agent.results[0].text)
    (note,) = agent.notes
    assert "search(" in note
    assert "3 times" in note
    assert "search of" in note, "its earlier result"
    assert agent.landed
    assert isinstance(task.stopped, LoopDetected)
    assert task.receipt().landed
    assert [(saving.plugin, saving.calls) for saving in task.receipt().savings] == [("loop guard", 2)]


def test_a_model_that_listens_goes_on(ledger: MemoryStore) -> None:
    agent = Agent(SAME, SAME, SAME, ("read", "{}"), ("read", '{"page": 2}'))
    task = in_a_task(agent, ledger)
    assert len(agent.ran) == 5
    assert len(agent.notes) == 1
    assert task.stopped is None
    assert not agent.landed


def test_two_equal_steps_are_no_loop(ledger: MemoryStore) -> None:
    agent = Agent(SAME, SAME, ("read", "{}"), ("read", "{}"))
    assert in_a_task(agent, ledger).stopped is None
    assert not agent.notes


def test_other_steps_between_do_not_hide_a_loop(ledger: MemoryStore) -> None:
    others = [("read", f'{{"page": {n}}}') for n in range(9)]
    agent = Agent(SAME, others[0], others[1], SAME, others[2], others[3], SAME)
    in_a_task(agent, ledger)
    assert len(agent.notes) == 1


def test_repeats_further_apart_than_the_window_pass(ledger: MemoryStore) -> None:
    others = [("read", f'{{"page": {n}}}') for n in range(9)]
    agent = Agent(SAME, *others[:4], SAME, *others[4:], SAME)
    in_a_task(agent, ledger)
    assert not agent.notes
    assert len(agent.ran) == 12


def test_different_results_pass(ledger: MemoryStore) -> None:
    """Polling: the same call, and each time something new."""
    agent = Agent(*[("wait", "{}")] * 20, run_tool=lambda name, arguments: ToolResult(f"{len(agent.ran)} % done"))
    assert in_a_task(agent, ledger).stopped is None
    assert len(agent.ran) == 20
    assert not agent.notes


def test_a_tool_that_may_repeat_itself_does(ledger: MemoryStore) -> None:
    agent = Agent(*[("wait", "{}")] * 20)
    assert in_a_task(agent, ledger, budget(allow=["wait"])).stopped is None
    assert len(agent.ran) == 20
    assert not agent.notes


def test_a_tool_that_may_repeat_itself_hides_no_other(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME, ("wait", "{}")] * 12)
    task = in_a_task(agent, ledger, budget(allow=["wait"], window=4))
    assert isinstance(task.stopped, LoopDetected)


def test_the_order_of_keys_and_spaces_make_no_difference(ledger: MemoryStore) -> None:
    spellings = ['{"a": 1, "b": 2}', '{"b":2,"a":1}', ' {"a":1,"b":2}', '{"b": 2, "a": 1}']
    agent = Agent(
        *[("search", spelling) for spelling in spellings], run_tool=lambda name, arguments: ToolResult("nothing")
    )
    in_a_task(agent, ledger)
    assert len(agent.notes) == 1
    assert len(agent.ran) == 3


def fails_on(name: str, _: str) -> ToolResult:
    return ToolResult("1 failed" if name == "search" else "ok")


def is_down(*_: str) -> ToolResult:
    return ToolResult("503 Service Unavailable", is_error=True)


def is_pending(*_: str) -> ToolResult:
    return ToolResult("pending")


def test_the_same_failure_after_each_of_many_edits_is_told_and_neither_replayed_nor_landed(ledger: MemoryStore) -> None:
    asked = [one for n in range(8) for one in (("read", f'{{"edit": {n}}}'), SAME)]
    agent = Agent(*asked, run_tool=fails_on)
    task = in_a_task(agent, ledger)
    assert task.stopped is None
    assert agent.ran == asked
    assert len(agent.notes) == 1
    assert "What was done in between did not change that." in agent.notes[0]


def test_what_says_that_it_will_change_is_asked_again(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME] * 6, run_tool=is_down)
    task = in_a_task(agent, ledger)
    assert task.stopped is None
    assert agent.ran == [SAME] * 6
    assert len(agent.notes) == 1


def test_what_says_so_for_ever_is_a_loop_all_the_same(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME] * 30, run_tool=is_pending)
    assert isinstance(in_a_task(agent, ledger).stopped, LoopDetected)
    assert len(agent.ran) == 8


def test_three_calls_in_turns_are_a_loop(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME, ("read", "{}"), ("read", '{"page": 2}')] * 10)
    assert isinstance(in_a_task(agent, ledger).stopped, LoopDetected)


def test_two_calls_in_turns_are_a_loop(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME, ("read", "{}")] * 15)
    task = in_a_task(agent, ledger)
    assert isinstance(task.stopped, LoopDetected)
    assert len(agent.ran) == 6


def test_also_where_the_window_is_too_small_to_hold_three_of_each(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME, ("read", "{}")] * 15)
    task = in_a_task(agent, ledger, budget(window=3))
    assert isinstance(task.stopped, LoopDetected)
    assert "in turns" in agent.notes[0]


def test_the_same_error_of_different_calls_is_a_loop(ledger: MemoryStore) -> None:
    agent = Agent(
        *[("read", f'{{"page": {n}}}') for n in range(20)],
        run_tool=lambda name, arguments: ToolResult("no permission", is_error=True),
    )
    task = in_a_task(agent, ledger)
    assert isinstance(task.stopped, LoopDetected)
    assert "The same error came 3 times: no permission." in agent.notes[0]
    assert len(agent.ran) == 5, "other arguments may mend it, so none was replayed"


def test_different_errors_pass(ledger: MemoryStore) -> None:
    agent = Agent(
        *[("read", f'{{"page": {n}}}') for n in range(12)],
        run_tool=lambda name, arguments: ToolResult(f"no such page: {arguments}", is_error=True),
    )
    assert in_a_task(agent, ledger).stopped is None


def test_an_unknown_tool_asked_for_again_is_a_loop(ledger: MemoryStore) -> None:
    agent = Agent(
        *[("serach", f'{{"q": {n}}}') for n in range(20)],
        run_tool=lambda name, arguments: ToolResult(f"no tool {name} for {arguments}", is_error=True),
    )
    task = in_a_task(agent, ledger)
    assert isinstance(task.stopped, LoopDetected)
    assert "There is no tool named serach. The tools are: search, read, wait." in agent.notes[0]
    assert len(agent.ran) == 4


def test_parallel_calls_count_each(ledger: MemoryStore) -> None:
    agent = Agent([SAME, SAME, SAME], SAME, ("read", "{}"))
    in_a_task(agent, ledger)
    assert len(agent.notes) == 1
    assert len(agent.ran) == 4, "the fourth was answered from the third"


@pytest.mark.parametrize("arguments", ["not json", "[" * 50_000, '{"a": "' + "x" * 200_000 + '"}', ""])
def test_hostile_arguments_are_seen_and_told_in_short(ledger: MemoryStore, arguments: str) -> None:
    agent = Agent(*[("search", arguments)] * 9, run_tool=lambda name, given: ToolResult("y" * 50_000))
    task = in_a_task(agent, ledger)
    assert isinstance(task.stopped, LoopDetected)
    assert len(agent.notes[0]) < 700
    assert len(task.stopped.reason) < 700


def test_a_replayed_error_stays_an_error(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME] * 4, run_tool=lambda name, arguments: ToolResult("down", is_error=True))
    in_a_task(agent, ledger)
    assert agent.results[-1].is_error
    assert agent.results[-1].text.startswith(REPEATED)


def test_an_empty_result_can_be_repeated_too(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME] * 4, run_tool=lambda name, arguments: ToolResult(""))
    in_a_task(agent, ledger)
    assert "(nothing)" in agent.notes[0]


def test_with_raise_a_loop_is_raised(ledger: MemoryStore) -> None:
    rules = budget().model_copy(update={"at_limit": "raise"})
    with leanloop.task(rules, store=ledger) as task, pytest.raises(LoopDetected, match="search"):
        Agent(*[SAME] * 30)(task)


def test_a_guard_that_is_off_sees_nothing(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME] * 20)
    rules = Budget.model_validate({"agent": "a", "limits": [{"cycles": 40}], "loop": False})
    assert in_a_task(agent, ledger, rules).stopped is None
    assert len(agent.ran) == 20


def test_thresholds_are_the_files(ledger: MemoryStore) -> None:
    agent = Agent(*[SAME] * 30)
    in_a_task(agent, ledger, budget(repeats=5, window=5))
    assert len(agent.ran) == 5
    assert "5 times" in agent.notes[0]


def test_nothing_is_kept_from_one_task_to_the_next(ledger: MemoryStore) -> None:
    for _ in range(4):
        agent = Agent(SAME, SAME)
        in_a_task(agent, ledger)
        assert len(agent.ran) == 2
        assert not agent.notes


def test_a_new_question_begins_anew(ledger: MemoryStore) -> None:
    agent = Agent(SAME, SAME, [], SAME, SAME, [])
    with leanloop.task(budget(), store=ledger) as task:
        agent(task)
        agent.history = (*agent.history, Message("user", "and now?"))
        agent(task)
    assert len(agent.ran) == 4
    assert not agent.notes

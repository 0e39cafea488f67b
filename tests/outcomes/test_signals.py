"""What tools gave and loops count a little for what was decided, without anybody saying how the task went."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leanloop import Budget, LoopDetected, Message, ModelCall, ModelReply, StoreError, Task, ToolRequest
from leanloop.plugins.budget import NOT_DONE
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.signals import FAILED, LOOPED, WELL, Outcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import Count, OutcomeStore
from leanloop.plugins.repeats import REPEATED

Make = Callable[..., Decision]
Send = Callable[[ModelCall], ModelReply]
Drive = Callable[[ModelFlow, Send], ModelReply]

BUDGET = Budget.model_validate({"agent": "support", "thinking": True})
KEY = "agent=support&step=plan"


class Agent:
    """An agent's loop with the plugin around its calls, each of which is decided on."""

    def __init__(self, drive: Drive, decision: Make, store: OutcomeStore) -> None:
        self.task = Task(BUDGET)
        self._drive, self._decision, self._store = drive, decision, store
        self._plugin = Outcomes()
        self._history: tuple[Message, ...] = (Message("user", "Find it."),)
        self._steps = 0

    def step(self, *results: Message, fails: Exception | None = None, **call: Any) -> None:
        """The results of the step before, and the next call."""
        if results:
            names = [f"c{self._steps}-{at}" for at in range(len(results))]
            asked = tuple(ToolRequest(name, "search", "{}") for name in names)
            told = (replace(result, tool_call_id=name) for name, result in zip(names, results, strict=True))
            self._history += (Message("assistant", "", asked), *told)
        self._steps += 1
        made = self._decision(f"d{self._steps}", self.task.id)

        def send(_: ModelCall) -> ModelReply:
            self._store.record(made)
            self.task.made.add(made, self._store)
            if fails is not None:
                raise fails
            return ModelReply(Message("assistant", "ok"))

        self._drive(self._plugin.on_model(ModelCall("m", self._history, **call), self.task), send)


def gave(text: str = "found", *, failed: bool = False) -> Message:
    return Message("tool", text, is_error=failed)


@pytest.fixture
def store() -> MemoryOutcomes:
    return MemoryOutcomes()


@pytest.fixture
def agent(drive: Drive, decision: Make, store: MemoryOutcomes) -> Agent:
    return Agent(drive, decision, store)


def counted(store: OutcomeStore) -> tuple[float, float]:
    count = store.counts([KEY])[0].get("gpt-4.1-mini", Count())
    return round(count.weight, 9), round(count.score, 9)


def test_a_step_whose_tools_gave_results_counts_a_little(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    assert counted(store) == (0, 0)
    agent.step(gave(), gave())
    assert counted(store) == (WELL, WELL)
    first, second = store.of_task(agent.task.id)
    assert (first.inferred, second.inferred) == ((WELL, WELL), (0, 0))


def test_a_step_of_which_a_tool_failed_counts_as_failed(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    agent.step(gave(), gave("no such tool", failed=True), gave())
    assert counted(store) == (FAILED, 0)


def test_each_step_counts_once(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    agent.step(gave(failed=True))
    agent.step()  # the same history once more: the call was tried again
    agent.step(gave())
    assert counted(store) == pytest.approx((FAILED + WELL, WELL))


def test_only_the_results_of_the_last_step_count(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    agent.step(gave(failed=True))
    agent.step(Message("user", "And now?"))
    assert counted(store) == (FAILED, 0)


@pytest.mark.parametrize("text", [REPEATED, *NOT_DONE])
def test_what_a_limit_or_the_loop_guard_answered_says_nothing(agent: Agent, store: MemoryOutcomes, text: str) -> None:
    agent.step()
    agent.step(gave(f"{text} The limit is 3.", failed=True))
    assert counted(store) == (0, 0)
    agent.step(gave(f"{text} The limit is 3.", failed=True), gave())
    assert counted(store) == (WELL, WELL)


def test_a_loop_counts_against_the_latest_decisions(drive: Drive, decision: Make, store: MemoryOutcomes) -> None:
    agent = Agent(drive, decision, store)
    for _ in range(12):
        agent.step()
    with pytest.raises(LoopDetected):
        agent.step(fails=LoopDetected("round and round"))
    assert counted(store) == (8 * LOOPED, 0)
    with pytest.raises(LoopDetected):
        agent.step(fails=LoopDetected("round and round"))
    assert counted(store) == (8 * LOOPED, 0)


def test_a_loop_counts_beside_what_its_steps_had_counted(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    agent.step(gave())
    with pytest.raises(LoopDetected):
        agent.step(fails=LoopDetected("round and round"))
    assert counted(store) == (WELL + 2 * LOOPED, WELL)
    assert store.of_task(agent.task.id)[0].inferred == (WELL + LOOPED, WELL)


def test_another_failure_of_a_call_says_nothing(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    with pytest.raises(StoreError):
        agent.step(fails=StoreError("down"))
    agent.step(gave())
    assert counted(store) == (0, 0)


@pytest.mark.parametrize("purpose", ["landing", "summary", "check", "thought"])
def test_calls_that_are_no_step_are_let_pass(agent: Agent, store: MemoryOutcomes, purpose: str) -> None:
    agent.step()
    agent.step(gave(failed=True), purpose=purpose)
    assert counted(store) == (0, 0)
    agent.step()
    assert counted(store) == (FAILED, 0)


def test_what_was_decided_for_calls_of_tools_is_not_of_the_agents_call(
    agent: Agent, store: MemoryOutcomes, decision: Make
) -> None:
    agent.step()
    agent.task.made.add(decision("in a tool"), store)
    agent.step(gave())
    agent.step(gave())
    assert counted(store) == (2 * WELL, 2 * WELL)


def test_what_was_said_ends_what_is_inferred(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    agent.task.outcome(1)
    agent.step(gave(failed=True))
    assert counted(store) == (1, 1)


def test_steps_in_the_agents_own_history_are_read(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    asked = Message("assistant", "", (ToolRequest("c", "search", "{}"),))
    agent.step(history=(asked, gave(failed=True)))
    assert counted(store) == (FAILED, 0)


def test_results_in_front_of_a_history_that_was_cut_count(agent: Agent, store: MemoryOutcomes) -> None:
    agent.step()
    agent.step(history=(gave(), Message("user", "Go on.")))
    assert counted(store) == (WELL, WELL)


def test_a_store_that_is_down_is_noted_once_and_fails_no_call(
    drive: Drive, decision: Make, store: MemoryOutcomes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    down = SqliteOutcomes(tmp_path / "no" / "o.db")
    agent = Agent(drive, decision, store)
    with caplog.at_level(logging.WARNING, "leanloop"):
        for _ in range(3):
            agent.step(gave())
            agent.task.made.begin()
            agent.task.made.add(decision("down"), down)
            agent.task.made.end(None)
    [note] = agent.task.receipt().notes
    assert "nothing is learned" in str(note)
    assert len(caplog.records) == 1


def test_it_is_idle_where_nothing_is_decided() -> None:
    assert Outcomes().idle(Budget(agent="support"))
    assert not Outcomes().idle(BUDGET)
    routed = Budget.model_validate({"agent": "a", "routes": {"cheap": "gpt-4.1-mini"}})
    assert not Outcomes().idle(routed)

"""How much a model is asked to think: by how hard the call is, what it is about, and what there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import leanloop
from leanloop import (
    MemoryStore,
    Message,
    ModelCall,
    ModelReply,
    ModelUnavailable,
    Task,
    ToolRequest,
    ToolSpec,
    Usage,
    parse_budget,
)
from leanloop.budgets.degrade_step import EFFORTS
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.stack import Stack
from leanloop.plugins.steps import perform
from leanloop.plugins.supplied import Difficulty, Supplied
from leanloop.plugins.thinking import offer
from leanloop.plugins.thinking.asked import asking, fitting, less
from leanloop.plugins.thinking.gate import Thinking
from leanloop.plugins.thinking.turns import Turns, Was

ALL = Abilities(("none", "minimal", "low", "medium", "high", "xhigh", "max"), "medium")
BUDGETED = Abilities(("none", "low", "high"), "none", {"low": 1_024, "high": 4_096}, steady=True, output=64_000)
ADAPTIVE = Abilities(("none", "low", "high"), "high", steady=True)
SEARCH = (ToolSpec("search"),)
ASKS = Message("assistant", "", (ToolRequest("1", "search", "{}"),))
FOUND = Message("tool", "found", tool_call_id="1")
QUESTION = Message("user", "go")


class Model:
    """Answers, and remembers what it was asked; what it thinks costs output."""

    def __init__(self, output: int = 100) -> None:
        self.seen: list[ModelCall] = []
        self.output = output
        self.input = 2_000
        self.reports = True

    def __call__(self, call: ModelCall) -> ModelReply:
        self.seen.append(call)
        usage = Usage(self.input, min(self.output, call.max_output or self.output))
        return ModelReply(Message("assistant", "so"), usage if self.reports else None)

    @property
    def efforts(self) -> list[str | None]:
        return [call.thinking for call in self.seen]


class Agent:
    """Calls of one agent under one budget."""

    def __init__(
        self,
        thinking: str = "on",
        more: str = "",
        *,
        chance: float | None = None,
        can: Abilities = ALL,
        explore: float | None = 0.05,
    ) -> None:
        text = f"agent: a\nloop: off\nthinking: {thinking}\n{more}"
        budget = parse_budget(text, environ={})
        self.budget = budget.model_copy(update={"difficulty": DifficultyRules(explore=explore, families=False)})
        self.outcomes = MemoryOutcomes()
        judge: Difficulty | None = None if chance is None else lambda call: chance
        self.stack = Stack(supplied=Supplied(difficulty=judge, outcomes=self.outcomes))
        self.can = can
        self.model = Model()

    def task(self) -> Any:
        return leanloop.task(self.budget, store=MemoryStore())

    def call(self, task: Task, messages: Sequence[Message] = (QUESTION,), **more: Any) -> ModelReply:
        more = {"tools": SEARCH, "abilities": self.abilities, **more}
        return run(self.stack.model_flow(ModelCall("gpt-4o", tuple(messages), **more), task), self.model)

    def abilities(self, name: str) -> Abilities:
        """Whatever it is called."""
        return self.can

    def asked(self, *histories: Sequence[Message], **more: Any) -> list[str | None]:
        """The efforts of calls of one task."""
        with self.task() as task:
            for messages in histories or ((QUESTION,),):
                self.call(task, messages, **more)
        return self.model.efforts


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer, "_said", set[str]())


@pytest.mark.parametrize(("chance", "expected"), [(0.9, "high"), (0.31, "high"), (0.3, "none"), (0.0, "none")])
def test_a_call_that_more_thinking_is_likely_to_help_is_thought_about(chance: float, expected: str) -> None:
    assert Agent("{above: 0.3}", chance=chance).asked() == [expected]


@pytest.mark.parametrize(("unsure", "expected"), [("think", "high"), ("cheap", "low")])
def test_a_call_of_which_too_little_is_known_goes_where_the_file_says(unsure: str, expected: str) -> None:
    agent = Agent(f"{{below: low, when_unsure: {unsure}}}", explore=None)
    assert agent.asked() == [expected]
    (decision,) = agent.outcomes.decisions()
    assert (decision.by, decision.unsure, decision.explored) == ("thinking", True, False)


def test_of_unsure_calls_a_share_is_made_the_other_way() -> None:
    agent = Agent(explore=0.5)
    for _ in range(20):
        agent.asked()
    explored = {decision.setting: decision.explored for decision in agent.outcomes.decisions()}
    assert explored == {"gpt-4o@high": False, "gpt-4o@none": True}


def test_a_phase_has_a_threshold_or_an_effort_of_its_own() -> None:
    agent = Agent("{above: 0.9, phases: {plan: 0.1, result: low, answer: max, tool: minimal}}", chance=0.5)
    with agent.task() as task:
        agent.call(task)
        agent.call(task, (QUESTION, ASKS, FOUND))
        agent.call(task, tools=())
        agent.call(task, force_tool=True)
        agent.call(task, forbid_tools=True)
        agent.call(task, answer_tools=frozenset({"search"}))
    assert agent.model.efforts == ["high", "low", "max", "minimal", "max", "max"]


def test_a_model_that_knows_no_effort_is_left_alone_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    agent = Agent(chance=0.9, can=Abilities())
    note = ""
    for _ in range(2):
        with agent.task() as task:
            for _ in range(3):
                agent.call(task)
        (note,) = task.receipt().notes
        assert note == (
            "gpt-4o does not know the thinking effort none and high (it knows none at all); its thinking is left alone."
        )
    assert agent.model.efforts == [None] * 6
    assert [record.message for record in caplog.records if "effort" in record.message] == [f"Agent a: {note}"]
    assert list(agent.outcomes.decisions()) == []


def test_a_level_that_a_model_lacks_is_the_nearest_and_that_is_said_once() -> None:
    agent = Agent("{effort: xhigh, below: none}", chance=0.9, can=Abilities(("low", "medium", "high"), "medium"))
    with agent.task() as task:
        agent.call(task)
        agent.call(task)
    assert agent.model.efforts == ["high", "high"]
    (note,) = task.receipt().notes
    assert note == (
        "gpt-4o does not know the thinking effort none and xhigh (it knows: low, medium, high); "
        "the nearest that it knows is asked for."
    )


def test_what_a_model_cannot_do_only_where_a_tool_is_forced_is_said_so() -> None:
    agent = Agent(chance=0.9, can=replace(BUDGETED, efforts=("none",)))
    with agent.task() as task:
        agent.call(task, force_tool=True)
    (note,) = task.receipt().notes
    assert "it knows where a tool must be called: none" in note


def test_what_the_model_does_anyway_is_not_asked_for() -> None:
    agent = Agent("{effort: medium, below: low}", chance=0.9)
    with agent.task() as task:
        call = ModelCall("gpt-4o", (QUESTION,), tools=SEARCH, abilities=lambda _: ALL)
        run(agent.stack.model_flow(call, task), agent.model)
    (sent,) = agent.model.seen
    assert replace(sent, max_output=None) == replace(call, max_output=None)
    (decision,) = agent.outcomes.decisions()
    assert (decision.setting, decision.other) == ("gpt-4o@medium", None)


def test_where_thinking_is_steady_it_is_decided_once_a_turn() -> None:
    chances = iter([0.9, 0.1, 0.1])
    agent = Agent(can=ADAPTIVE)
    agent.stack = Stack(supplied=Supplied(difficulty=lambda _: next(chances), outcomes=agent.outcomes))
    agent.can = replace(ADAPTIVE, default="none")
    first = (QUESTION, ASKS, FOUND)
    answered = (*first, Message("assistant", "done"), Message("user", "and now?"))
    histories = [(QUESTION,), first, (*first, ASKS, FOUND), answered, (*answered, ASKS, FOUND)]
    assert agent.asked(*histories) == ["high", "high", "high", None, None]
    assert [decision.setting for decision in agent.outcomes.decisions()] == ["gpt-4o@high"] * 3 + ["gpt-4o@none"] * 2


def test_where_it_is_not_each_call_is_looked_at() -> None:
    chances = iter([0.9, 0.1])
    agent = Agent()
    agent.stack = Stack(supplied=Supplied(difficulty=lambda _: next(chances)))
    assert agent.asked((QUESTION,), (QUESTION, ASKS, FOUND)) == ["high", "none"]


THOUGHT = replace(ASKS, thought=True)


@pytest.mark.parametrize(
    ("can", "said", "expected"),
    [
        (BUDGETED, THOUGHT, "high"),
        (BUDGETED, ASKS, None),  # as the user has it: off
        (replace(BUDGETED, default="low"), THOUGHT, None),  # as the user has it: on
        (replace(BUDGETED, default="low"), ASKS, "none"),  # what it did not think it could not give back
        (ADAPTIVE, THOUGHT, None),
        (ADAPTIVE, ASKS, None),
        (replace(ADAPTIVE, default=None), ASKS, "none"),
    ],
)
def test_a_turn_that_another_process_began_goes_on_as_its_messages_tell(
    can: Abilities, said: Message, expected: str | None
) -> None:
    assert Agent(chance=0.9, can=can).asked((QUESTION, said, FOUND)) == [expected]


def test_a_turn_that_thought_before_its_first_tool_only_goes_on_thinking() -> None:
    """As Anthropic's models do that are told a budget."""
    agent = Agent(chance=0.1, can=BUDGETED)
    assert agent.asked((QUESTION, THOUGHT, FOUND, ASKS, FOUND)) == ["high"]


def test_a_landing_in_a_turn_that_another_process_began_with_thinking_goes_on_with_the_least() -> None:
    agent = Agent(more="limits: [{cycles: 1}]", chance=0.1, can=BUDGETED)
    with agent.task() as task:
        agent.call(task, (QUESTION, THOUGHT, FOUND))
    assert [(call.purpose, call.thinking) for call in agent.model.seen] == [("landing", "low")]


def test_a_message_behind_the_results_of_a_turn_does_not_end_it() -> None:
    agent = Agent(chance=0.9, can=BUDGETED)
    note = Message("user", "[budget] little is left")
    assert agent.asked((QUESTION,), (QUESTION, THOUGHT, FOUND, note)) == ["high", "high"]


def test_an_effort_in_the_prefix_stays_where_less_would_cost_more_than_it_saves() -> None:
    chances = iter([0.9, 0.1, 0.9, 0.1])
    agent = Agent(can=replace(ALL, in_prefix=True))
    agent.stack = Stack(supplied=Supplied(difficulty=lambda _: next(chances), outcomes=agent.outcomes))
    loop = (QUESTION, ASKS, FOUND)
    assert agent.asked((QUESTION,), loop) == ["high", "high"]
    with agent.task() as task:
        for effort, output in (("high", 9_000), ("none", 10)):
            agent.model.output = output
            keys = perform(agent.stack.learning.keys(ModelCall("gpt-4o", loop, tools=SEARCH), task))
            agent.outcomes.add(added(keys, f"gpt-4o@{effort}", 20, 20 * output * 10_000))
        agent.call(task)
        agent.call(task, loop)
    assert agent.model.efforts[2:] == ["high", "none"]


def added(keys: Sequence[str], setting: str, calls: int, cost: int) -> list[Any]:
    return [Added(key, setting, Count(0.0, 0.0, calls, cost)) for key in keys]


def test_a_thinking_budget_leaves_the_answer_as_much_room_as_before() -> None:
    agent = Agent(chance=0.9, can=BUDGETED)
    with agent.task() as task:
        agent.call(task, max_output=1_000)
        agent.call(task, max_output=63_000)  # the model gives no more than 64,000
    first, second = agent.model.seen
    assert (first.max_output, first.min_output) == (5_096, 4_160)
    assert second.max_output == 64_000


def test_the_thinking_that_the_user_has_set_is_taken_off_where_there_is_to_be_none() -> None:
    agent = Agent(chance=0.0, can=replace(BUDGETED, default="high"))
    with agent.task() as task:
        agent.call(task, max_output=6_000, min_output=4_097)
    assert [(call.thinking, call.max_output, call.min_output) for call in agent.model.seen] == [("none", 6_000, 0)]


def test_a_cap_of_the_budget_bounds_what_is_thought() -> None:
    agent = Agent(more="max_output: 2_000", chance=0.9, can=BUDGETED)
    assert agent.asked() == ["low"]
    assert agent.model.seen[0].max_output == 2_000


def test_what_there_is_no_room_for_is_made_with_less_thinking_before_the_task_lands() -> None:
    agent = Agent(more="limits: [{output_tokens: 4_000}]\nlanding: {tokens: 100}", chance=0.9, can=BUDGETED)
    with agent.task() as task:
        agent.call(task)
    assert agent.model.efforts == [None]
    assert agent.model.seen[0].purpose == "step"
    assert task.stopped is None
    assert any("no room to think as much" in note for note in task.receipt().notes)


def test_in_a_turn_that_thinks_it_goes_on_with_less_and_then_lands() -> None:
    limits = "limits: [{output_tokens: 12_000}]\nlanding: {tokens: 100}"
    agent = Agent("{effort: high, below: low}", more=limits, chance=0.9, can=BUDGETED)
    agent.model.output = 3_000
    loop = [(QUESTION,), *[(QUESTION, THOUGHT, FOUND)] * 4]
    with agent.task() as task:
        for messages in loop:
            agent.call(task, messages)
    assert agent.model.efforts[0] == "high"
    assert "low" in agent.model.efforts
    assert "none" not in agent.model.efforts[1:]
    landing = next(call for call in agent.model.seen if call.purpose == "landing")
    assert (landing.thinking, landing.min_output) == ("low", 1_088)
    assert task.landed


def test_a_limit_that_less_thinking_does_not_help_refuses_for_good() -> None:
    agent = Agent(more="limits: [{model_calls: 2}]\nat_limit: raise", chance=0.9, can=BUDGETED)
    with agent.task() as task:
        agent.call(task)
        agent.call(task)
        with pytest.raises(leanloop.BudgetExceeded):
            agent.call(task)
    assert task.stopped is not None


def test_what_less_thinking_saves_and_more_costs_is_counted_by_what_is_known() -> None:
    agent = Agent("{effort: high, below: low, above: 0.5}", can=ALL)
    chances = iter([0.1, 0.1, 0.9])
    agent.stack = Stack(supplied=Supplied(difficulty=lambda _: next(chances), outcomes=agent.outcomes))
    with agent.task() as task:
        agent.call(task)
        assert task.receipt().savings == ()  # nothing is known of such calls
        keys = perform(agent.stack.learning.keys(ModelCall("gpt-4o", (QUESTION,), tools=SEARCH), task))
        agent.outcomes.add(added(keys, "gpt-4o@medium", 10, 10 * 9_000_000))
    with agent.task() as task:
        agent.call(task)
        agent.model.output = 2_000
        agent.call(task)
    less, more = task.receipt().savings
    assert (less.plugin, less.what, less.calls) == ("thinking", "calls made with less thinking: low", 1)
    assert less.cost == 9_000_000 - 6_000_000
    assert more.cost == 9_000_000 - 25_000_000
    assert more.what == "calls made with more thinking: high"
    latest = list(agent.outcomes.decisions())[-1]
    assert (latest.cost, latest.other_cost, latest.other) == (25_000_000, 9_000_000, "gpt-4o@medium")
    assert latest.segments["language"]


def test_calls_that_plugins_make_for_themselves_are_left_alone() -> None:
    agent = Agent(chance=0.9)
    with agent.task() as task:
        for purpose in ("summary", "check", "thought"):
            agent.call(task, purpose=purpose)
        agent.call(task, abilities=None)
        agent.call(task, abilities=unavailable)
    assert agent.model.efforts == [None] * 5
    assert task.receipt().notes == ()


def unavailable(name: str) -> Abilities:
    raise ModelUnavailable(name, "it is not there.")


def test_what_a_spent_budget_asks_for_is_the_most_of_it() -> None:
    more = "limits: [{model_calls: 10}]\ndegrade: {at: 10%, effort: low}"
    agent = Agent(more=more, chance=0.9)
    with agent.task() as task:
        for _ in range(3):
            agent.call(task)
    assert [(call.thinking, call.effort) for call in agent.model.seen] == [
        ("high", None),
        ("high", "low"),
        ("high", "low"),
    ]


def test_turned_off_it_is_not_around_the_calls() -> None:
    agent = Agent("off", chance=0.9)
    assert agent.asked() == [None]
    (thinking,) = [plugin for plugin in agent.stack.plugins if isinstance(plugin, Thinking)]
    assert thinking.idle(agent.budget)


def test_a_landing_before_any_call_is_made_as_the_user_has_it() -> None:
    agent = Agent(more="limits: [{cycles: 1}]", chance=0.9)
    with agent.task() as task:
        agent.call(task)
    assert [(call.purpose, call.thinking) for call in agent.model.seen] == [("landing", None)]


def test_nothing_is_claimed_of_calls_without_a_price_or_without_a_report() -> None:
    agent = Agent(
        "{effort: high, below: low}", more="unknown_model: free", chance=0.9, can=replace(ALL, in_prefix=True)
    )
    agent.model.reports = False
    with agent.task() as task:
        agent.call(task)
        agent.call(task, (QUESTION, ASKS, FOUND))
    assert [(decision.cost, decision.other_cost) for decision in agent.outcomes.decisions()] == [(None, None)] * 2
    assert task.receipt().savings == ()


def test_an_effort_in_a_prefix_that_is_not_cached_or_not_priced_may_fall() -> None:
    loop = (QUESTION, ASKS, FOUND)
    for sent, model in ((500, "gpt-4o"), (5_000, "a model without a price")):
        agent = Agent("{phases: {result: 0.99}}", chance=0.9, can=replace(ALL, in_prefix=True))
        agent.model.input = sent
        with agent.task() as task:
            for messages in ((QUESTION,), loop):
                call = ModelCall(model, messages, tools=SEARCH, abilities=agent.abilities)
                run(agent.stack.model_flow(call, task), agent.model)
        assert agent.model.efforts == ["high", "none"]


def test_a_refusal_of_a_task_that_was_stopped_meanwhile_is_not_tried_again() -> None:
    agent = Agent(more="at_limit: raise", chance=0.9, can=BUDGETED)
    stop = leanloop.TaskStopped("enough")

    def send(call: ModelCall) -> ModelReply:
        agent.model.seen.append(call)
        task.stop(stop)
        raise leanloop.BudgetExceeded("enough", resource="tokens", scope="task", limit=1, spent=1, reserved=0, needed=1)

    with agent.task() as task, pytest.raises(leanloop.BudgetExceeded):
        run(
            agent.stack.model_flow(ModelCall("gpt-4o", (QUESTION,), tools=SEARCH, abilities=agent.abilities), task),
            send,
        )
    assert agent.model.efforts == ["high"]


def test_an_answer_of_the_cache_costs_nothing_and_decides_nothing() -> None:
    hits = Hits()
    agent = Agent(chance=0.9)
    thinking = Thinking(agent.stack.learning)
    with agent.task() as task:
        call = ModelCall("gpt-4o", (QUESTION,), tools=SEARCH, abilities=agent.abilities)
        reply = run(thinking.on_model(call, task), hits)
    assert reply.hit == "exact"
    assert list(agent.outcomes.decisions()) == []


class Hits:
    """Answers from a cache."""

    def __call__(self, call: ModelCall) -> ModelReply:
        return ModelReply(Message("assistant", "so"), hit="exact")


def test_of_many_conversations_in_a_task_the_latest_turns_are_remembered() -> None:
    turns = Turns()
    for number in range(40):
        turns.keep(str(number), Was("low"))
    assert turns.of("0") is None
    assert turns.of("39") == turns.latest == Was("low")


def test_the_least_of_what_a_model_knows_is_none_less() -> None:
    assert less("low", Abilities(("low",)), thinking=True) == "low"
    assert less("none", Abilities(("none",)), thinking=True) == "none"
    assert less("max", ALL, thinking=True) == "minimal"
    assert less("max", ALL, thinking=False) == "none"


@given(
    effort=st.sampled_from(EFFORTS),
    cap=st.none() | st.integers(1, 200_000),
    most=st.none() | st.integers(64, 200_000),
    output=st.none() | st.integers(64, 200_000),
)
def test_a_call_never_needs_more_output_than_it_may_have(
    effort: Any, cap: int | None, most: int | None, output: int | None
) -> None:
    can = replace(BUDGETED, output=output, default=None)
    fits = fitting(can.nearest(effort) or effort, can, most)
    call = asking(ModelCall("gpt-4o", (QUESTION,), max_output=cap), fits, can, most)
    assert call.min_output <= min(most or 10**6, output or 10**6)
    if cap is not None and call.max_output is not None:
        assert call.max_output >= cap
        assert call.max_output <= max(cap, min(most or 10**6, output or 10**6))
    assert EFFORTS.index(fits) <= EFFORTS.index(can.nearest(effort) or effort)


def test_a_history_without_a_question_is_a_turn_too() -> None:
    assert Agent(chance=0.9, can=BUDGETED).asked((THOUGHT, FOUND)) == ["high"]

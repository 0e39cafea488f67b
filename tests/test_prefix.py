"""The prompt prefix is kept: tools in one order, places to cache, and a word where an agent breaks it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import leanloop
from leanloop import Alert, Budget, MemoryStore, Message, ModelCall, ModelReply, Task, ToolRequest, ToolSpec, Usage
from leanloop.plugins.cache_marks import BEHIND_TOOLS, LOOKBACK, MOST, Sizes, cache_marks
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import compose
from leanloop.plugins.prefix import Prefix
from leanloop.plugins.tool_order import ToolOrder, in_order

SEARCH, READ, WRITE = (ToolSpec(name, f"Does {name}.") for name in ("search", "read", "write"))
LONG = "You are careful and say what you know. " * 200
SYSTEM = Message("system", LONG)
QUESTION = Message("user", "How are things?")


def budget(**prefix: Any) -> Budget:
    return Budget.model_validate({"agent": "a", "prefix": prefix})


class Agent:
    """What an agent sends, step by step, through the plugin."""

    def __init__(self, task: Task, plugin: Prefix | None = None, **call: Any) -> None:
        self.task = task
        self.plugin = plugin or Prefix()
        self.sent: list[ModelCall] = []
        first: dict[str, Any] = {
            "model": "claude-sonnet-4-5",
            "provider": "anthropic",
            "messages": (SYSTEM, QUESTION),
            "tools": (SEARCH, READ),
            "agent": "a",
        }
        self.call = ModelCall(**(first | call))

    def step(self, results: int = 1, **changes: Any) -> ModelCall:
        """One call, after which `results` tools have answered."""
        self.call = replace(self.call, **changes)

        def send(call: ModelCall) -> ModelReply:
            self.sent.append(call)
            return ModelReply(Message("assistant", "I look."), Usage(10, 5))

        run(compose((self.plugin.on_model,), self.call, self.task), send)
        number = len(self.sent)
        ids = [f"{number}-{place}" for place in range(results)]
        asked = Message("assistant", "I look.", tuple(ToolRequest(one, "search", "{}") for one in ids))
        found = [Message("tool", f"found {one}", tool_call_id=one) for one in ids]
        self.call = replace(self.call, messages=(*self.call.messages, asked, *found))
        return self.sent[-1]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.WARNING, "leanloop")
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.fixture
def task() -> Task:
    return Task(budget())


def test_each_call_marks_what_it_adds_and_finds_what_the_call_before_has_written(task: Task) -> None:
    agent = Agent(task)
    marks = [agent.step(results=2).cache_marks for _ in range(4)]
    assert marks == [(0, 1), (0, 1, 4), (0, 4, 7), (0, 7, 10)]


def test_a_step_of_many_blocks_still_finds_what_was_written_before_it(task: Task) -> None:
    agent = Agent(task)
    agent.step(results=3 * LOOKBACK)
    assert agent.step().cache_marks == (0, 1, 2 + 3 * LOOKBACK)


def test_tools_that_are_long_enough_have_a_place_of_their_own(task: Task) -> None:
    tools = (replace(SEARCH, description=LONG), READ)
    agent = Agent(task, tools=tools)
    assert [agent.step().cache_marks for _ in range(2)] == [(BEHIND_TOOLS, 0, 1), (BEHIND_TOOLS, 0, 1, 3)]


def test_a_prompt_below_the_providers_least_length_is_not_marked(task: Task) -> None:
    short = (Message("system", "Be brief."), QUESTION)
    assert Agent(task, messages=short).step().cache_marks is None
    assert Agent(task, model="claude-haiku-4-5").step().cache_marks is None  # 4,096 tokens


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": "openai", "model": "gpt-4o-mini"},
        {"provider": None},
        {"tools": ()},
        {"answer_tools": frozenset({"search", "read"})},
        {"agent": ""},
        {"messages": (replace(SYSTEM, marked=True), QUESTION)},
        {"tools": (replace(SEARCH, marked=True), READ)},
        {"purpose": "summary"},
    ],
    ids=["openai", "unknown", "no tools", "answers only", "no agent", "own mark", "own mark on a tool", "summary"],
)
def test_nothing_is_marked_that_nobody_reads_or_that_the_user_has_marked(changes: Any, task: Task) -> None:
    assert Agent(task, **changes).step().cache_marks is None


def test_a_switch_leaves_it_to_the_framework() -> None:
    assert Agent(Task(budget(breakpoints=False))).step().cache_marks is None


def test_a_loop_written_by_hand_is_marked_from_its_second_call_on(task: Task) -> None:
    agent = Agent(task, agent="", tools=())
    assert [agent.step().cache_marks for _ in range(3)] == [None, (0, 3), (0, 3, 5)]


def test_single_calls_on_one_system_prompt_are_not_marked(task: Task) -> None:
    agent = Agent(task, agent="")
    for number in range(3):
        assert agent.step(messages=(SYSTEM, Message("user", f"document {number}"))).cache_marks is None


def test_a_landing_reads_what_another_tool_choice_leaves_and_writes_nothing(task: Task) -> None:
    agent = Agent(task)
    agent.step()
    assert agent.step(purpose="landing").cache_marks == (0,)
    assert agent.step(purpose="step").cache_marks == (0, 1, 5)


def test_what_was_written_behind_a_changed_message_is_not_looked_for(task: Task) -> None:
    agent = Agent(task)
    for _ in range(3):
        agent.step()
    messages = list(agent.call.messages)
    messages[5] = Message("tool", "[cleared]", tool_call_id="2-0")
    assert agent.step(messages=tuple(messages)).cache_marks == (0, 3, 7)


def test_a_call_that_fails_has_written_nothing(task: Task) -> None:
    agent = Agent(task)

    def fail(call: ModelCall) -> ModelReply:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        run(compose((agent.plugin.on_model,), agent.call, task), fail)
    assert agent.step().cache_marks == (0, 1)


def test_a_long_history_of_an_earlier_task_is_looked_for_within_each_look_back(task: Task) -> None:
    older = [Message("user" if place % 2 else "assistant", f"turn {place}") for place in range(81)]
    marks = Agent(task, messages=(SYSTEM, *older, QUESTION)).step().cache_marks
    assert marks is not None
    assert len(marks) == MOST
    assert (marks[0], marks[-1]) == (0, 82)
    assert all(later - earlier <= LOOKBACK for earlier, later in pairwise(marks[1:]))


MESSAGES = st.lists(
    st.builds(
        Message,
        st.sampled_from(["user", "assistant", "tool"]),
        st.sampled_from(["", " ", "text"]),
        st.lists(st.builds(ToolRequest, st.just("1"), st.just("search"), st.just("{}")), max_size=30).map(tuple),
    ),
    max_size=60,
)


@given(MESSAGES, st.booleans(), st.integers(0, 3_000), st.integers(0, 80) | st.none(), st.booleans())
def test_marks_are_few_ascending_and_never_on_what_cannot_hold_one(
    history: list[Message], system: bool, size: int, written: int | None, goes_on: bool
) -> None:
    messages: Sequence[Message] = [SYSTEM, *history] if system else history
    marks = cache_marks(messages, Sizes(size // 4, size // 2, size, 1_024), written, goes_on=goes_on)
    assert len(marks) <= MOST
    assert list(marks) == sorted(set(marks))
    assert all(place < len(messages) for place in marks)
    for place in marks:
        if place >= (1 if system else 0):
            assert goes_on
            assert messages[place].role != "assistant"
            assert messages[place].text.strip()


def test_tools_keep_the_order_in_which_they_were_first_seen(task: Task) -> None:
    agent = Agent(task)
    tools = [
        agent.step(tools=tools).tools
        for tools in ((SEARCH, READ), (READ, SEARCH), (WRITE, READ, SEARCH), (READ, WRITE), (SEARCH, READ, WRITE))
    ]
    every = (SEARCH, READ, WRITE)
    assert tools == [(SEARCH, READ), (SEARCH, READ), every, (READ, WRITE), every]
    assert tools[0] is tools[1]


def test_tools_in_order_are_the_very_same_tuple() -> None:
    order, tools = ToolOrder(), (SEARCH, READ)
    assert order.of(tools) is order.of(tools) is tools
    again = (replace(SEARCH), READ)
    assert order.of(again) is again


def test_a_frameworks_own_tools_follow_their_specs_where_each_has_one() -> None:
    tools = [object(), object()]
    specs = [ToolSpec("b", raw=tools[1]), ToolSpec("a", raw=tools[0]), ToolSpec("answer")]
    assert in_order(tools, specs) == tools[::-1]
    assert in_order(tools, specs[:1]) is tools


@given(st.lists(st.permutations([SEARCH, READ, WRITE]), min_size=1))
def test_a_shuffled_set_of_tools_is_one_prefix(shuffles: list[list[ToolSpec]]) -> None:
    order = ToolOrder()
    assert len({tuple(tool.name for tool in order.of(tuple(tools))) for tools in shuffles}) == 1


def test_a_clock_in_the_system_prompt_is_told_once_with_the_step_and_the_token(told: Any) -> None:
    alerts: list[Alert] = []
    task = Task(budget(), on_alert=alerts.append)
    agent = Agent(task)
    for minute in range(4):
        agent.step(messages=(Message("system", f"{LONG}\nIt is 12:0{minute}."), *agent.call.messages[1:]))
    where = "broke in the system prompt, line 2, character 7 ('12:01.'), in step 2"
    (message,) = told()
    assert where in message
    assert "prefix: {volatile: behind}" in message
    assert [(alert.kind, alert.agent, alert.message) for alert in alerts] == [("prefix", "a", message)]
    assert task.receipt().notes == (f"The prompt prefix {where}.",)


def test_a_word_that_may_be_a_secret_is_not_shown(task: Task, told: Any) -> None:
    agent = Agent(task)
    for secret in ("sk-1234567890abcdefghij", "sk-9934567890abcdefghij"):
        agent.step(messages=(Message("system", f"{LONG}\nkey {secret}"), *agent.call.messages[1:]))
    (message,) = told()
    assert "(a word of 23 characters)" in message
    assert "34567890" not in message


def test_an_edited_history_is_told_at_the_message_it_begins_at(task: Task, told: Any) -> None:
    agent = Agent(task)
    agent.step()
    agent.step()
    system, _, *later = agent.call.messages
    agent.step(messages=(system, Message("user", "How are they?"), *later))
    agent.step()
    (message,) = told()
    assert "in message 2 (user), line 1, character 9 ('they?'), in step 3" in message


def test_a_window_that_slides_over_the_history_is_told_once(task: Task, told: Any) -> None:
    agent = Agent(task)
    for _ in range(3):
        agent.step()
    for _ in range(4):
        system, question, _, _, *later = agent.call.messages
        agent.step(messages=(system, question, *later))
    (message,) = told()
    assert "in message 3 (assistant), before which the history is cut each time, in step 5" in message


def test_a_history_that_is_summed_up_once_in_a_while_is_no_break(task: Task, told: Any) -> None:
    agent = Agent(task)
    for number in range(9):
        system, *history = agent.call.messages
        if number % 3 == 2:
            history = [Message("user", f"Summary {number} of it all."), *history[-2:]]
        agent.step(messages=(system, *history))
    for keep in (0, 1):
        system, *history = agent.call.messages
        agent.step(
            messages=(system, Message("user", ("All done.", "It rains now.")[keep]), *history[len(history) - keep :])
        )
    assert told() == []


def test_a_question_that_is_put_in_other_words_breaks_nothing(task: Task, told: Any) -> None:
    agent = Agent(task)
    for question in ("How are things today?", "How are things today then?"):
        agent.step(messages=(SYSTEM, Message("user", question)))
    assert told() == []


def test_a_result_that_is_an_error_afterwards_is_told_without_a_word(task: Task, told: Any) -> None:
    agent = Agent(task)
    agent.step()
    agent.step()
    *before, asked, result = agent.call.messages[:4]
    agent.step(messages=(*before, asked, replace(result, is_error=True), *agent.call.messages[4:]))
    (message,) = told()
    assert "in message 4 (tool), in step 3" in message


def test_a_reminder_put_before_the_history_in_each_call_is_told(task: Task, told: Any) -> None:
    agent = Agent(task)
    for number in range(3):
        system, question, *history = agent.call.messages
        agent.step(messages=(system, question, Message("user", f"Step {number}, mind the time."), *history))
    assert ["in message 3 (user)" in message for message in told()] == [True]


def test_another_question_in_the_same_task_is_another_history(task: Task, told: Any) -> None:
    agent = Agent(task)
    for question in ("How are things?", "Who won in 1954?", "Is it raining in Rome?"):
        agent.call = replace(agent.call, messages=(SYSTEM, Message("user", question)))
        for _ in range(2):
            agent.step()
    assert told() == []


def test_sub_agents_of_one_kind_that_work_at_the_same_time_are_told_apart(task: Task, told: Any) -> None:
    plugin = Prefix()
    agents = [
        Agent(task, plugin, messages=(SYSTEM, Message("user", question)))
        for question in ("Look into the first file.", "What does Bob think?", "Run the tests.")
    ]
    marks = [[agent.step().cache_marks for agent in agents] for _ in range(3)]
    assert marks == [[(0, 1)] * 3, [(0, 1, 3)] * 3, [(0, 3, 5)] * 3]
    assert told() == []


def test_results_that_leanloop_clears_are_no_break_of_the_agents_own(task: Task, told: Any) -> None:
    agent = Agent(task)
    for _ in range(3):
        agent.step()
    messages = list(agent.call.messages)
    line = Message("tool", "[cleared]", tool_call_id="1-0")
    task.cleared.add(messages[3], line)
    messages[3] = line
    agent.step(messages=tuple(messages))
    assert told() == []


def test_a_history_that_is_cut_back_or_goes_on_from_before_its_last_message_breaks_nothing(
    task: Task, told: Any
) -> None:
    agent = Agent(task)
    agent.step()
    agent.step()
    history = agent.call.messages
    agent.step(messages=(*history, Message("user", "Go on.")))
    agent.step(messages=(*history, Message("assistant", "There."), Message("tool", "found", tool_call_id="x")))
    agent.step(messages=history[:4])
    assert told() == []


def test_tools_that_come_go_or_change_are_told(task: Task, told: Any) -> None:
    agent = Agent(task)
    agent.step()
    agent.step(tools=(SEARCH, READ, WRITE))
    agent.step(tools=(SEARCH, replace(READ, description="Reads."), WRITE))
    agent.step(tools=(SEARCH,))
    assert [message.partition("in the tools, at ")[2].partition(":")[0] for message in told()] == [
        "'write', which is new, in step 2",
        "'read', which is described anew, in step 3",
    ]


def test_agents_that_take_turns_in_one_task_break_nothing(task: Task, told: Any) -> None:
    plugin = Prefix()
    writer = Agent(task, plugin)
    critic = Agent(task, plugin, messages=(Message("system", "Find faults. " * 500), QUESTION), tools=(WRITE,))
    marks = [(writer.step().cache_marks, critic.step().cache_marks) for _ in range(3)]
    assert marks == [((0, 1), (0, 1)), ((0, 1, 3), (0, 1, 3)), ((0, 3, 5), (0, 3, 5))]
    assert told() == []


def test_agents_of_one_team_may_have_tools_of_the_same_names(task: Task, told: Any) -> None:
    plugin = Prefix()
    first = Agent(task, plugin, messages=(QUESTION,), agent="first")
    first.step()
    second = Agent(task, plugin, messages=first.call.messages, agent="second")
    second.call = replace(second.call, tools=(replace(SEARCH, description="Elsewhere."), READ))
    second.step()
    first.step(messages=second.call.messages)
    assert told() == []


def test_an_answer_that_could_not_be_read_may_be_replaced(task: Task, told: Any) -> None:
    agent = Agent(task)
    agent.step()
    history = agent.call.messages
    for text in ("Tool 1", "Tool 2"):
        agent.step(messages=(*history, Message("assistant", text), Message("user", "That could not be read.")))
    assert told() == []


def test_a_date_at_the_top_is_told_when_the_next_task_of_the_agent_begins(told: Any) -> None:
    plugin = Prefix()
    for day in (21, 22, 23):
        Agent(Task(budget()), plugin, messages=(Message("system", f"Today is 2026-11-{day}\n{LONG}"), QUESTION)).step()
    (message,) = told()
    assert "line 1, character 10 ('2026-11-22'), in step 1, since the task before" in message


def test_a_prompt_may_say_other_things_to_another_user_but_not_another_time(told: Any) -> None:
    plugin = Prefix()
    for user in ("Ann", "Bob", "Eve"):
        task = Task(budget(), tags={"user": user})
        Agent(task, plugin, messages=(Message("system", f"You help {user}.\n{LONG}"), QUESTION)).step()
    assert told() == []
    for minute, user in enumerate(("Ann", "Bob")):
        task = Task(budget(), tags={"user": user})
        Agent(task, plugin, messages=(Message("system", f"It is 12:0{minute}.\n{LONG}"), QUESTION)).step()
    assert ["'12:01.'" in message for message in told()] == [True]


def test_of_many_agents_the_latest_are_remembered(told: Any) -> None:
    plugin = Prefix()
    for number in range(300):
        for agent in (f"agent-{number}", "agent-0"):
            budget = Budget(agent=agent)
            prompt = Message("system", f"You are careful. You say what you know. Number {number}.")
            Agent(Task(budget), plugin, messages=(prompt, QUESTION)).step()
    assert len(told()) == 1
    known = plugin._agents  # pyright: ignore[reportPrivateUsage]
    assert len(known) == 256


def test_another_prompt_of_another_agent_is_no_version_of_the_first(told: Any) -> None:
    plugin = Prefix()
    Agent(Task(budget()), plugin).step()
    Agent(Task(budget()), plugin, messages=(Message("system", "Find faults."), QUESTION)).step()
    assert told() == []


def test_a_date_is_sent_behind_the_history_from_the_first_call_on(told: Any) -> None:
    plugin, prompts = Prefix(), set[str]()
    for day in (21, 22):
        agent = Agent(Task(budget(volatile="behind")), plugin)
        text = f"Today is 2026-11-{day}.\n{LONG}"
        for _ in range(2):
            sent = agent.step(messages=(Message("system", text), *agent.call.messages[1:]))
            prompts.add(sent.messages[0].text)
            assert sent.messages[2] == Message("user", f"[system prompt] Today is 2026-11-{day}.")
    assert prompts == {f"Today is [see the end].\n{LONG}"}
    assert told() == []


def test_what_changes_in_the_system_prompt_is_sent_behind_the_history_and_stays_there(told: Any) -> None:
    agent = Agent(Task(budget(volatile="behind")))
    before: tuple[Message, ...] = ()
    for mood in ("calm", "calm", "stern", "calm"):
        prompt = Message("system", f"{LONG}\nYou meet customers in a {mood} way.\nBe kind.")
        sent = agent.step(messages=(prompt, *agent.call.messages[1:]))
        assert sent.messages[: len(before)] == before
        before = sent.messages
    notes = [message.text for message in before if message.text.startswith("[system prompt]")]
    assert notes == [
        "[system prompt] From here on:\nYou meet customers in a stern way.",
        "[system prompt] From here on:\nYou meet customers in a calm way.",
    ]
    assert told() == []


def test_a_rule_that_is_taken_back_is_said_to_hold_no_longer() -> None:
    agent = Agent(Task(budget(volatile="behind")))
    agent.step(messages=(Message("system", f"{LONG}\nNever refund.\nBe kind."), QUESTION))
    sent = agent.step(messages=(Message("system", f"{LONG}\nBe kind."), *agent.call.messages[1:]))
    assert sent.messages[-1].text == "[system prompt] No longer:\nNever refund."


def test_another_system_prompt_altogether_is_sent_as_it_is(told: Any) -> None:
    agent = Agent(Task(budget(volatile="behind")))
    agent.step(messages=(Message("system", "Plan the work. " * 100), QUESTION))
    other = Message("system", "Plan the work. " * 60 + "\nDo it now. " * 50)
    for _ in range(2):
        assert agent.step(messages=(other, *agent.call.messages[1:])).messages[0] is other
    assert len(told()) == 1


def test_a_system_prompt_with_pictures_or_the_users_own_mark_is_sent_as_it_is() -> None:
    agent = Agent(Task(budget(volatile="behind")))
    system = Message("system", f"Today is 2026-11-22.\n{LONG}", marked=True)
    assert agent.step(messages=(system, QUESTION)).messages == (system, QUESTION)


def test_a_call_about_which_there_is_nothing_to_say_passes_as_the_very_same(task: Task) -> None:
    plugin, call = Prefix(), Agent(task, provider="openai", model="gpt-4o-mini").call
    for _ in range(3):
        flow = plugin.on_model(call, task)
        assert next(flow) is call
        with pytest.raises(StopIteration):
            flow.send(ModelReply(Message("assistant", "done")))


def test_spending_is_not_changed_by_it(store: MemoryStore) -> None:
    with leanloop.task(budget(), store=store) as task:
        Agent(task).step()
    assert task.receipt().notes == ()

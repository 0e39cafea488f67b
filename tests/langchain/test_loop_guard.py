from __future__ import annotations

import itertools
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import ToolException, tool

from leanloop import Budget, Limit, Loop
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Budget(agent="a", limits=(Limit(cycles=30),))
REPEATED = "[repeated call, not run again]"


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


class Tools:
    """Tools that say how often they really ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        ticks = itertools.count()

        @tool
        def look(q: str) -> str:
            """Look."""
            self.ran.append(f"look {q}")
            return f"nothing about {q}"

        @tool
        def wait(job: str) -> str:
            """Wait for a job."""
            self.ran.append(f"wait {job}")
            return "still running"

        @tool
        def poll(job: str) -> str:
            """Poll a job."""
            self.ran.append(f"poll {job}")
            return f"{next(ticks)} % done"

        self.all = [look, wait, poll]


def asking(ask: Any, *calls: tuple[str, dict[str, Any]], times: int = 10) -> ScriptedModel:
    """Asks for `calls` in turn, `times` in all; answers where it may call nothing."""
    turns = itertools.cycle(calls)
    number = itertools.count()

    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        if not settings.get("tools") or next(number) >= times:
            return AIMessage("an answer")
        return ask(next(turns))  # type: ignore[no-any-return]

    return ScriptedModel(script=reply)


def notes(model: ScriptedModel) -> list[str]:
    """The loop guard's notes in the last prompt sent."""
    return [message.text for message in model.seen[-1][0] if message.text.startswith("[loop]")]


def test_equal_steps_are_told_once_then_answered_from_the_first_then_landed(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    tools, model = Tools(), asking(ask, ("look", {"q": "a"}), times=20)
    result = run(create_agent(model, tools.all, middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert tools.ran == ["look a"] * 3
    replayed = [m for m in result["messages"] if m.type == "tool" and m.text.startswith(REPEATED)]
    assert 1 <= len(replayed) <= 2
    assert all("nothing about a" in message.text for message in replayed)
    assert len(notes(model)) == 1
    assert 'look({"q":"a"}) was called 3 times' in notes(model)[0]
    last = result["messages"][-1]
    assert last.text == "an answer"
    assert "look" in last.response_metadata["leanloop"]["stopped"]
    assert last.response_metadata["leanloop"]["landed"] is True
    assert last.response_metadata["leanloop"]["tool_calls"] == {"look": 3}
    assert sum(saving["calls"] for saving in last.response_metadata["leanloop"]["savings"]) == len(replayed)
    assert len(model.seen) <= 7


def test_key_order_and_spacing_make_no_difference(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def both(a: int, b: int) -> str:
        """Both."""
        return "same"

    model = asking(ask, ("both", {"a": 1, "b": 2}), ("both", {"b": 2, "a": 1}))
    run(create_agent(model, [both], middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert len(notes(model)) == 1


def test_a_b_a_b_is_seen(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    tools = Tools()
    model = asking(ask, ("look", {"q": "a"}), ("look", {"q": "b"}), times=20)
    result = run(create_agent(model, tools.all, middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert any("in turns" in note or "was called" in note for note in notes(model))
    assert result["messages"][-1].response_metadata["leanloop"]["landed"] is True
    assert len(model.seen) < 15


def test_the_same_error_by_different_calls_is_seen(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    @tool
    def save(name: str) -> str:
        """Save."""
        raise ToolException("disk full")

    save.handle_tool_error = True
    model = asking(ask, *(("save", {"name": f"file-{n}"}) for n in range(9)), times=9)
    run(create_agent(model, [save], middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert any("The same error came 3 times: disk full" in note for note in notes(model))


def test_an_unknown_tool_is_answered_and_told_with_the_ones_there_are(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    tools = Tools()
    model = asking(ask, ("serach", {"q": "a"}), ("serach", {"q": "b"}), times=3)
    result = run(create_agent(model, tools.all, middleware=[LeanLoop(BUDGET, store=store)]), question())
    results = [message for message in result["messages"] if message.type == "tool"]
    asked = [c["id"] for m in result["messages"] if isinstance(m, AIMessage) for c in m.tool_calls]
    assert [message.tool_call_id for message in results] == asked
    assert all(message.status == "error" for message in results)
    named = "There is no tool named serach. The tools are: read_result, look, wait, poll."
    assert any(named in note for note in notes(model))
    assert result["messages"][-1].text == "an answer"


def test_polling_with_new_results_each_time_passes(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    tools, model = Tools(), asking(ask, ("poll", {"job": "1"}), times=20)
    result = run(create_agent(model, tools.all, middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert tools.ran == ["poll 1"] * 20
    assert notes(model) == []
    assert result["messages"][-1].response_metadata["leanloop"]["stopped"] is None


def test_a_tool_on_the_allow_list_may_repeat_itself(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    budget = BUDGET.model_copy(update={"loop": Loop(allow=("wait",))})
    tools, model = Tools(), asking(ask, ("wait", {"job": "1"}), times=20)
    run(create_agent(model, tools.all, middleware=[LeanLoop(budget, store=store)]), question())
    assert tools.ran == ["wait 1"] * 20
    assert notes(model) == []


def test_without_a_guard_everything_runs(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    tools, model = Tools(), asking(ask, ("look", {"q": "a"}), times=20)
    budget = BUDGET.model_copy(update={"loop": None})
    run(create_agent(model, tools.all, middleware=[LeanLoop(budget, store=store)]), question())
    assert tools.ran == ["look a"] * 20


def test_users_of_one_agent_do_not_influence_each_other(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    tools = Tools()

    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        done = sum(message.type == "tool" for message in messages)
        return AIMessage("done") if done == 2 else ask(("look", {"q": "the same"}))

    model = ScriptedModel(script=reply)
    agent = create_agent(model, tools.all, middleware=[LeanLoop(BUDGET, store=store)])
    results = run.many(agent, [question(f"user {n}") for n in range(10)])
    assert tools.ran == ["look the same"] * 20
    assert not any(message.text.startswith("[loop]") for sent, _ in model.seen for message in sent)
    assert {result["messages"][-1].text for result in results} == {"done"}


def test_a_new_question_starts_anew(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    tools, model = Tools(), asking(ask, ("look", {"q": "a"}), times=2)
    agent = create_agent(model, tools.all, middleware=[LeanLoop(BUDGET, store=store)])
    first = run(agent, question())
    again = asking(ask, ("look", {"q": "a"}), times=2)
    agent = create_agent(again, tools.all, middleware=[LeanLoop(BUDGET, store=store)])
    run(agent, {"messages": [*first["messages"], HumanMessage("And once more?")]})
    assert tools.ran == ["look a"] * 4
    assert notes(again) == []


def test_repeats_within_one_batch_of_parallel_calls_are_seen(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    tools = Tools()
    batch = ask(*(("look", {"q": "a"}) for _ in range(4)))
    model = ScriptedModel(script=[batch, AIMessage("done")])
    run(create_agent(model, tools.all, middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert len(notes(model)) == 1

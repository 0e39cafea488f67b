"""However a run ends, nothing stays set aside for its landing, it is not remembered for ever, and an answer that
leanloop can see has the receipt.
"""

# create_agent's own annotations lack type arguments, and a ledger is looked into:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false
from __future__ import annotations

import gc
import threading
from contextlib import closing
from typing import Any

import pytest
from langchain.agents.middleware import HumanInTheLoopMiddleware, ModelCallLimitMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage, InvalidToolCall, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel

from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop, wrap
from leanloop.adapters.langchain.runs import _IDLE_KEPT
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.budgets.sqlite import SqliteStore

BUDGET = Budget(agent="a", limits=(Limit(per="day", tokens=1_000_000),))


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


@tool(return_direct=True)
def hand_over(to: str) -> str:
    """Hand over to a person."""
    return f"{to} will answer."


@tool(return_direct=True)
def hand_on(to: str) -> Any:
    """Hand over to a person."""
    return Command(update={"messages": [ToolMessage(f"{to} will answer.", tool_call_id="call-0")]})


class Days(BaseModel):
    """How many days."""

    days: int


def question() -> dict[str, Any]:
    return {"messages": [HumanMessage("Find out.")]}


def searching(ask: Any) -> ScriptedModel:
    """A model that asks for another search for ever."""
    return ScriptedModel(script=lambda messages, _: ask(("search", {"q": f"{len(messages)}"})))


def receipt_of(result: dict[str, Any]) -> Any:
    return result["messages"][-1].response_metadata["leanloop"]


@pytest.mark.parametrize("direct", [hand_over, hand_on])
def test_a_result_that_goes_to_the_user_has_the_receipt(
    run: Any, create_agent: Any, store: Any, ask: Any, direct: Any
) -> None:
    model = ScriptedModel(script=[ask((direct.name, {"to": "Ann"}))])
    loop = LeanLoop(BUDGET, store=store)
    result = run(create_agent(model, [direct, search], middleware=[loop]), question())
    assert result["messages"][-1].text == "Ann will answer."
    assert receipt_of(result)["tool_calls"] == {direct.name: 1}
    assert store.reserved() == {}


def test_a_result_of_several_that_the_model_reads_has_none(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    model = ScriptedModel(script=[ask(("hand_over", {"to": "Ann"}), ("search", {"q": "a"})), AIMessage("done")])
    loop = LeanLoop(BUDGET, store=store)
    result = run(create_agent(model, [hand_over, search], middleware=[loop]), question())
    assert [message for message in result["messages"] if "leanloop" in message.response_metadata] == [
        result["messages"][-1]
    ]
    assert result["messages"][-1].text == "done"


def test_a_structured_answer_that_is_a_tools_has_the_receipt_on_the_last_message(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    model = ScriptedModel(script=[ask(("search", {"q": "a"})), ask(("Days", {"days": 30}))])
    agent = create_agent(
        model, [search], response_format=ToolStrategy(Days), middleware=[LeanLoop(BUDGET, store=store)]
    )
    result = run(agent, question())
    assert result["structured_response"] == Days(days=30)
    assert isinstance(result["messages"][-1], ToolMessage)
    assert receipt_of(result)["model_calls"] == 2
    assert receipt_of(result) == result["messages"][-2].response_metadata["leanloop"]


def test_an_answer_with_nothing_but_unreadable_tool_calls_ends_the_run(run: Any, create_agent: Any, store: Any) -> None:
    broken = InvalidToolCall(name="search", args="{not json", id="call-0", error="no JSON", type="invalid_tool_call")
    model = ScriptedModel(script=[AIMessage("", invalid_tool_calls=[broken])])
    result = run(create_agent(model, [search], middleware=[LeanLoop(BUDGET, store=store)]), question())
    assert len(model.seen) == 1
    assert receipt_of(result)["model_calls"] == 1
    assert store.reserved() == {}


def test_nothing_stays_set_aside_where_another_middleware_ends_the_run(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    middleware = [ModelCallLimitMiddleware(run_limit=2), LeanLoop(BUDGET, store=store)]
    run(create_agent(searching(ask), [search], middleware=middleware), question())
    gc.collect()
    assert store.spent("tokens")
    assert store.reserved() == {}


def test_nothing_stays_set_aside_behind_the_recursion_limit(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    agent = create_agent(searching(ask), [search], middleware=[LeanLoop(BUDGET, store=store)])
    with pytest.raises(GraphRecursionError):
        run(agent, question(), {"recursion_limit": 5})
    gc.collect()
    assert store.reserved() == {}


def test_nothing_stays_set_aside_for_a_stream_that_is_dropped(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    agent = create_agent(searching(ask), [search], middleware=[LeanLoop(BUDGET, store=store)])
    run.stream(agent, question(), most=2, stream_mode="updates")
    gc.collect()
    assert store.spent("tokens")
    assert store.reserved() == {}


def test_a_durable_store_has_it_back_when_a_person_is_asked_between_the_calls(
    run: Any, create_agent: Any, ask: Any, tmp_path: Any
) -> None:
    budget = Budget(agent="a", limits=(Limit(model_calls=2),))
    model = ScriptedModel(
        script=lambda _, settings: ask(("search", {"q": "a"})) if settings.get("tools") else AIMessage("what I have")
    )

    def resumed(given: Any) -> Any:
        """As in another process: nothing but the store and the checkpoint is known."""
        with closing(SqliteStore(tmp_path / "ledger.db")) as store:
            middleware = [HumanInTheLoopMiddleware({"search": True}), LeanLoop(budget, store=store)]
            agent = create_agent(model, [search], middleware=middleware, checkpointer=checkpoints)
            result = run(agent, given, {"configurable": {"thread_id": "t"}})
            gc.collect()
            return result

    checkpoints = InMemorySaver()
    assert "__interrupt__" in resumed(question())
    result = resumed(Command(resume={"decisions": [{"type": "approve"}]}))
    assert result["messages"][-1].text == "what I have"


def test_a_run_that_was_resumed_outlasts_what_it_was_begun_with(create_agent: Any, store: Any, ask: Any) -> None:
    loop = LeanLoop(BUDGET, store=store)
    writers = [lambda: None, lambda: None]
    [run] = runs_of(loop, create_agent(ScriptedModel(script=[AIMessage("done")]), [], middleware=[loop]))
    run.lasts_as_long_as(writers[0])
    run.lasts_as_long_as(writers[1])
    run.idle = False
    del writers[0]
    assert not run.idle
    del writers[0]
    assert run.idle


def runs_of(loop: LeanLoop, agent: Any) -> list[Any]:
    agent.invoke(question())
    return list(loop.runs._by_run.values())


def test_runs_of_a_graph_with_a_wrapped_model_are_not_remembered_for_ever(store: Any) -> None:
    loop = LeanLoop(BUDGET, store=store)
    model = wrap(ScriptedModel(script=[AIMessage("done")]), loop)

    def say(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("say", say)
    graph.add_edge(START, "say")
    graph.add_edge("say", END)
    compiled: Any = graph.compile()
    for _ in range(3):
        compiled.invoke(question())
    assert [run.idle for run in loop.runs._by_run.values()] == [True] * 3
    assert _IDLE_KEPT < 10_000


def test_a_run_that_is_over_is_told_so_from_any_thread(create_agent: Any, store: Any, ask: Any) -> None:
    agent = create_agent(searching(ask), [search], middleware=[LeanLoop(BUDGET, store=store)])
    stream = agent.stream(question(), stream_mode="updates")
    next(stream)
    assert store.reserved()
    closing = threading.Thread(target=stream.close)
    closing.start()
    closing.join()
    del stream
    gc.collect()
    assert store.reserved() == {}

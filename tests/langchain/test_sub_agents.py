from __future__ import annotations

import itertools
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool

from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop, LeanLoopCallback
from leanloop.adapters.langchain.scripted import ScriptedModel


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def question(text: str = "Find out.") -> dict[str, Any]:
    return {"messages": [HumanMessage(text)]}


def searcher(ask: Any, steps: int) -> ScriptedModel:
    """Searches `steps` times, then answers; answers at once where it may not search."""

    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        done = sum(message.type == "tool" for message in messages)
        if done >= steps or not settings.get("tools"):
            return AIMessage(f"answer after {done}")
        return ask(("search", {"q": f"topic {done}"}))  # type: ignore[no-any-return]

    return ScriptedModel(script=reply)


def as_tool(agent: Any) -> Any:
    """The agent as a tool with both forms, its answer as the result."""

    @tool
    def research(topic: str) -> str:
        """Let a sub-agent find out."""
        return str(agent.invoke(question(topic))["messages"][-1].text)

    async def aresearch(topic: str) -> str:
        return str((await agent.ainvoke(question(topic)))["messages"][-1].text)

    research.coroutine = aresearch
    return research


def delegating(ask: Any, times: int = 1) -> ScriptedModel:
    asked = ask(*(("research", {"topic": f"part {n}"}) for n in range(times)))
    return ScriptedModel(script=[asked, AIMessage("all done")])


def receipt(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["messages"][-1].response_metadata["leanloop"]
    return found


def test_a_sub_agent_without_leanloop_is_counted_in_the_parent(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    inner = searcher(ask, 3)
    outer = delegating(ask)
    agent = create_agent(
        outer,
        [as_tool(create_agent(inner, [search]))],
        middleware=[LeanLoop(Budget(agent="a", limits=(Limit(tokens=100_000, tool_calls=10),)), store=store)],
    )
    result = run(agent, question())
    assert receipt(result)["model_calls"] == len(inner.seen) + len(outer.seen) == 6
    assert receipt(result)["tool_calls"] == {"research": 1, "search": 3}
    assert store.spent("tokens") == [receipt(result)["tokens"]]
    assert store.spent("tool_calls") == [4]


def test_a_sub_agent_with_its_own_leanloop_is_counted_once_in_both(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    inner = searcher(ask, 3)
    child = LeanLoop(Budget(agent="child", limits=(Limit(tokens=50_000, cycles=9),)))
    parent = LeanLoop(Budget(agent="parent", limits=(Limit(tokens=100_000, cycles=2),)), store=store)
    outer = delegating(ask)
    agent = create_agent(outer, [as_tool(create_agent(inner, [search], middleware=[child]))], middleware=[parent])
    result = run(agent, question())
    assert receipt(result)["model_calls"] == 6
    assert receipt(result)["tool_calls"] == {"research": 1, "search": 3}
    assert receipt(result)["cycles"] == 2, "a sub-agent's cycles are its own"
    mine, all_of_it = sorted(store.spent("tokens"))
    assert 0 < mine < all_of_it == receipt(result)["tokens"]
    assert sorted(store.spent("cycles")) == [2, 4]


def test_a_sub_agent_that_runs_out_lands_and_its_parent_goes_on(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    child = LeanLoop(Budget(agent="child", limits=(Limit(cycles=3),)))
    parent = LeanLoop(Budget(agent="parent", limits=(Limit(cycles=5),)), store=store)
    inner = create_agent(searcher(ask, 50), [search], middleware=[child])
    result = run(create_agent(delegating(ask), [as_tool(inner)], middleware=[parent]), question())
    assert [message.text for message in result["messages"]][2:] == ["answer after 2", "all done"]
    assert receipt(result)["stopped"] is None


@pytest.mark.parametrize("own", [False, True], ids=["without leanloop", "with its own leanloop"])
def test_a_sub_agent_cannot_outspend_its_parent(run: Any, create_agent: Any, store: Any, ask: Any, own: bool) -> None:
    loops = [LeanLoop(Budget(agent="child", limits=(Limit(tokens=10**9, cycles=10**6),), loop=None))] if own else []
    inner = create_agent(searcher(ask, 500), [search], middleware=loops)
    parent = LeanLoop(Budget(agent="parent", limits=(Limit(tokens=5_000),)), store=store)
    result = run(create_agent(delegating(ask), [as_tool(inner)], middleware=[parent]), question())
    assert result["messages"][-1].text
    assert receipt(result)["landed"] is True
    assert min(store.spent("tokens")) <= 5_000
    assert receipt(result)["tokens"] <= 5_000


@pytest.mark.parametrize("own", [False, True], ids=["without leanloop", "with its own leanloop"])
def test_parallel_sub_agents_together_stay_within_the_parent(
    run: Any, create_agent: Any, store: Any, ask: Any, own: bool
) -> None:
    loops = [LeanLoop(Budget(agent="child", limits=(Limit(model_calls=10**6),)))] if own else []
    models = [searcher(ask, 500)]
    inner = create_agent(models[0], [search], middleware=loops)
    outer = delegating(ask, times=6)
    parent = LeanLoop(Budget(agent="parent", limits=(Limit(model_calls=15),)), store=store)
    result = run(create_agent(outer, [as_tool(inner)], middleware=[parent]), question())
    assert len(models[0].seen) + len(outer.seen) == receipt(result)["model_calls"] <= 15
    results = [message for message in result["messages"] if message.type == "tool"]
    assert len(results) == 6
    assert all(message.text for message in results)
    assert result["messages"][-1].text == "all done"


def test_sub_agents_of_sub_agents_are_counted_all_the_way_up(run: Any, create_agent: Any, store: Any, ask: Any) -> None:
    budgets = [Budget(agent=f"level-{n}", limits=(Limit(model_calls=100),)) for n in range(3)]
    leaf = create_agent(searcher(ask, 2), [search], middleware=[LeanLoop(budgets[2])])
    middle = create_agent(delegating(ask), [as_tool(leaf)], middleware=[LeanLoop(budgets[1])])
    top = create_agent(delegating(ask), [as_tool(middle)], middleware=[LeanLoop(budgets[0], store=store)])
    result = run(top, question())
    assert sorted(store.spent("model_calls")) == [3, 5, 7]
    assert receipt(result)["tool_calls"] == {"research": 2, "search": 2}


def test_the_task_sub_agents_of_deepagents_are_counted(run: Any, create_deep_agent: Any, store: Any, ask: Any) -> None:
    turns = itertools.count()

    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        if next(turns) == 0:
            return ask(("task", {"description": "Look it up.", "subagent_type": "general-purpose"}))  # type: ignore[no-any-return]
        return AIMessage("found")

    model = ScriptedModel(script=reply)
    budget = Budget(agent="deep", limits=(Limit(tokens=500_000),))
    agent = create_deep_agent(model=model, tools=[search], middleware=[LeanLoop(budget, store=store)])
    result = run(agent, question())
    assert len(model.seen) == 3
    assert receipt(result)["model_calls"] == 3
    assert receipt(result)["tool_calls"] == {"task": 1}
    assert store.spent("tokens") == [receipt(result)["tokens"]]


def test_a_callback_handed_to_the_parent_counts_a_sub_agent_once_beside_the_middleware(
    run: Any, create_agent: Any, store: Any, ask: Any
) -> None:
    inner, outer = searcher(ask, 2), delegating(ask)
    parent = LeanLoop(Budget(agent="parent", limits=(Limit(model_calls=100, tool_calls=100),)), store=store)
    agent = create_agent(outer, [as_tool(create_agent(inner, [search]))], middleware=[parent])
    result = run(agent, question(), {"callbacks": [LeanLoopCallback()]})
    assert receipt(result)["model_calls"] == 5
    assert store.spent("model_calls") == [5]
    assert store.spent("tool_calls") == [3]

"""The name of the user's own node reaches the call, in a graph and in an agent inside of one."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent  # pyright: ignore[reportUnknownVariableType]
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import START, StateGraph

from leanloop import ModelCall, ModelFlow, ModelReply, Plugin, Task
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.node import node_of_call


class State(TypedDict, total=False):
    node: str
    messages: list[Any]


def _tells(state: State) -> State:
    return {"node": node_of_call()}


def test_outside_of_a_graph_there_is_none() -> None:
    assert node_of_call() == ""


@pytest.mark.parametrize(("name", "told"), [("research", "research"), ("agent", ""), ("Guard.before_model", "")])
def test_in_a_graph_it_is_the_nodes_name_where_that_tells_something(name: str, told: str) -> None:
    graph: Any = StateGraph(State)
    graph.add_node(name, _tells)
    graph.add_edge(START, name)
    assert graph.compile().invoke({})["node"] == told


class Watch(Plugin):
    def __init__(self) -> None:
        self.nodes: list[str] = []

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        self.nodes.append(call.node)
        reply: ModelReply = yield call
        return reply


async def test_an_agents_own_nodes_are_passed_over() -> None:
    watch = Watch()
    model = GenericFakeChatModel(messages=iter(AIMessage(f"answer {number}") for number in range(3)))
    agent: Any = create_agent(model, middleware=[LeanLoop(plugins=[watch])])
    asked: Any = {"messages": [("user", "Who?")]}
    agent.invoke(asked)
    graph: Any = StateGraph(State)
    graph.add_node("research", agent)
    graph.add_edge(START, "research")
    whole = graph.compile()
    whole.invoke(asked)
    await whole.ainvoke(asked)
    assert watch.nodes == ["", "research", "research"]

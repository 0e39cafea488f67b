"""A LangGraph graph of one's own under a budget: the model and the tools are wrapped, the graph stays as it is.

Run: python examples/langgraph_graph.py
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini python examples/langgraph_graph.py
"""

# StateGraph's own annotations lack type arguments:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolCall
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.langchain import wrap, wrap_tool
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Budget(agent="weather", limits=(Limit(usd=Decimal("0.02"), model_calls=6, tool_calls={"weather": 3}),))


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"{city}: 18 degrees, light rain."


def example_model() -> BaseChatModel:
    """The model named in the environment; without one, a script that asks for one city after the other."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)
    cities = ("Oslo", "Rome", "Lima", "Cairo")
    asks = [
        AIMessage("", tool_calls=[ToolCall(name="weather", args={"city": city}, id=f"call_{city}")]) for city in cities
    ]
    return ScriptedModel(script=[*asks, AIMessage("It rains lightly in Oslo, Rome and Lima; Cairo was not looked up.")])


def graph(model: BaseChatModel) -> Any:
    """The usual two nodes."""
    tools = [wrap_tool(weather)]
    asked = wrap(model).bind_tools(tools)

    def ask(state: MessagesState) -> dict[str, Any]:
        return {"messages": [asked.invoke(state["messages"])]}

    steps = StateGraph(MessagesState)
    steps.add_node("ask", ask)
    steps.add_node("tools", ToolNode(tools))
    steps.add_edge(START, "ask")
    steps.add_conditional_edges("ask", tools_condition)
    steps.add_edge("tools", "ask")
    return steps.compile()


def main() -> None:
    question = "What is the weather in Oslo, Rome, Lima and Cairo?"
    # Wrapped without a budget, model and tools belong to whatever task is open.
    with leanloop.task(BUDGET) as task:
        state = graph(example_model()).invoke({"messages": [{"role": "user", "content": question}]})
    print(state["messages"][-1].text)
    print(task.receipt())


if __name__ == "__main__":
    main()

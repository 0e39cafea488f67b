"""A LangChain agent under a budget file: one line in the list of middleware.

Run: python examples/langchain_agent.py
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini python examples/langchain_agent.py
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolCall

from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Path(__file__).parent / "budgets" / "support.yaml"
ARTICLES = {"returns": "Goods can be sent back within 30 days. The label is in the parcel.", "shipping": "Two days."}


def search(topic: str) -> str:
    """Search the help articles for a topic."""
    return ARTICLES.get(topic, f"No article. There are: {', '.join(ARTICLES)}.")


def example_model() -> BaseChatModel:
    """The model named in the environment; without one, a script that searches once and answers."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)
    return ScriptedModel(
        script=[
            AIMessage("", tool_calls=[ToolCall(name="search", args={"topic": "returns"}, id="call_1")]),
            AIMessage("You have 30 days; the label is in the parcel."),
        ]
    )


def main() -> None:
    agent: Any = create_agent(example_model(), [search], middleware=[LeanLoop.from_file(BUDGET)])
    state = agent.invoke(
        {"messages": [{"role": "user", "content": "How long do I have to send something back?"}]},
        # Tags: the budget has a limit per day for each user.
        {"configurable": {"leanloop": {"user": "u1"}}},
    )
    answer = state["messages"][-1]
    receipt = answer.response_metadata["leanloop"]
    print(answer.text)
    print(f"{receipt['model_calls']} model calls, {receipt['tokens']} tokens, ${receipt['usd']}")


if __name__ == "__main__":
    main()

"""A LangChain agent with a cache: asked again, in the same words or in other spelling, it asks no model.

Run: python examples/langchain_cached_agent.py
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini python examples/langchain_cached_agent.py
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
from langchain_core.messages import AIMessage, BaseMessage, ToolCall

from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Path(__file__).parent / "budgets" / "helpdesk.yaml"
ARTICLES = {"returns": "Goods can be sent back within 30 days. The label is in the parcel.", "shipping": "Two days."}
QUESTIONS = (
    "How long do I have to send something back?",
    "How long do I have to send something back?",
    "hi, how long do i have to send something back",
)


def search(topic: str) -> str:
    """Search the help articles for a topic."""
    return ARTICLES.get(topic, f"No article. There are: {', '.join(ARTICLES)}.")


def example_model() -> BaseChatModel:
    """The model named in the environment; without one, a script that searches and answers."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)

    def script(messages: list[BaseMessage], _: dict[str, Any]) -> AIMessage:
        if messages[-1].type == "human":
            return AIMessage("", tool_calls=[ToolCall(name="search", args={"topic": "returns"}, id="call_1")])
        return AIMessage("You have 30 days; the label is in the parcel.")

    return ScriptedModel(script=script)


def main() -> None:
    agent: Any = create_agent(example_model(), [search], middleware=[LeanLoop.from_file(BUDGET)])
    for question in QUESTIONS:
        state = agent.invoke({"messages": [{"role": "user", "content": question}]})
        answer = state["messages"][-1]
        receipt = answer.response_metadata["leanloop"]
        used = receipt["cache"]
        hits = ", ".join(f"{used[tier]} {tier}" for tier in ("exact", "normal", "results") if used[tier]) or "none"
        print(answer.text)
        print(f"  {receipt['model_calls']} model calls, {receipt['tokens']} tokens; from the cache: {hits}")


if __name__ == "__main__":
    main()

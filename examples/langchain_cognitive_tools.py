"""A LangChain agent on a small model, which has its work checked by cognitive tools, one of them its own.

Run: python examples/langchain_cognitive_tools.py
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini python examples/langchain_cognitive_tools.py
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

from leanloop import load_budget
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.plugins.scaffold import CognitiveTool

HERE = Path(__file__).parent
QUESTION = "A pallet holds 17 boxes of 24 cans. How many cans are on 12 pallets?"


def example_model() -> BaseChatModel:
    """The model named in the environment; without one, a script that slips in a digit until it is told."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)

    def script(messages: list[BaseMessage], _: dict[str, Any]) -> AIMessage:
        system = messages[0].text
        if system.startswith("You make a rough estimate"):
            return AIMessage("20 * 20 * 10 is 4,000, so between 4,000 and 6,000.")
        if system.startswith("You check somebody else's work"):
            return AIMessage("Does not hold. '17 * 24 = 398': it is 408.")
        match len(messages):
            case 2:
                return _asks("estimate_first", question=QUESTION)
            case 4:
                return _asks("examine_answer", question=QUESTION, reasoning="17 * 24 = 398; 398 * 12 = 4,776.")
            case _:
                return AIMessage("17 * 24 is 408, so there are 408 * 12 = 4,896 cans.")

    return ScriptedModel(script=script)


def _asks(tool: str, **given: str) -> AIMessage:
    return AIMessage("", tool_calls=[ToolCall(name=tool, args=given, id=f"call_{tool}")])


def main() -> None:
    estimate = CognitiveTool.from_file(HERE / "cognitive_tools" / "estimate_first.md")
    loop = LeanLoop(load_budget(HERE / "budgets" / "tutor.yaml"), cognitive_tools=[estimate])
    agent: Any = create_agent(example_model(), middleware=[loop])
    state = agent.invoke({"messages": [{"role": "user", "content": QUESTION}]})
    answer = state["messages"][-1]
    receipt = answer.response_metadata["leanloop"]
    uses = ", ".join(f"{name} {times}" for name, times in receipt["tool_calls"].items()) or "none"
    print(answer.text)
    print(f"{receipt['model_calls']} model calls, ${receipt['usd']}; cognitive tools: {uses}")
    for saving in receipt["savings"]:
        print(f"{saving['what']}: {saving['tokens']} tokens, ${saving['usd']} ({saving['how']})")


if __name__ == "__main__":
    main()

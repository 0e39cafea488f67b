"""A LangChain agent whose tool gives a long log: shortened when it arrives, and read back where it matters.

Run: python examples/langchain_long_results.py
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini python examples/langchain_long_results.py
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall

from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Path(__file__).parent / "budgets" / "builds.yaml"


def build(target: str) -> str:
    """Build a target and give the log."""
    lines = [f"[{number}/3000] compiling {target}/part_{number}.c" for number in range(1, 3_001)]
    lines[1_876] = f"{target}/part_1877.c:12: error: 'width' undeclared"
    return "\n".join(lines)


def example_model() -> BaseChatModel:
    """The model named in the environment; without one, a script that builds, reads around the error and answers."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)

    def script(messages: list[BaseMessage], _: dict[str, Any]) -> AIMessage:
        results = [str(message.content) for message in messages if message.type == "tool"]
        if not results:
            return AIMessage("", tool_calls=[ToolCall(name="build", args={"target": "shop"}, id="call_1")])
        if len(results) == 1:
            handle = re.findall(r'read_result\("(\w+)"', results[0])[0]
            arguments = {"handle": handle, "lines": "1876-1878"}
            return AIMessage("", tool_calls=[ToolCall(name="read_result", args=arguments, id="call_2")])
        return AIMessage("part_1877.c does not declare 'width'; the parts before and after it compile.")

    return ScriptedModel(script=script)


def main() -> None:
    agent: Any = create_agent(example_model(), [build], middleware=[LeanLoop.from_file(BUDGET)])
    state = agent.invoke({"messages": [{"role": "user", "content": "Why does the shop not build?"}]})
    for message in state["messages"]:
        if message.type == "tool":
            print(str(message.content).partition("\n")[0])
    answer = state["messages"][-1]
    receipt = answer.response_metadata["leanloop"]
    print(answer.text)
    for saving in receipt["savings"]:
        print(f"{saving['what']}: {saving['tokens']:,} tokens ({saving['how']})")
    print(f"{receipt['model_calls']} model calls, {receipt['tokens']} tokens, ${receipt['usd']}")


if __name__ == "__main__":
    main()

"""A LlamaIndex agent under a budget file: a guarded twin of the agent, which itself stays as it was.

Run: python examples/llama_index_agent.py
With a real model: pip install llama-index-llms-openai, then
LEANLOOP_EXAMPLE_MODEL=gpt-4o-mini python examples/llama_index_agent.py
"""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM

from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

BUDGET = Path(__file__).parent / "budgets" / "support.yaml"
ARTICLES = {"returns": "Goods can be sent back within 30 days. The label is in the parcel.", "shipping": "Two days."}


def search(topic: str) -> str:
    """Search the help articles for a topic."""
    return ARTICLES.get(topic, f"No article. There are: {', '.join(ARTICLES)}.")


def example_model() -> FunctionCallingLLM:
    """The model of OpenAI named in the environment; without one, a script that searches once and answers."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        model: FunctionCallingLLM = import_module("llama_index.llms.openai").OpenAI(model=name.removeprefix("openai:"))
        return model
    asked = ToolCallBlock(tool_call_id="call_1", tool_name="search", tool_kwargs={"topic": "returns"})
    return ScriptedLLM(
        script=[
            ChatMessage(role=MessageRole.ASSISTANT, blocks=[asked]),
            "You have 30 days; the label is in the parcel.",
        ]
    )


async def main() -> None:
    agent = LeanLoop.from_file(BUDGET).agent(FunctionAgent(llm=example_model(), tools=[search]))
    # Tags: the budget has a limit per day for each user.
    answer: Any = await agent.run(user_msg="How long do I have to send something back?", leanloop={"user": "u1"})
    receipt = answer["leanloop"]
    print(answer)
    print(f"{receipt['model_calls']} model calls, {receipt['tokens']} tokens, ${receipt['usd']}")


if __name__ == "__main__":
    asyncio.run(main())

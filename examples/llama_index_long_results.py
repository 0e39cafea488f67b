"""A LlamaIndex agent whose tool gives a long table: shortened when it arrives, and read back where it matters.

Run: python examples/llama_index_long_results.py
With a real model: pip install llama-index-llms-openai, then
LEANLOOP_EXAMPLE_MODEL=gpt-4o-mini python examples/llama_index_long_results.py
"""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
import json
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM

from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

BUDGET = Path(__file__).parent / "budgets" / "builds.yaml"


def orders(customer: str) -> str:
    """All orders of a customer, as JSON."""
    return json.dumps([{"order": number, "customer": customer, "usd": number % 90} for number in range(1, 2_001)])


def example_model() -> FunctionCallingLLM:
    """The model of OpenAI named in the environment; without one, a script that asks, reads one order and answers."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        model: FunctionCallingLLM = import_module("llama_index.llms.openai").OpenAI(model=name.removeprefix("openai:"))
        return model

    def script(messages: list[ChatMessage], _: dict[str, Any]) -> ChatMessage | str:
        results = [message.content or "" for message in messages if message.role is MessageRole.TOOL]
        if not results:
            call = ToolCallBlock(tool_call_id="call_1", tool_name="orders", tool_kwargs={"customer": "ann"})
        elif len(results) == 1:
            handle = re.findall(r'read_result\("(\w+)"', results[0])[0]
            arguments = {"handle": handle, "path": "$[?@.order == 1234]"}
            call = ToolCallBlock(tool_call_id="call_2", tool_name="read_result", tool_kwargs=arguments)
        else:
            return f"Order 1234 came to ${re.findall(r'.usd.: ?([0-9]+)', results[1])[0]}."
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[call])

    return ScriptedLLM(script=script)


async def main() -> None:
    agent = LeanLoop.from_file(BUDGET).agent(FunctionAgent(llm=example_model(), tools=[orders]))
    answer: Any = await agent.run(user_msg="What did ann's order 1234 come to?")
    receipt = answer["leanloop"]
    print(answer)
    for saving in receipt["savings"]:
        print(f"{saving['what']}: {saving['tokens']:,} tokens ({saving['how']})")
    print(f"{receipt['model_calls']} model calls, {receipt['tokens']} tokens, ${receipt['usd']}")


if __name__ == "__main__":
    asyncio.run(main())

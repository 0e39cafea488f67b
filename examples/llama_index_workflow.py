"""Two LlamaIndex agents that hand over to each other: the whole AgentWorkflow draws from one budget.

Run: python examples/llama_index_workflow.py
With a real model: pip install llama-index-llms-openai, then
LEANLOOP_EXAMPLE_MODEL=gpt-4o-mini python examples/llama_index_workflow.py
"""

# LlamaIndex's `run` is an overload of which the first is deprecated, and what it gives has no type:
# pyright: reportDeprecated=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
import os
from decimal import Decimal
from importlib import import_module
from typing import Any

from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM

from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

BUDGET = Budget(agent="newsroom", limits=(Limit(usd=Decimal("0.05"), model_calls=10, tool_calls={"look_up": 4}),))


def look_up(topic: str) -> str:
    """Look a topic up."""
    return f"{topic}: opened in 1912, closed on Mondays."


def calls(tool: str, **arguments: str) -> ChatMessage:
    block = ToolCallBlock(tool_call_id=f"call_{tool}", tool_name=tool, tool_kwargs=arguments)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=[block])


def example_models() -> tuple[FunctionCallingLLM, FunctionCallingLLM]:
    """Reporter and writer: the model of OpenAI named in the environment; without one, a script for each."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        model: FunctionCallingLLM = import_module("llama_index.llms.openai").OpenAI(model=name.removeprefix("openai:"))
        return model, model
    asks = [calls("look_up", topic="The tram museum"), calls("handoff", to_agent="writer", reason="The facts are in.")]
    return ScriptedLLM(script=asks), ScriptedLLM(script=["The tram museum, open since 1912, rests on Mondays."])


async def main() -> None:
    asks, writes = example_models()
    reporter = FunctionAgent(
        name="reporter",
        description="Looks facts up.",
        system_prompt="Look up what is asked for, then hand over to the writer.",
        llm=asks,
        tools=[look_up],
        can_handoff_to=["writer"],
    )
    writer = FunctionAgent(name="writer", description="Writes one sentence.", system_prompt="Write it.", llm=writes)
    workflow = AgentWorkflow(agents=[reporter, writer], root_agent="reporter")

    answer: Any = await LeanLoop(BUDGET).agent(workflow).run(user_msg="A line about the tram museum, please.")
    receipt = answer["leanloop"]
    print(f"{answer.current_agent_name}: {answer}")
    print(f"{receipt['model_calls']} model calls, tools: {receipt['tool_calls']}, ${receipt['usd']}")


if __name__ == "__main__":
    asyncio.run(main())

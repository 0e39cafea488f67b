"""A deep agent and its sub-agent: one budget for the whole, and a smaller one inside it for the sub-agent.

Run: python examples/langchain_deepagents.py (pip install deepagents)
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4o-mini python examples/langchain_deepagents.py
"""

# create_deep_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

from deepagents import SubAgent, create_deep_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolCall

from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

WHOLE = Budget(agent="editor", limits=(Limit(usd=Decimal("0.20"), model_calls=20),))
RESEARCH = Budget(agent="researcher", limits=(Limit(usd=Decimal("0.05"), tool_calls={"search": 2}),))
PAGES = {"oslo": "Oslo has 720,000 people.", "bergen": "Bergen has 290,000 people."}


def search(topic: str) -> str:
    """Look a topic up."""
    return PAGES.get(topic.lower(), "Nothing found.")


def calls(name: str, **args: str) -> AIMessage:
    return AIMessage("", tool_calls=[ToolCall(name=name, args=args, id=f"call_{name}_{'_'.join(args.values())}")])


def example_models() -> tuple[BaseChatModel, BaseChatModel]:
    """Editor and researcher: the model named in the environment; without one, a script for each."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        model = init_chat_model(name)
        return model, model
    editor = [
        calls("task", description="How many people live in Oslo and in Bergen?", subagent_type="researcher"),
        AIMessage("Oslo is about two and a half times as big as Bergen."),
    ]
    # It would search on and on; its own budget ends that after two.
    towns = ("Oslo", "Bergen", "Tromso")
    researcher = [*(calls("search", topic=town) for town in towns), AIMessage("Oslo 720,000; Bergen 290,000.")]
    return ScriptedModel(script=editor), ScriptedModel(script=researcher)


def main() -> None:
    writes, looks_up = example_models()
    researcher = SubAgent(
        name="researcher",
        description="Looks facts up.",
        system_prompt="Look up what you are asked for, and answer in one line.",
        tools=[search],
        model=looks_up,
        middleware=[LeanLoop(RESEARCH)],
    )
    agent: Any = create_deep_agent(model=writes, subagents=[researcher], middleware=[LeanLoop(WHOLE)])
    question = "How do Oslo and Bergen compare in size?"
    state = agent.invoke({"messages": [{"role": "user", "content": question}]})
    answer = state["messages"][-1]
    receipt = answer.response_metadata["leanloop"]
    print(answer.text)
    # What the sub-agent spent is in it.
    print(f"{receipt['model_calls']} model calls, tools: {receipt['tool_calls']}, ${receipt['usd']}")


if __name__ == "__main__":
    main()

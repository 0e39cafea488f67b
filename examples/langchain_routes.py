"""A LangChain agent that asks a cheap model first: what a check does not pass goes up, what is known asks no model.

Run: python examples/langchain_routes.py
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-4.1 python examples/langchain_routes.py
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
from langchain_core.messages import AIMessage

import leanloop
from leanloop import ModelCall, ModelReply
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

BUDGET = Path(__file__).parent / "budgets" / "concierge.yaml"
QUESTIONS = (
    "Are you open on Sundays?",
    "When does the museum open?",
    "When does the last tram leave?",
)


def names_a_time(_: ModelCall, reply: ModelReply) -> bool:
    """A check of one's own: whoever asks when wants a time."""
    return re.search(r"\d{1,2}[:.]\d\d", reply.message.text) is not None


def example_models() -> dict[str, BaseChatModel]:
    """The cheap model and the dear one; scripts, unless the environment names one for both."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return dict.fromkeys(("gpt-4.1-nano", "gpt-4.1"), init_chat_model(name))

    def cheap(messages: list[Any], _: dict[str, Any]) -> AIMessage:
        return AIMessage("It opens at 9:30." if "museum" in messages[-1].text else "Rather late.")

    def dear(*_: object) -> AIMessage:
        return AIMessage("The last tram leaves at 23:40.")

    return {
        "gpt-4.1-nano": ScriptedModel(script=cheap, model_name="gpt-4.1-nano"),
        "gpt-4.1": ScriptedModel(script=dear, model_name="gpt-4.1"),
    }


def main() -> None:
    models = example_models()
    budget = leanloop.load_budget(BUDGET)
    loop = LeanLoop(budget, models=models, checks={"names_a_time": names_a_time})
    agent: Any = create_agent(models["gpt-4.1"], middleware=[loop])
    for question in QUESTIONS:
        with leanloop.task(budget) as task:
            state = agent.invoke({"messages": [{"role": "user", "content": question}]})
        task.outcome(1.0)  # how it went: from 0 to 1, as soon as somebody knows
        receipt = task.receipt()
        asked = ", ".join(use.model for use in receipt.models) or "nobody"
        print(state["messages"][-1].text)
        saved = sum(one.cost for one in receipt.savings)
        print(f"  asked: {asked}; ${(receipt.cost or 0) / 1e9:.6f}; saved: ${saved / 1e9:.6f}")


if __name__ == "__main__":
    main()

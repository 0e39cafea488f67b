"""A LangChain agent that learns which of its steps need a model that thinks.

Run: python examples/langchain_thinking.py
With a real model: LEANLOOP_EXAMPLE_MODEL=openai:gpt-5.1 python examples/langchain_thinking.py
"""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

import leanloop
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.plugins.outcomes.memory import MemoryOutcomes

BUDGET = Path(__file__).parent / "budgets" / "analyst.yaml"
STEPS = {"name the currency": "Which currency is 12 EUR in?", "add up": "What is 17 * 24 + 398?"}
ROUNDS = 20

asked: Counter[tuple[str, str]] = Counter()


def example_model() -> BaseChatModel:
    """The model named in the environment; without one, a script that needs to think to add up."""
    if name := os.environ.get("LEANLOOP_EXAMPLE_MODEL"):
        return init_chat_model(name)

    def script(messages: list[Any], settings: dict[str, Any]) -> AIMessage:
        effort = settings.get("reasoning_effort") or "high"
        question = messages[-1].text
        asked[question, effort] += 1
        if "currency" in question:
            return AIMessage("Euro.")
        return AIMessage("806." if effort == "high" else "796.")

    levels: Any = {"reasoning_effort_levels": ["none", "low", "high"], "reasoning_effort_default": "high"}
    return ScriptedModel(script=script, profile=levels)


def run(model: BaseChatModel, budget: leanloop.Budget, outcomes: MemoryOutcomes, rounds: int) -> str:
    """The same steps again and again, each with its outcome; gives the latest answer."""
    agent: Any = create_agent(model, middleware=[LeanLoop(budget, outcomes=outcomes)])
    text = ""
    for _ in range(rounds):
        for step, question in STEPS.items():
            with leanloop.task(budget) as task, leanloop.step(step):
                text = agent.invoke({"messages": [{"role": "user", "content": question}]})["messages"][-1].text
            task.outcome(float(text.startswith(("Euro", "806"))))
    return text


def main() -> None:
    model, budget, outcomes = example_model(), leanloop.load_budget(BUDGET), MemoryOutcomes()
    rounds = 1 if os.environ.get("LEANLOOP_EXAMPLE_MODEL") else ROUNDS
    for effort in ("none", "high"):  # a trial: each way for a while. leanloop learn takes a labelled set instead
        rules = ThinkingRules(phases={"answer": effort})
        run(model, budget.model_copy(update={"thinking": rules}), outcomes, rounds)
    asked.clear()
    print(run(model, budget, outcomes, rounds))
    for (question, effort), times in sorted(asked.items()):
        print(f"{question} {effort}: {times} times")


if __name__ == "__main__":
    main()

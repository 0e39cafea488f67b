"""Cognitive tools as LlamaIndex's own integrations really send them, to a local provider."""

# What is called by name has no type, and LlamaIndex's `run` is an overload of which the first is deprecated:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportDeprecated=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool
from refused import refused
from thoughts import assert_thoughts_stand, says

from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.budgets.scaffold_rules import ScaffoldRules

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

MODELS = {
    "openai": "gpt-4o-mini",
    "responses": "gpt-4o-mini",
    "anthropic": "claude-haiku-4-5",
    "google": "gemini-2.5-flash-lite",
    "ollama": "llama3.1",
}


def search(q: str) -> str:
    """Searches."""
    return f"found {q}"


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("kind", MODELS)
def test_thoughts_stand_where_they_were_had(kind: str, streaming: bool, llm: Callable[..., Any], provider: Any) -> None:
    provider.reply = says
    model = MODELS[kind]
    rules = ScaffoldRules(models=(model,), not_with_thinking=False)
    budget = Budget(agent="a", limits=(Limit(cycles=20),), unknown_model="free", results=None, scaffold=rules)
    made = FunctionAgent(
        llm=llm(kind, model=model),
        tools=[FunctionTool.from_defaults(search)],
        system_prompt="You help.",
        streaming=streaming,
    )
    agent: Any = LeanLoop(budget).agent(made)

    async def go() -> Any:
        return await agent.run(user_msg="How many?")

    assert str(asyncio.run(go())).replace(" ", "") == "Itis9."  # the provider streams words only
    assert_thoughts_stand(provider.payloads)
    assert [why for body in provider.payloads for why in refused(kind, body, model)] == []

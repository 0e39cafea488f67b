"""Cognitive tools as LangChain's own classes really send them, to a local provider."""

# Classes of several packages, called by name:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool
from local_provider import Provider, local_provider
from pydantic import SecretStr
from refused import refused
from thoughts import assert_thoughts_stand, says

from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop
from leanloop.budgets.scaffold_rules import ScaffoldRules

KINDS = {
    "openai": ("langchain_openai", "ChatOpenAI", "gpt-4o-mini"),
    "responses": ("langchain_openai", "ChatOpenAI", "gpt-4o-mini"),
    "anthropic": ("langchain_anthropic", "ChatAnthropic", "claude-haiku-4-5"),
    "google": ("langchain_google_genai", "ChatGoogleGenerativeAI", "gemini-2.5-flash-lite"),
    "ollama": ("langchain_ollama", "ChatOllama", "llama3.1"),
}


@pytest.fixture
def wire() -> Generator[Provider]:
    with local_provider() as server:
        yield server


@tool
def search(q: str) -> str:
    """Searches."""
    return f"found {q}"


def chat(kind: str, url: str) -> Any:
    module, name, model = KINDS[kind]
    made: Any = getattr(pytest.importorskip(module), name)
    more: dict[str, Any] = {} if kind == "ollama" else {"api_key": SecretStr("none"), "max_retries": 1}
    more |= {"use_responses_api": True} if kind == "responses" else {}
    return made(model=model, base_url=f"{url}/v1" if kind in ("openai", "responses") else url, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_thoughts_stand_where_they_were_had(kind: str, wire: Provider) -> None:
    wire.reply = says
    model = KINDS[kind][2]
    rules = ScaffoldRules(models=(model,), not_with_thinking=False)
    budget = Budget(agent="a", limits=(Limit(cycles=20),), unknown_model="free", results=None, scaffold=rules)
    agent: Any = create_agent(chat(kind, wire.url), [search], middleware=[LeanLoop(budget)], system_prompt="You help.")
    state = agent.invoke({"messages": [("user", "How many?")]})
    assert state["messages"][-1].text == "It is 9."
    assert len(state["messages"]) == 4
    assert_thoughts_stand(wire.payloads)
    assert [why for body in wire.payloads for why in refused(kind, body, model)] == []

"""Cognitive tools as LangChain's own classes really send them, to a local provider."""

# Classes of several packages, called by name:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.tools import tool
from local_provider import Provider, local_provider
from pydantic import SecretStr
from refused import refused
from told import steps_in, tools_in

from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop
from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS, ScaffoldRules
from leanloop.plugins.scaffold.catalogue import built_in

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


def says(body: dict[str, Any]) -> Any:
    """Thinks, searches, thinks again, answers."""
    if not tools_in(body):
        return "Asked: a number."
    calls = sum(kind == "call" for kind, _ in steps_in(body))
    match calls:
        case 0:
            return {"id": "c1", "name": "understand_question", "args": {"question": "How many?"}}
        case 1:
            return {"id": "c2", "name": "search", "args": {"q": "sheep"}}
        case 2:
            return {"id": "c3", "name": "examine_answer", "args": {"question": "How many?", "reasoning": "9"}}
        case _:
            return "It is 9."


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
    steps = [body for body in wire.payloads if tools_in(body)]
    thoughts = [body for body in wire.payloads if not tools_in(body)]
    assert (len(steps), len(thoughts)) == (4, 2)
    for body in steps:
        assert tools_in(body) == ["search", *COGNITIVE_TOOLS]
    assert [kind for kind, _ in steps_in(steps[-1])] == ["user", *["call", "result"] * 3]
    told = [said for kind, said in steps_in(steps[-1]) if kind != "user"]
    assert told[::2] == ["understand_question", "search", "examine_answer"]
    for said, wanted in zip(told[1::2], ["Asked: a number.", "found sheep", "Asked: a number."], strict=True):
        assert wanted in said
    for before, after in pairwise(steps):
        assert steps_in(after)[: len(steps_in(before))] == steps_in(before)
    (one,) = steps_in(thoughts[0])
    assert one == ("user", "<question>\nHow many?\n</question>")
    assert built_in("understand_question").prompt.splitlines()[0] in str(thoughts[0])
    assert "tool_choice" not in thoughts[0]
    assert "toolConfig" not in thoughts[0]
    assert [why for body in wire.payloads for why in refused(kind, body, model)] == []

"""Cognitive tools as LlamaIndex's own integrations really send them, to a local provider."""

# What is called by name has no type, and LlamaIndex's `run` is an overload of which the first is deprecated:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportDeprecated=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool
from refused import refused
from told import steps_in, tools_in

from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.budgets.scaffold_rules import COGNITIVE_TOOLS, ScaffoldRules
from leanloop.plugins.scaffold.catalogue import built_in

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
    steps = [body for body in provider.payloads if tools_in(body)]
    thoughts = [body for body in provider.payloads if not tools_in(body)]
    assert (len(steps), len(thoughts)) == (4, 2)
    for body in steps:
        assert tools_in(body) == ["search", *COGNITIVE_TOOLS]
    assert [kind for kind, _ in steps_in(steps[-1])] == ["user", *["call", "result"] * 3]
    told = [said for kind, said in steps_in(steps[-1]) if kind != "user"]
    assert told[::2] == ["understand_question", "search", "examine_answer"]
    for said, wanted in zip(told[1::2], ["Asked: a number.", "found sheep", "Asked: a number."], strict=True):
        assert wanted.replace(" ", "") in said.replace(" ", "")
    for before, after in pairwise(steps):
        assert steps_in(after)[: len(steps_in(before))] == steps_in(before)
    (one,) = steps_in(thoughts[0])
    assert one == ("user", "<question>\nHow many?\n</question>")
    assert built_in("understand_question").prompt.splitlines()[0] in str(thoughts[0])
    assert not {"tool_choice", "toolConfig", "parallel_tool_calls"} & thoughts[0].keys()
    assert [why for body in provider.payloads for why in refused(kind, body, model)] == []

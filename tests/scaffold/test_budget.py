"""Whatever a model asks for, no limit is passed, and what the receipt says is what was used: in both frameworks."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportDeprecated=false
# mypy: disable-error-code="deprecated"
from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock
from llama_index.core.tools import FunctionTool

from leanloop import Budget, Limit, MemoryStore
from leanloop.adapters import langchain, llama_index
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.budgets.scaffold_rules import ScaffoldRules

MODEL = "gpt-4o-mini"
Asked = Sequence[Sequence[str]]

scripts = st.lists(
    st.lists(st.sampled_from(["search", "understand_question", "recall_related"]), min_size=1, max_size=3), max_size=5
)
limits = st.sampled_from(
    [Limit(model_calls=4), Limit(tool_calls=0), Limit(tool_calls=1), Limit(cycles=2), Limit(tokens=9_000)]
)


def search(q: str) -> str:
    """Searches."""
    return f"found {q}"


class Says:
    """Asks for what a script says, with ids and inputs of its own, then answers; what is asked apart it answers."""

    def __init__(self, asked: Asked) -> None:
        self._asked = iter(asked)
        self._ids = 0
        self.calls = 0

    def __call__(self, *, offered: bool) -> list[tuple[str, str, dict[str, str]]]:
        self.calls += 1
        asked: list[tuple[str, str, dict[str, str]]] = []
        for name in next(self._asked, ()) if offered else ():
            self._ids += 1
            text = f"number {self._ids}"
            asked.append((f"c{self._ids}", name, {"q": text} if name == "search" else {"question": text}))
        return asked


def in_langchain(says: Says, budget: Budget, question: str = "?") -> tuple[str, dict[str, Any]]:
    def script(_: list[Any], given: dict[str, Any]) -> AIMessage:
        asked = says(offered=bool(given.get("tools")) and given.get("tool_choice") != "none")
        return AIMessage("" if asked else "42", tool_calls=[{"id": i, "name": n, "args": a} for i, n, a in asked])

    loop = langchain.LeanLoop(budget, store=MemoryStore())
    agent: Any = create_agent(ScriptedModel(script=script), [StructuredTool.from_function(search)], middleware=[loop])
    last = agent.invoke({"messages": [("user", question)]})["messages"][-1]
    return last.text, last.response_metadata["leanloop"]


def in_llama_index(says: Says, budget: Budget, question: str = "?") -> tuple[str, dict[str, Any]]:
    def script(_: list[ChatMessage], given: dict[str, Any]) -> ChatMessage:
        asked = says(offered=bool(given.get("tools")) and given.get("tool_choice") != "none")
        if not asked:
            return ChatMessage(role="assistant", content="42")
        blocks = [ToolCallBlock(tool_call_id=i, tool_name=n, tool_kwargs=a) for i, n, a in asked]
        return ChatMessage(role="assistant", blocks=blocks)

    made = FunctionAgent(llm=ScriptedLLM(script=script), tools=[FunctionTool.from_defaults(search)], streaming=False)
    agent: Any = llama_index.LeanLoop(budget, store=MemoryStore()).agent(made)

    async def go() -> Any:
        return await agent.run(user_msg=question)

    result = asyncio.run(go())
    return str(result), result["leanloop"]


@pytest.mark.parametrize("framework", [in_langchain, in_llama_index])
@settings(deadline=None, max_examples=12)
@given(asked=scripts, limit=limits)
def test_no_limit_is_passed_and_the_receipt_is_exact(framework: Any, asked: Asked, limit: Limit) -> None:
    rules = ScaffoldRules(models=(MODEL,), per_task=4, per_step=2, max_tokens=100)
    budget = Budget(agent="a", limits=(limit,), notify=(), loop=None, results=None, max_output=100, scaffold=rules)
    says = Says(asked)
    text, receipt = framework(says, budget)
    assert text
    assert receipt["model_calls"] == says.calls
    uses = receipt["tool_calls"]
    assert sum(times for name, times in uses.items() if name != "search") <= 4
    if limit.model_calls is not None:
        assert receipt["model_calls"] <= limit.model_calls
    if isinstance(limit.tool_calls, int):
        assert sum(uses.values()) <= limit.tool_calls
    if limit.tokens is not None:
        assert receipt["tokens"] <= limit.tokens


@pytest.mark.parametrize("framework", [in_langchain, in_llama_index])
def test_many_runs_at_one_time_think_each_for_itself(framework: Any) -> None:
    rules = ScaffoldRules(models=(MODEL,))
    budget = Budget(agent="a", limits=(Limit(model_calls=8),), notify=(), results=None, scaffold=rules)

    def go(_: int) -> tuple[str, dict[str, Any], int]:
        says = Says([["understand_question"], ["search", "recall_related"]])
        return *framework(says, budget), says.calls

    with ThreadPoolExecutor(8) as pool:
        for text, receipt, calls in pool.map(go, range(32)):
            assert (text, receipt["model_calls"], calls) == ("42", 5, 5)
            assert receipt["tool_calls"] == {"understand_question": 1, "recall_related": 1, "search": 1}

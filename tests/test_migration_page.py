"""The page on LangChain's built-ins names each of them; what stands there as before and after is both."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import re
from pathlib import Path

import pytest
from langchain.agents import create_agent
from langchain.agents import middleware as built_ins
from langchain_core.messages import AIMessage, BaseMessage, ToolCall

import leanloop
from leanloop import parse_budget
from leanloop.adapters.langchain import LeanLoop, wrap
from leanloop.adapters.langchain.scripted import ScriptedModel

PAGE = (Path(__file__).parent.parent / "docs" / "migration.md").read_text(encoding="utf-8")
ROWS = [
    (before.strip("`"), after.strip("`"))
    for before, after in re.findall(r"^\| (`\w+\(.*?\)`|deepagents'[^|]*) \| (`[^|]+`) \|", PAGE, flags=re.MULTILINE)
]
BEFORE = [before for before, _ in ROWS if hasattr(built_ins, before.partition("(")[0]) and "(...)" not in before]


def test_every_built_in_is_on_the_page() -> None:
    names = [name for name in vars(built_ins) if name.endswith(("Middleware", "Edit", "Emulator"))]

    assert len(names) > 10
    assert [name for name in names if name != "AgentMiddleware" and not re.search(rf"\b{name}\b", PAGE)] == []


@pytest.mark.parametrize("line", BEFORE)
def test_what_stands_as_before_is_a_middleware(line: str) -> None:
    models = dict.fromkeys(("cheap", "second", "third"), ScriptedModel(script=[AIMessage("")]))

    assert isinstance(eval(line, {**vars(built_ins), **models}), built_ins.AgentMiddleware)


@pytest.mark.parametrize("after", [after for _, after in ROWS])
def test_what_stands_as_after_is_a_budget_file(after: str) -> None:
    assert len(BEFORE) >= 8
    assert parse_budget(f"agent: a\n{after}", environ={}).model_fields_set > {"agent"}


def test_what_a_built_in_asks_a_model_of_its_own_is_counted_in_a_task() -> None:
    def script(messages: list[BaseMessage], settings: dict[str, object]) -> AIMessage:
        if messages[-1].type == "human":
            return AIMessage("", tool_calls=[ToolCall(name="search", args={"topic": "gifts"}, id="call_1")])
        return AIMessage("30 days.")

    def search(topic: str) -> str:
        """Search the help articles."""
        raise AssertionError(topic)

    budget = parse_budget("agent: a")
    emulator = built_ins.LLMToolEmulator(model=wrap(ScriptedModel(script=[AIMessage("Made up.")])))
    agent = create_agent(ScriptedModel(script=script), [search], middleware=[emulator, LeanLoop(budget)])
    with leanloop.task(budget) as task:
        agent.invoke({"messages": [{"role": "user", "content": "How long?"}]})

    assert (task.receipt().model_calls, task.receipt().tool_calls) == (3, {})

"""The page on LangChain's built-ins names each of them; what stands there as before and after is both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from langchain.agents import middleware as built_ins
from langchain_core.messages import AIMessage

from leanloop import parse_budget
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

"""What a budget file says under ``events``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from leanloop import BudgetFileError, parse_budget
from leanloop.adapters.langchain import LeanLoopCallback
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.budgets.event_rules import EventRules


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("events: told.jsonl", EventRules(file="told.jsonl")),
        ("events: {file: told.jsonl, text: on}", EventRules(file="told.jsonl", text=True)),
        ("events: {log: on, otel: on}", EventRules(log=True, otel=True)),
        ("events: off", None),
        ("", None),
    ],
)
def test_a_file_a_mapping_or_off(text: str, rules: EventRules | None) -> None:
    assert parse_budget(f"agent: a\n{text}").events == rules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("events: on", "'events' must be a name, off or a mapping of keys (file, log, otel, text), not true"),
        ("events: ''", "'events' must not be empty"),
        ("events: {files: a}", "unknown key 'files' in events; did you mean 'file'?"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    with pytest.raises(BudgetFileError) as refused:
        parse_budget(f"agent: a\n{text}")
    assert said in str(refused.value)


def test_calls_that_only_a_callback_sees_are_told_as_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "told.jsonl"
    meter = LeanLoopCallback(parse_budget(f"agent: a\nevents: {path}\nlimits: [{{per: task, usd: 1}}]"))
    ScriptedModel(script=[AIMessage("done")]).invoke([HumanMessage("go")], {"callbacks": [meter]})

    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["event"] for row in rows] == ["task_began", "reserved", "settled", "task_ended"]
    receipt = meter.receipt()
    assert receipt is not None
    assert rows[2]["cost"] == receipt.cost == rows[2]["limits"]["this task: usd"][0]

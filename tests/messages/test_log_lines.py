"""Stores that are down, a sink that raises: few lines in the log, and nothing that users said in them."""

# create_agent's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false
from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool

from leanloop import parse_budget
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.scripted import ScriptedModel

SAID = "PRIVATE-7261"
NOWHERE = "redis://leanloop:hunter2@127.0.0.1:1/0"
BUDGET = f"""\
agent: support
store: {NOWHERE}
on_store_error: allow
limits:
  - {{per: task, usd: 5}}
  - {{per: day, tokens: 100_000}}
cache: {{store: "{NOWHERE}"}}
results: {{store: "{NOWHERE}", max_tokens: 50}}
difficulty: {{store: "{NOWHERE}"}}
thinking: {{effort: low, below: none}}
events: {{log: on}}
loop: off
"""
TASKS, STEPS = 2, 1


@tool
def search(topic: str) -> str:
    """Search the help articles."""
    return f"{SAID} {topic} " * 400


def fails(_: object) -> None:
    raise RuntimeError(SAID)


def run_tasks() -> None:
    budget = parse_budget(BUDGET, environ={})
    for _ in range(TASKS):
        calls = [
            AIMessage("", tool_calls=[{"name": "search", "args": {"topic": f"{SAID}{n}"}, "id": f"call_{n}"}])
            for n in range(STEPS)
        ]
        model = ScriptedModel(script=[*calls, AIMessage(f"{SAID}: 30 days.")])
        agent: Any = create_agent(model, [search], middleware=[LeanLoop(budget, on_event=fails)])
        agent.invoke({"messages": [HumanMessage(f"My number is {SAID}.")]})


def test_an_outage_fills_no_log_and_nothing_that_was_said_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="leanloop")
    run_tasks()
    lines = Counter(record.msg for record in caplog.records if record.name == "leanloop")
    assert any("goes unlimited (on_store_error: allow)" in line for line in lines)
    assert any("sink of events" in line for line in lines)
    # Of a sink, one line for each LeanLoop that was given it.
    assert {line: times for line, times in lines.items() if times > (TASKS if "sink" in line else 1)} == {}
    assert SAID not in caplog.text
    assert "hunter2" not in caplog.text
    assert any(record.name == "leanloop.events" for record in caplog.records)

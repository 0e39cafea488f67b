"""Recorded runs of a made-up agent, as short or as long as a test needs them."""

from __future__ import annotations

import json
from typing import TypedDict, Unpack

from leanloop.adapters.advice.case import Case
from leanloop.adapters.traces.openai import parse_trace
from leanloop.adapters.traces.trace import Trace

__all__ = ["agent_case", "agent_line", "agent_run"]


def agent_line(
    steps: int,
    *,
    task: str = "one",
    success: bool | None = True,
    equal: bool = False,
    system: str = "You look things up.",
    text: str = "found",
) -> str:
    """A line of JSON: a run that calls a tool so often, each time with its own result unless `equal`."""
    messages: list[dict[str, object]] = [
        {"role": "system", "content": system},
        {"role": "user", "content": f"Task {task}"},
    ]
    for number in range(steps):
        at = 0 if equal else number
        call = {"id": f"c{number}", "name": "look", "arguments": json.dumps({"at": at})}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "content": f"{text} {at}", "tool_call_id": f"c{number}"})
    messages.append({"role": "assistant", "content": "done"})
    meta = {} if success is None else {"reward": float(success)}
    return json.dumps({"id": task, "meta": meta, "messages": messages})


class Said(TypedDict, total=False):
    """What else `agent_line` takes."""

    success: bool | None
    equal: bool
    system: str
    text: str


def agent_run(steps: int, *, task: str = "one", **said: Unpack[Said]) -> Trace:
    """The same as a run; see `agent_line`."""
    return parse_trace(agent_line(steps, task=task, **said).encode(), "runs.jsonl", 1)


def agent_case(steps: int, *, task: str = "one", model: str = "gpt-4o", **said: Unpack[Said]) -> Case:
    """The same as a case whose group is its task."""
    return Case(agent_run(steps, task=task, **said), model, task)

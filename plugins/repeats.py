"""Finding repetition in a history, from the messages alone.

A step is a tool call with its result. Comparing calls only would flag a fifth of successful coding
runs (scrolling, running the tests again); comparing (call, result) pairs flags a twentieth of them
(docs/decisions.md has the measurement).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from leanloop.budgets.message import Message, ToolRequest

__all__ = ["REPEATED", "Step", "alternation", "last_steps", "same_arguments"]

REPEATED = "[repeated call, not run again]"
"""Begins a result that was answered from an earlier one."""


@dataclass(frozen=True, slots=True)
class Step:
    """A tool call and what came of it. `arguments` is canonical JSON where it was JSON.

    `replayed` is True where the result was given from an earlier one.
    """

    name: str
    arguments: str
    result: str
    is_error: bool = False
    replayed: bool = field(default=False, compare=False)


def last_steps(messages: Sequence[Message], count: int) -> list[Step]:
    """The last `count` answered tool calls since the last user message, oldest first."""
    results: dict[str, Message] = {}
    steps: list[Step] = []
    for message in reversed(messages):
        if message.role == "user" or len(steps) >= count:
            break
        if message.role == "tool" and message.tool_call_id is not None:
            results[message.tool_call_id] = message
        for request in reversed(message.tool_calls):
            answer = results.pop(request.id, None)
            if answer is not None and len(steps) < count:
                steps.append(_step(request, answer))
    return steps[::-1]


@lru_cache(maxsize=256)
def same_arguments(arguments: str) -> str:
    """Arguments in one canonical spelling, so that key order and spacing make no difference."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return arguments


def alternation(steps: Sequence[Step], times: int) -> tuple[Step, Step] | None:
    """The two steps A and B where the last `2 * times` steps are A, B, A, B ..."""
    tail = steps[-2 * times :]
    if len(tail) < 2 * times or tail[0] == tail[1]:
        return None
    first, second = tail[0], tail[1]
    alternates = all(step == (first, second)[index % 2] for index, step in enumerate(tail))
    return (first, second) if alternates else None


def _step(request: ToolRequest, answer: Message) -> Step:
    arguments = same_arguments(request.arguments)
    if answer.text.startswith(REPEATED):
        earlier = answer.text.partition("\n")[2]
        return Step(request.name, arguments, earlier, answer.is_error, replayed=True)
    return Step(request.name, arguments, answer.text, answer.is_error)

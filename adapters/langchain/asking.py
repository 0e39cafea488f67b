"""What a tool is asked in, where LangChain hands it no history: in graphs of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from leanloop.budgets.message import Message
from leanloop.plugins.task import Task

__all__ = ["history_asking"]


def history_asking(name: str, arguments: str, task: Task) -> tuple[Message, ...]:
    """The history up to the message that asks for a call, where the latest step of the task's model does; else nothing.

    A tool is given more than the model asked for: what the model left out, and what the program alone knows.

    Args:
        name: of the tool.
        arguments: what it is given, as JSON.
        task: under which it is called.
    """
    step = task.latest_step
    requests = [request for request in step[-1].tool_calls if request.name == name] if step else []
    given = _read(arguments).items()
    return step if any(_read(request.arguments).items() <= given for request in requests) else ()


def _read(arguments: str) -> Mapping[str, object]:
    try:
        found: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}

"""What is told of a tool call: how long it took, and whether it failed."""

from __future__ import annotations

import secrets
import time
from hashlib import blake2b

from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.events.event import ToolEnded
from leanloop.plugins.flow import Paused, ToolFlow
from leanloop.plugins.repeats import same_arguments
from leanloop.plugins.task import Task

__all__ = ["tell_of_tool"]

_KEY = secrets.token_bytes(16)
"""Of this process: without it a telephone number could be found again by trying them all."""


def tell_of_tool(call: ToolCall, task: Task) -> ToolFlow:
    """Have it run, and tell of it; outermost, so that it is what the model is shown that is told of.

    A call that waits for a person has not ended; it is told of when it is made again.
    """
    began = time.monotonic()
    try:
        result: ToolResult = yield call
    except Paused:
        raise
    except BaseException:
        _tell(call, task, began, is_error=True)
        raise
    _tell(call, task, began, is_error=result.is_error)
    return result


def _tell(call: ToolCall, task: Task, began: float, *, is_error: bool) -> None:
    arguments = same_arguments(call.arguments).encode("utf-8", "surrogatepass")
    told = blake2b(arguments, key=_KEY, digest_size=8).hexdigest()
    task.events.tell(ToolEnded(task.events.of, time.time(), call.name, time.monotonic() - began, is_error, told))

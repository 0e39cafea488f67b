"""What is told of a tool call: how long it took, and whether it failed."""

from __future__ import annotations

import time
from hashlib import blake2b

from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.events.event import ToolEnded
from leanloop.plugins.flow import ToolFlow
from leanloop.plugins.task import Task

__all__ = ["tell_of_tool"]


def tell_of_tool(call: ToolCall, task: Task) -> ToolFlow:
    """Have it run, and tell of it; outermost, so that it is what the model is shown that is told of."""
    began, failed = time.monotonic(), True
    try:
        result: ToolResult = yield call
        failed = result.is_error
        return result
    finally:
        arguments = blake2b(call.arguments.encode("utf-8", "replace"), digest_size=8).hexdigest()
        task.tell(ToolEnded(task.of, time.time(), call.name, time.monotonic() - began, failed, arguments))

"""The driver for calls that are made elsewhere: a flow is brought up to its call, and resumed when the call has ended.

For frameworks' callbacks, which see the start and the end of a call and do not make it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from leanloop.errors import TaskStopped
from leanloop.plugins.call import ToolResult
from leanloop.plugins.flow import Io, ModelFlow, ToolFlow

__all__ = ["begin_all", "failed", "returned"]


def begin_all(flows: Sequence[ModelFlow | ToolFlow]) -> None:
    """Bring flows of one call to the point where it is made; where one refuses, the others unwind.

    Raises:
        TaskStopped: one refuses.
    """
    for place, flow in enumerate(flows):
        try:
            _advance(flow, next(flow))
        except (TaskStopped, StopIteration) as end:
            stop = end if isinstance(end, TaskStopped) else TaskStopped(cast("ToolResult", end.value).text)
            for earlier in flows[:place]:
                failed(earlier, stop)
            raise stop from None


def returned(flow: ModelFlow | ToolFlow, result: object) -> None:
    """Resume a flow with what the call gave."""
    _end(flow, flow.send, result)


def failed(flow: ModelFlow | ToolFlow, error: BaseException) -> None:
    """Resume a flow with what the call raised, which is raised elsewhere."""
    _end(flow, flow.throw, error)


def _advance(flow: ModelFlow | ToolFlow, step: object) -> None:
    """Perform the flow's I/O up to the call itself."""
    while isinstance(step, Io):
        step = flow.send(cast("Io[object]", step).run())


def _end(flow: ModelFlow | ToolFlow, resume: Callable[[Any], object], value: object) -> None:
    try:
        _advance(flow, resume(value))
    except StopIteration:
        return
    except BaseException as error:
        if error is not value:
            raise

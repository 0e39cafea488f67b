"""The plain driver: runs a flow to its end on this thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from leanloop.plugins.call import EmbedCall, ModelCall, ToolCall
from leanloop.plugins.flow import Flow, Io

__all__ = ["run"]

Call = TypeVar("Call", ModelCall, ToolCall, EmbedCall)
Result = TypeVar("Result")


def run(flow: Flow[Call, Result], send: Callable[[Call], Result]) -> Result:
    """Perform what `flow` yields, calls through `send`, and return what it returns."""
    try:
        step = next(flow)
        while True:
            value: object
            try:
                value = step.run() if isinstance(step, Io) else send(step)
            except BaseException as error:  # noqa: BLE001 the flow decides
                step = flow.throw(error)
            else:
                step = flow.send(value)
    except StopIteration as stop:
        result: Result = stop.value
        return result

"""The async driver: the same flows, awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from leanloop.plugins.call import EmbedCall, ModelCall, ToolCall
from leanloop.plugins.flow import UNDER_WAY, Abandoned, Flow, Io

__all__ = ["arun"]

Call = TypeVar("Call", ModelCall, ToolCall, EmbedCall)
Result = TypeVar("Result")


async def arun(flow: Flow[Call, Result], send: Callable[[Call], Awaitable[Result]]) -> Result:
    """Perform what `flow` yields, calls through `send`, and return what it returns.

    A cancellation arrives at the `await` and is thrown into the flow like any other error; what the
    flow yields while it unwinds is still performed; in a coroutine that is closed, which may wait for nothing
    any more, plainly.
    """
    UNDER_WAY.add(flow)
    closed = False
    try:
        step = next(flow)
        while True:
            value: object
            try:
                if isinstance(step, Io):
                    value = step.run() if closed else await step.arun()
                else:
                    value = await send(step)
            except GeneratorExit:  # this coroutine is closed: its event loop has ended
                closed = True
                step = flow.throw(Abandoned())
            except BaseException as error:  # noqa: BLE001 the flow decides
                step = flow.throw(error)
            else:
                step = flow.send(value)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    except Abandoned:
        raise GeneratorExit from None
    finally:
        UNDER_WAY.discard(flow)

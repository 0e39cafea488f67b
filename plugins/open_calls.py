"""The calls that a framework's callbacks have let through and that have not ended yet.

Callbacks see the start and the end of a call and do not make it: a flow is brought up to its call, kept, and resumed
when the call has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar, cast

from leanloop.errors import TaskStopped
from leanloop.plugins.call import ModelReply, ToolResult
from leanloop.plugins.flow import Io, ModelFlow, ToolFlow
from leanloop.plugins.steps import Steps

__all__ = ["AnyFlow", "OpenCalls"]

Key = TypeVar("Key")
AnyFlow = ModelFlow | ToolFlow
Outcome = ModelReply | ToolResult | BaseException


class OpenCalls(Generic[Key]):
    """Flows by the framework's id of a call, each suspended where its call is made. Safe under threads.

    All callbacks of a process share one: whichever hears of the end of a call ends it for all of them, and where one
    refuses a call, what the others had reserved for it is given back.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection in here may end a stream that was abandoned
        self._flows: dict[Key, list[AnyFlow]] = {}
        self._claimed: set[Key] = set()

    def claim(self, key: Key) -> bool:
        """Whether this call is not being counted in the current task by another callback."""
        with self._lock:
            first = key not in self._claimed
            self._claimed.add(key)
            return first

    def begin(self, key: Key, flows: Sequence[AnyFlow], *, unmade: BaseException) -> Steps[None]:
        """Bring the flows to the point where the call is made.

        Where one refuses, none of the call's stands: `unmade` is what tells the others that it will not be made.

        Raises:
            TaskStopped: a limit has no room.
            StoreError: the ledger's storage failed, and the budget refuses then.
        """
        try:
            for flow in flows:
                answer = yield from _until_call(flow, partial(next, flow))
                if answer is not None:
                    raise TaskStopped(answer.text)
                with self._lock:
                    self._flows.setdefault(key, []).append(flow)
        except BaseException:
            yield from self.end(key, unmade)
            raise

    def end(self, key: Key, outcome: Outcome) -> Steps[None]:
        """Resume the flows of a call with what it came to; nothing where it is not known or has ended."""
        yield from _end_each(self._take(key), outcome)

    def _take(self, key: Key) -> list[AnyFlow]:
        with self._lock:
            self._claimed.discard(key)
            return self._flows.pop(key, [])


def _until_call(flow: AnyFlow, resume: Callable[[], object]) -> Steps[ToolResult | None]:
    """Take the flow's steps up to the call it wants made; where it wants none made, what it answers instead."""
    try:
        step = resume()
        while isinstance(step, Io):
            try:
                value: object = yield cast("Io[object]", step)
            except BaseException as error:  # noqa: BLE001 the flow decides
                step = flow.throw(error)
            else:
                step = flow.send(value)
    except StopIteration as stop:
        return cast("ToolResult", stop.value)
    return None


def _end_each(flows: Sequence[AnyFlow], outcome: Outcome) -> Steps[None]:
    """One that fails keeps none of the others from its end."""
    if not flows:
        return
    flow, *others = flows
    try:
        yield from _until_call(flow, partial(flow.throw if isinstance(outcome, BaseException) else flow.send, outcome))
    except BaseException as error:
        if error is not outcome:
            raise
    finally:
        yield from _end_each(others, outcome)

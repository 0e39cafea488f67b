"""The calls that callbacks have let through and that have not ended yet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any, cast
from uuid import UUID

from leanloop.adapters.langchain.stop import bubbling
from leanloop.adapters.langchain.two_forms import Steps, perform
from leanloop.errors import TaskStopped
from leanloop.plugins.call import ModelReply, ToolResult
from leanloop.plugins.flow import Io, ModelFlow, ToolFlow

__all__ = ["OpenCalls", "open_calls"]

AnyFlow = ModelFlow | ToolFlow
Outcome = ModelReply | ToolResult | BaseException


class OpenCalls:
    """Flows by LangChain's run id, each suspended where its call is made. Safe under threads.

    All callbacks of a process share one: whichever hears of the end of a run ends it for all of them, and where one
    refuses a call, what the others had reserved for it is given back.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection in here may end a stream that was abandoned
        self._flows: dict[UUID, list[AnyFlow]] = {}
        self._claimed: set[UUID] = set()
        self._watched: dict[UUID, tuple[asyncio.Task[Any], partial[None]]] = {}

    def claim(self, run_id: UUID) -> bool:
        """Whether this run is not being counted in the current task by another callback."""
        with self._lock:
            first = run_id not in self._claimed
            self._claimed.add(run_id)
            return first

    def begin(self, run_id: UUID, flows: Sequence[AnyFlow], *, unmade: BaseException) -> Steps:
        """Bring the flows to the point where the call is made.

        Where one refuses, none of the run's stands: `unmade` is what tells the others that the call will not be made.

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
                    self._flows.setdefault(run_id, []).append(flow)
        except BaseException as error:
            yield from self.end(run_id, unmade)
            if isinstance(error, TaskStopped):
                raise bubbling(error) from None
            raise
        self._watch(run_id)

    def end(self, run_id: UUID, outcome: Outcome) -> Steps:
        """Resume the flows of a run with what its call came to; nothing where it is not known or has ended."""
        yield from _end_each(self._take(run_id), outcome)

    def _take(self, run_id: UUID) -> list[AnyFlow]:
        with self._lock:
            self._claimed.discard(run_id)
            caller, watch = self._watched.pop(run_id, (None, None))
            if caller is not None and watch is not None:
                caller.remove_done_callback(watch)
            return self._flows.pop(run_id, [])

    def _watch(self, run_id: UUID) -> None:
        """LangChain reports no end of a call that is cancelled; the end of the asyncio task that made it does."""
        try:
            caller = asyncio.current_task()
        except RuntimeError:  # no event loop runs on this thread
            return
        with self._lock:
            if caller is not None and run_id not in self._watched:
                watch = partial(self._abandoned, run_id)
                self._watched[run_id] = (caller, watch)
                caller.add_done_callback(watch)

    def _abandoned(self, run_id: UUID, caller: asyncio.Task[Any]) -> None:
        # Not in a task: a loop that is about to end would cancel it. For its threads asyncio.run waits.
        steps = self.end(run_id, asyncio.CancelledError())
        try:
            caller.get_loop().run_in_executor(None, perform, steps)
        except RuntimeError:  # its threads have ended already
            perform(steps)


open_calls = OpenCalls()
"""This process's."""


def _until_call(flow: AnyFlow, resume: Callable[[], object]) -> Generator[Io[Any], Any, ToolResult | None]:
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


def _end_each(flows: Sequence[AnyFlow], outcome: Outcome) -> Steps:
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

"""The calls that LangChain's callbacks have let through, which may end without a report."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from leanloop.adapters.langchain.stop import bubbling
from leanloop.errors import TaskStopped
from leanloop.plugins.open_calls import AnyFlow, OpenCalls
from leanloop.plugins.steps import Steps, perform

__all__ = ["open_calls"]


class _OpenRuns(OpenCalls[UUID]):
    """Open calls by LangChain's run id. What refuses one is of a kind that LangGraph lets pass.

    LangChain reports no end of a call that is cancelled; the end of the asyncio task that made it does.
    """

    def __init__(self) -> None:
        super().__init__()
        self._watched: dict[UUID, tuple[asyncio.Task[Any], partial[None]]] = {}

    def begin(self, key: UUID, flows: Sequence[AnyFlow], *, unmade: BaseException) -> Steps[None]:
        """See `OpenCalls.begin`."""
        try:
            yield from super().begin(key, flows, unmade=unmade)
        except TaskStopped as stop:
            raise bubbling(stop) from None
        self._watch(key)

    def _take(self, key: UUID) -> list[AnyFlow]:
        with self._lock:
            caller, watch = self._watched.pop(key, (None, None))
            if caller is not None and watch is not None:
                caller.remove_done_callback(watch)
            return super()._take(key)

    def _watch(self, run_id: UUID) -> None:
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


open_calls = _OpenRuns()
"""This process's."""

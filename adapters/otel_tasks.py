"""The spans of tasks that are open: what happens in a task is below its span."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from leanloop.adapters.otel_names import of_agent, sayable
from leanloop.budgets.at_fork import renew_in_child
from leanloop.plugins.events.event import Event, TaskEnded

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

__all__ = ["OpenTasks"]

_MOST = 1_024
"""Tasks that are open; of one more, the oldest is ended, for nothing says that a run failed."""


class _Open(NamedTuple):
    span: Span
    began: float
    around: int  # the id of the span that was current when it began


class OpenTasks:
    """Begins and ends them, and says below which span an event is."""

    def __init__(self, tracer: Tracer) -> None:
        from opentelemetry import trace

        self._trace = trace
        self._tracer = tracer
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        atexit.register(_end_all, weakref.ref(self))  # before the provider's own, which was there first
        renew_in_child(self, OpenTasks._begin_anew)

    def _begin_anew(self) -> None:
        """In a forked child: the tasks that are open are its parent's, and a thread there may hold the lock."""
        self._lock = threading.RLock()
        self._open = OrderedDict()

    def begin(self, event: Event, *, before: float = 0.0) -> None:
        """Open the span of a task, so many seconds before; one whose parent is open is below it."""
        told = {"gen_ai.operation.name": "invoke_agent", "leanloop.task": event.of.task}
        attributes = sayable({**of_agent(event), **told})
        name = f"invoke_agent {event.of.agent}"
        with self._lock:
            span = self._tracer.start_span(
                name, context=self._above(event), attributes=attributes, start_time=int((event.at - before) * 1e9)
            )
            self._open[event.of.task] = _Open(span, event.at - before, self._current())
            if len(self._open) > _MOST:
                self._open.popitem(last=False)[1].span.end()

    def end(self, event: TaskEnded) -> float | None:
        """Close it, and give how many seconds it took; None where it is not open."""
        with self._lock:
            known = self._open.pop(event.of.task, None)
        if known is None:
            return None
        span = known.span
        span.set_attribute("leanloop.landed", event.landed)
        if event.stopped is not None:
            span.set_attribute("leanloop.stopped", event.stopped)
            if not event.landed:
                span.set_attribute("error.type", "stopped")
                span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, event.stopped))
        span.end(int(event.at * 1e9))
        return max(0.0, event.at - known.began)

    def context(self, event: Event, seconds: float) -> Context | None:
        """Below what an event of so many seconds is: the span of its task, begun with it where that goes on after its
        end.
        """
        with self._lock:
            if event.of.task not in self._open:
                self.begin(event, before=seconds)
            known = self._open[event.of.task]
        return self._below(known)

    def _above(self, event: Event) -> Context | None:
        known = next((self._open[task] for task in event.of.within if task in self._open), None)
        return None if known is None else self._below(known)

    def _below(self, known: _Open) -> Context | None:
        """The span of a task, or the current one (None) where that is another than when the task began."""
        return self._trace.set_span_in_context(known.span) if self._current() == known.around else None

    def _current(self) -> int:
        return self._trace.get_current_span().get_span_context().span_id

    def end_all(self) -> None:
        """Close those of which no end was told."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].span.end()


def _end_all(tasks: weakref.ref[OpenTasks]) -> None:
    held = tasks()
    if held is not None:
        held.end_all()

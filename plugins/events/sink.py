"""Where events go: any function that takes one, none of which can fail a call."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Sequence

from leanloop.errors import UsageError
from leanloop.plugins.events.event import Event

__all__ = ["Sink", "Sinks"]

_log = logging.getLogger("leanloop")

_PAUSE = 60.0
"""Seconds for which a sink that raised is told nothing, so that one which is down costs no call its time."""

Sink = Callable[[Event], object]
"""Called on the thread, or the event loop, of what happened: hand work that waits to another."""


class Sinks:
    """The sinks of one agent.

    What one raises is logged, and it is told nothing for a minute.

    Args:
        sinks: told of each event in this order.

    Raises:
        UsageError: one is a coroutine function, which nobody would await.
    """

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        for sink in sinks:
            if inspect.iscoroutinefunction(sink):
                raise UsageError(
                    "A sink of events is a plain function, since things happen outside any event loop, too. "
                    "In it, hand the event to your loop: loop.call_soon_threadsafe(queue.put_nowait, event)."
                )
        self._sinks = tuple(sinks)
        self._until = [0.0] * len(self._sinks)

    def __bool__(self) -> bool:
        return bool(self._sinks)

    def tell(self, event: Event) -> None:
        """Tell each sink."""
        for place, sink in enumerate(self._sinks):
            if self._until[place] and time.monotonic() < self._until[place]:
                continue
            try:
                sink(event)
            except Exception as error:  # noqa: BLE001 the call is worth more than the news of it
                self._until[place] = time.monotonic() + _PAUSE
                _log.warning(
                    "A sink of events raised %s for %r and is told nothing for %.0f seconds.",
                    type(error).__name__,
                    event.kind,
                    _PAUSE,
                )

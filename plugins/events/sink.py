"""Where events go: any function that takes one, none of which can fail a call."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Sequence

from leanloop.errors import UsageError
from leanloop.plugins.events.event import Event, Text

__all__ = ["Redact", "Sink", "Sinks"]

_log = logging.getLogger("leanloop")

_PAUSE = 60.0
"""Seconds for which a sink that raised is told nothing, so that one which is down costs no call its time."""

_LONGEST = 20_000
"""Characters of each text that is told; the rest says nothing to a reader of events."""

Sink = Callable[[Event], object]
"""Called on the thread, or the event loop, of what happened: hand work that waits to another."""

Redact = Callable[[str], str]
"""Gives a text as others may read it."""


class Sinks:
    """The sinks of one agent.

    What one raises is logged, and it is told nothing for a minute.

    Args:
        sinks: told of each event in this order.
        text: whether they are told what calls said.
        redact: changes each text before it is told; one that it fails for is left out.

    Raises:
        UsageError: a sink is a coroutine function, which nobody would await.
    """

    def __init__(self, sinks: Sequence[Sink] = (), *, text: bool = False, redact: Redact | None = None) -> None:
        for sink in sinks:
            if inspect.iscoroutinefunction(sink):
                raise UsageError(
                    "A sink of events is a plain function, since things happen outside any event loop, too. "
                    "In it, hand the event to your loop: loop.call_soon_threadsafe(queue.put_nowait, event)."
                )
        self._sinks = tuple(sinks)
        self._until = [0.0] * len(self._sinks)
        self._text = text
        self._redact = redact

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

    def text(self, asked: str, answered: str) -> Text | None:
        """What a call said, as it may be told; None where that was not asked for."""
        if not self._text:
            return None
        asked, answered = asked[:_LONGEST], answered[:_LONGEST]
        if self._redact is None:
            return Text(asked, answered)
        try:
            asked, answered = self._redact(asked), self._redact(answered)
        except Exception as error:  # noqa: BLE001 the user's own function; better no text than all of it
            _log.warning("redact raised %s; the text is left out.", type(error).__name__)
            return None
        return Text(str(asked), str(answered))

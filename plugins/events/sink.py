"""Where events go: any function that takes one, none of which can fail a call."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from leanloop.errors import UsageError
from leanloop.plugins.events.event import Event, Settled, Text
from leanloop.plugins.log import warn

__all__ = ["Redact", "Sink", "Sinks"]

_log = logging.getLogger("leanloop")

_PAUSE = 60.0
"""Seconds for which a sink that raised is told nothing, so that one which is down costs no call its time."""

_LONGEST = 20_000
"""Characters of each text that is told; the rest says nothing to a reader of events."""

Sink = Callable[[Event], object]
"""Called on the thread, or the event loop, of what happened, which waits for it: hand work that waits to another."""

Redact = Callable[[str], str]
"""Gives a text as others may read it."""


class Sinks:
    """Those who are told what happens in a task.

    What one raises is logged, and it is told nothing for a minute; the others, and the call, go on.

    Args:
        sinks: told of each event in this order.
        text: whether they are told what calls said.
        redact: changes each text before it is told; one that it fails for is left out.

    Raises:
        UsageError: a sink is a coroutine function, which nobody would await, or no function.
    """

    def __init__(self, sinks: Sequence[Sink] = (), *, text: bool = False, redact: Redact | None = None) -> None:
        self._redact = redact
        self._circles: tuple[_Circle, ...] = ()
        if sinks:
            self._circles = (_Circle(tuple(_Outlet(_checked(sink)) for sink in sinks), text, redact),)

    def __bool__(self) -> bool:
        return bool(self._circles)

    def within(self, above: Sinks) -> Sinks:
        """These, and those of the task that this one is a part of; a sink that is among both is told once.

        Text goes to those whose budget asks for it, redacted as they say, else as anyone says, below or above.
        """
        if not above:
            return self
        made = Sinks(redact=self._redact or above._redact)
        known = [outlet.sink for circle in self._circles for outlet in circle.outlets]
        circles = (*self._circles, *(circle.without(known) for circle in above._circles))
        made._circles = tuple(
            replace(circle, redact=circle.redact or made._redact) for circle in circles if circle.outlets
        )
        return made

    def tell(self, event: Event, said: tuple[str, str] | None = None) -> None:
        """Tell each sink; of a settled call also what was `said`, asked and answered, to those who ask for it."""
        for circle in self._circles:
            told = event
            if said is not None and circle.text and isinstance(event, Settled):
                told = replace(event, text=_text(*said, circle.redact))
            for outlet in circle.outlets:
                outlet.tell(told)


class _Outlet:
    """One sink, and until when it is left alone."""

    __slots__ = ("sink", "until")

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.until = 0.0

    def tell(self, event: Event) -> None:
        if self.until and time.monotonic() < self.until:
            return
        try:
            told = self.sink(event)
            if inspect.iscoroutine(told):
                told.close()
                raise UsageError("it gave a coroutine, which nobody awaits; give a plain function")
        # The call is worth more than the news of it. A plain function can have no cancellation of ours.
        except (Exception, SystemExit, GeneratorExit, asyncio.CancelledError) as error:  # noqa: BLE001
            self.until = time.monotonic() + _PAUSE
            what = f"{type(error).__name__} ({error})" if isinstance(error, UsageError) else type(error).__name__
            with suppress(Exception):  # a filter of the log may raise as well
                _log.warning(
                    "The sink of events %s raised %s for a %s event, and is told nothing for %.0f s. The call goes on.",
                    getattr(self.sink, "__qualname__", type(self.sink).__name__),
                    what,
                    event.kind,
                    _PAUSE,
                )


@dataclass(frozen=True, slots=True)
class _Circle:
    """Sinks that are told the same."""

    outlets: tuple[_Outlet, ...]
    text: bool
    redact: Redact | None

    def without(self, known: Sequence[Sink]) -> _Circle:
        return replace(self, outlets=tuple(outlet for outlet in self.outlets if outlet.sink not in known))


def _checked(sink: Sink) -> Sink:
    if inspect.iscoroutinefunction(sink) or inspect.iscoroutinefunction(getattr(type(sink), "__call__", None)):  # noqa: B004
        raise UsageError(
            "A sink of events is a plain function, since things happen outside any event loop, too. "
            "In it, hand the event to your loop: loop.call_soon_threadsafe(queue.put_nowait, event)."
        )
    if not callable(sink):
        raise UsageError(
            f"A sink of events is a function that takes one, not {type(sink).__name__}: LeanLoop(..., on_event=print). "
            "A file is named in the budget file: events: events.jsonl."
        )
    return sink


def _text(asked: str, answered: str, redact: Redact | None) -> Text | None:
    """What a call said, as it may be told."""
    asked, answered = asked[:_LONGEST], answered[:_LONGEST]
    if redact is None:
        return Text(asked, answered)
    try:
        return Text(str(redact(asked)), str(redact(answered)))
    except Exception as error:  # noqa: BLE001 the user's own function; better no text than all of it
        warn("redact raised %s: what calls said is left out of the events it failed for.", type(error).__name__)
        return None

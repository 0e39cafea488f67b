"""Who is told of events: what a user gave for it, and OpenTelemetry where a budget file asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import cast

from leanloop.adapters.otel import OtelSink
from leanloop.budgets.budget import Budget
from leanloop.errors import UsageError
from leanloop.plugins.events.sink import Redact, Sink
from leanloop.plugins.events.watching import Watching
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["checked_otel", "sinks_of", "watched"]


def sinks_of(on_event: Sink | Sequence[Sink]) -> tuple[Sink, ...]:
    """One sink, or several."""
    return (on_event,) if callable(on_event) else tuple(on_event)


def checked_otel(budget: Budget) -> Callable[[], Sink]:
    """What makes the sink for ``events: {otel: on}``, one for the process.

    Raises:
        MissingExtra: this budget asks for it, and opentelemetry-api is not installed.
    """
    if budget.events is not None and budget.events.otel:
        _otel()
    return cast("Callable[[], Sink]", _otel)


def watched(task: Task | None, on_event: Sink | Sequence[Sink], redact: Redact | None) -> None:
    """Have the task of a callback, which no LeanLoop runs, tell what its budget names and who is given.

    Raises:
        UsageError: there is no task of its own that could tell them, or a sink is no plain function.
        MissingExtra: its budget asks for OpenTelemetry, and opentelemetry-api is not installed.
    """
    sinks = sinks_of(on_event)
    if task is not None:
        Watching(Supplied(on_event=sinks, redact=redact, otel=checked_otel(task.budget))).begin(task)
    elif sinks or redact is not None:
        raise UsageError(
            "A callback without a budget has no task whose events it could tell. Name one, "
            'LeanLoopCallback("budgets/support.yaml", on_event=...), or give on_event to the LeanLoop of the agent.'
        )


@lru_cache(maxsize=1)
def _otel() -> OtelSink:
    return OtelSink()

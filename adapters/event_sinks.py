"""Who is told of events: what a user gave for it, and OpenTelemetry where a budget file asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import cast

from leanloop.adapters.otel import OtelSink
from leanloop.budgets.budget import Budget
from leanloop.plugins.events.sink import Sink

__all__ = ["checked_otel", "sinks_of"]


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


@lru_cache(maxsize=1)
def _otel() -> OtelSink:
    return OtelSink()

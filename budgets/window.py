"""Calendar windows a limit can be about, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_never

from leanloop.budgets.limit import Window

__all__ = ["window_at"]

_TASK_SECONDS = 86_400.0
"""How long the balance of a task nobody touches is kept: long enough for a person to answer an interrupt."""


def window_at(window: Window, now: datetime) -> tuple[str, float]:
    """The label of the window `now` is in, and for how many seconds from now its balance matters.

    A label is unique to its window (``2026-11-22T14`` for an hour); for ``task`` it is empty. A day is
    added to what is left of the window, so that a call still in flight when it turns finds it.
    """
    now = now.astimezone(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match window:
        case "task":
            return "", _TASK_SECONDS
        case "minute":
            label, end = f"{now:%Y-%m-%dT%H:%M}", now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        case "hour":
            label, end = f"{now:%Y-%m-%dT%H}", now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        case "day":
            label, end = f"{now:%Y-%m-%d}", midnight + timedelta(days=1)
        case "week":
            label, end = f"{now:%G-W%V}", midnight + timedelta(days=7 - now.weekday())
        case "month":
            label, end = f"{now:%Y-%m}", (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:  # pragma: no cover
            assert_never(window)
    return label, (end - now).total_seconds() + _TASK_SECONDS

"""Rows as files of events have them."""

from __future__ import annotations

import itertools
from typing import Any

__all__ = ["MONDAY", "Row", "event", "settled"]

Row = dict[str, Any]

MONDAY = 1_795_392_000.0
"""2026-11-23T00:00:00Z, a Monday."""

_calls = itertools.count()


def settled(cost: int | None = 1_000, **more: object) -> Row:
    """A booked call, with an id of its own."""
    row = event("settled", call=f"c{next(_calls)}", model="m", phase="plan", input=10, output=5, seconds=1.0) | more
    return row if cost is None else row | {"cost": cost}


def event(kind: str, **more: object) -> Row:
    """Any other event."""
    return {"v": 1, "event": kind, "at": MONDAY, "agent": "a", "task": "t", **more}

"""An event as one flat row: what stands in a JSONL file, and what a report reads."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from typing import cast

from leanloop.budgets.usage import Usage
from leanloop.plugins.events.event import Event, Text

__all__ = ["VERSION", "row_of"]

VERSION = 1
"""Of the rows; a reader leaves out what it does not know."""

_USAGE = tuple(field.name for field in fields(Usage))


def row_of(event: Event) -> dict[str, object]:
    """The event as JSON can say it: its fields, with those of usage and text beside them; empty ones left out."""
    row = _of(event)
    for name in _own(cast("Hashable", type(event))):
        value: object = getattr(event, name)
        match value:
            case None | "" | False:
                continue
            case str() | int():  # which most are
                row[name] = value
            case float():
                if math.isfinite(value):  # JSON has no other
                    row[name] = round(value, 6)
            case Usage():
                row |= {part: amount for part in _USAGE if (amount := getattr(value, part))}
            case Text():
                row |= asdict(value)
            case Mapping():
                if value:
                    row[name] = dict(cast("Mapping[str, object]", value))
            case _:
                row[name] = value
    return row


def _of(event: Event) -> dict[str, object]:
    """What every row begins with."""
    of = event.of
    row: dict[str, object] = {
        "v": VERSION,
        "event": event.kind,
        "at": round(event.at, 6),
        "agent": of.agent,
        "task": of.task,
    }
    if of.within:
        row["within"] = list(of.within)
    if of.tags:
        row["tags"] = dict(of.tags)
    return row


@lru_cache(maxsize=64)
def _own(kind: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast("type[Event]", kind)) if field.name not in {"of", "at"})

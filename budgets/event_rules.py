"""What a budget file says under ``events``: where it is told what happens while tasks run."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from leanloop.budgets.fields import FROZEN, Flag

__all__ = ["EventRules", "events_or_file"]


class EventRules(BaseModel):
    """Where it is told what happens while tasks run."""

    model_config = FROZEN

    file: Annotated[str, Field(min_length=1, max_length=4_096)] | None = None
    """A file that a line of JSON is appended to for each event; `leanloop report` reads it."""

    log: Flag = False
    """Whether each event is a record of the logger ``leanloop.events``, at level INFO."""

    otel: Flag = False
    """Whether OpenTelemetry is told: spans and metrics by the conventions for generative AI."""

    text: Flag = False
    """Whether the last message and the answer of each call are told too, redacted by what LeanLoop was given for it."""


def events_or_file(value: object) -> object:
    """``events: events.jsonl`` is a file, ``events: off`` tells nobody."""
    if isinstance(value, str):
        return {"file": value}
    return None if value is False else value

"""Events as records of the standard library's logging."""

from __future__ import annotations

import logging

from leanloop.plugins.events.event import Event
from leanloop.plugins.events.row import row_of

__all__ = ["log_event"]

_log = logging.getLogger("leanloop.events")


def log_event(event: Event) -> None:
    """A record at level INFO: in words, and with the row in ``record.leanloop`` for formatters that write JSON."""
    if not _log.isEnabledFor(logging.INFO):
        return
    row = row_of(event)
    said = " ".join(f"{name}={_on_one_line(value)}" for name, value in row.items() if name not in {"v", "event", "at"})
    _log.info("%s %s", event.kind, said, extra={"leanloop": row})


def _on_one_line(value: object) -> object:
    """As it is; a text with what cannot be printed, escaped, since names come from models and users."""
    return repr(value) if isinstance(value, str) and not value.isprintable() else value

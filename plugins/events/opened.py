"""The sinks that a budget file names, one of each in a process."""

from __future__ import annotations

from functools import lru_cache

from leanloop.budgets.event_rules import EventRules
from leanloop.plugins.events.jsonl import JsonlFile
from leanloop.plugins.events.logged import log_event
from leanloop.plugins.events.sink import Sink, Sinks

__all__ = ["opened", "told_by"]

_NOBODY = Sinks()
_file = lru_cache(maxsize=1_024)(JsonlFile)


def opened(rules: EventRules | None) -> tuple[Sink, ...]:
    """The file and the log, where they are named."""
    return () if rules is None else _named(rules.file, rules.log)


def told_by(rules: EventRules | None) -> Sinks:
    """The sinks that a budget names, the same for all its tasks: one that is down is known to be down to all."""
    return _NOBODY if rules is None else _told_by(rules.file, rules.log, rules.text)


@lru_cache(maxsize=1_024)
def _told_by(file: str | None, log: bool, text: bool) -> Sinks:
    return Sinks(_named(file, log), text=text)


def _named(file: str | None, log: bool) -> tuple[Sink, ...]:
    return (*((_file(file),) if file is not None else ()), *((log_event,) if log else ()))

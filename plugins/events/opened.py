"""The sinks that a budget file names, one of each in a process."""

from __future__ import annotations

from functools import lru_cache

from leanloop.budgets.event_rules import EventRules
from leanloop.plugins.events.jsonl import JsonlFile
from leanloop.plugins.events.logged import log_event
from leanloop.plugins.events.sink import Sink, Sinks

__all__ = ["opened", "told_by"]

_files: dict[str, JsonlFile] = {}


def opened(rules: EventRules | None) -> tuple[Sink, ...]:
    """The file and the log, where they are named."""
    if rules is None:
        return ()
    sinks: list[Sink] = []
    if rules.file is not None:
        sinks.append(_files.setdefault(rules.file, JsonlFile(rules.file)))
    if rules.log:
        sinks.append(log_event)
    return tuple(sinks)


@lru_cache(maxsize=1_024)
def told_by(rules: EventRules | None) -> Sinks:
    """The sinks that a budget names, the same for all its tasks: one that is down is known to be down to all."""
    return Sinks(opened(rules), text=rules is not None and rules.text)

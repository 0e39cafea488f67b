"""What happens while tasks run, as events that are told to sinks.

A sink is any function that takes an `Event`: given to ``LeanLoop(on_event=...)``, or named in a budget file's
``events`` (a file of JSON lines, the log, OpenTelemetry). Each event has ``kind``, ``at`` (Unix seconds) and ``of``:
its task, agent and tags, and the tasks this one is a part of, whose sinks are told too.

A task tells `TaskBegan` first. Around each model call stand `Reserved` and `Settled`, which share ``call``; what is
settled adds up to the receipt. `TaskEnded` comes with an answer, with a stop that is raised, or when the task is
closed; a run that fails, or waits for a person, has not ended.
"""

from leanloop.plugins.events.event import (
    EVENTS,
    Alerted,
    Event,
    Gated,
    Hit,
    Landed,
    Nudged,
    Of,
    Refused,
    Reserved,
    Saved,
    Settled,
    Shortened,
    TaskBegan,
    TaskEnded,
    Text,
    ToolEnded,
)
from leanloop.plugins.events.jsonl import JsonlFile
from leanloop.plugins.events.row import row_of
from leanloop.plugins.events.sink import Redact, Sink

__all__ = [
    "EVENTS",
    "Alerted",
    "Event",
    "Gated",
    "Hit",
    "JsonlFile",
    "Landed",
    "Nudged",
    "Of",
    "Redact",
    "Refused",
    "Reserved",
    "Saved",
    "Settled",
    "Shortened",
    "Sink",
    "TaskBegan",
    "TaskEnded",
    "Text",
    "ToolEnded",
    "row_of",
]

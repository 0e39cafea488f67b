"""Runs that are recorded whole, as OpenAI-style messages."""

from __future__ import annotations

from collections.abc import Iterator

from leanloop.adapters.traces.openai import parse_trace
from leanloop.adapters.traces.recorded_value import Record
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError

__all__ = ["OpenAIRuns"]


class OpenAIRuns:
    """The runs in such records, each whole; see `leanloop.adapters.traces.formats.Recordings`."""

    def __init__(self, *, unsaid: bool = False) -> None:
        del unsaid  # every call of theirs has texts

    def read(self, records: Iterator[Record | TraceError], file: str) -> Iterator[Trace | TraceError]:
        """One of each record; what is none comes as the error that says why."""
        for record in records:
            if isinstance(record, TraceError):
                yield record
                continue
            try:
                yield parse_trace(record.text, file, record.line)
            except TraceError as error:
                yield error

    def rest(self) -> Iterator[Trace | TraceError]:
        """Nothing: no other file adds to a run."""
        return iter(())

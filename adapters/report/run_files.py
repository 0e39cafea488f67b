"""Files of recorded runs, rewritten as one file of rows."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import IO

from leanloop.adapters.report.files import EventFile
from leanloop.adapters.report.recorded import RowsOfRuns
from leanloop.adapters.traces.form import TraceFormat
from leanloop.adapters.traces.formats import Recordings, recorded_format
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError

__all__ = ["Rewriting", "format_of"]

_SHOWN = 200


def format_of(file: EventFile) -> TraceFormat | None:
    """The format of recorded runs a file is in; None where it is one of events, or of nothing that is known."""
    with suppress(OSError), file.path.open("rb") as stream:
        return recorded_format(stream)
    return None


class Rewriting:
    """Writes the rows of all runs of some files, a line each, in which ``file`` is the number of that which told of the
    run first. A trace may be spread over several; no more than some runs are in memory.

    Args:
        out: where to.
        model: whose the calls are of which the record names no model.
    """

    def __init__(self, out: IO[bytes], model: str | None = None) -> None:
        self._out = out
        self._made = RowsOfRuns(model)
        self._recordings = Recordings(unsaid=True)
        self._files: dict[str, tuple[int, EventFile]] = {}
        self.bad: Counter[int] = Counter()
        """By file, values or lines that are no run."""
        self.trouble: dict[int, str] = {}
        """By file, what went wrong first, with one or with it."""

    def read(self, number: int, file: EventFile, form: TraceFormat) -> None:
        """Write what is whole by the end of this file."""
        name = file.path.name
        while name in self._files:
            name += "'"
        self._files[name] = number, file
        try:
            with file.path.open("rb") as stream:
                for run in self._recordings.read(stream, name, form):
                    self._write(run, name)
        except OSError as error:
            self.trouble[number] = f"not read to its end: {error.strerror}"

    def finish(self) -> None:
        """Write what more files might have told of."""
        for run in self._recordings.rest():
            self._write(run, run.file)

    def _write(self, run: Trace | TraceError, name: str) -> None:
        number, file = self._files[run.file or name]
        if isinstance(run, TraceError):
            self.bad[number] += 1
            self.trouble.setdefault(number, str(run)[:_SHOWN])
            return
        for row in self._made.rows(run, file.path.name):
            self._out.write(json.dumps({"file": number, **row}, separators=(",", ":")).encode() + b"\n")

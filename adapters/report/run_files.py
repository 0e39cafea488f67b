"""Files of recorded runs, rewritten as files of rows."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from leanloop.adapters.report.files import EventFile
from leanloop.adapters.report.recorded import RowsOfRuns
from leanloop.adapters.traces.form import TraceFormat
from leanloop.adapters.traces.formats import read_runs, recorded_format
from leanloop.errors import TraceError

__all__ = ["Rewritten", "format_of", "rewritten"]

_SHOWN = 200
_UNPACKED = ("none", "gzip")


class Rewritten(NamedTuple):
    """Rows of a file; how many of its values or lines are no run, and what went wrong first, with one or with it."""

    path: Path
    bad: int
    trouble: str


def format_of(file: EventFile) -> TraceFormat | None:
    """The format of recorded runs a file is in; None where it is one of events, or of nothing that is known."""
    if file.packed not in _UNPACKED:
        return None
    with suppress(OSError), file.path.open("rb") as stream:
        return recorded_format(stream)
    return None


@contextmanager
def rewritten(file: EventFile, form: TraceFormat, made: RowsOfRuns) -> Generator[Rewritten, None, None]:
    """A file of the rows of all its runs, a line each, while it is used: no more than some runs are in memory."""
    with tempfile.TemporaryDirectory(prefix="leanloop-report-") as folder:
        path = Path(folder, "rows.jsonl")
        with path.open("wb") as out:
            bad, trouble = _write(file, form, made, out)
        yield Rewritten(path, bad, trouble)


def _write(file: EventFile, form: TraceFormat, made: RowsOfRuns, out: IO[bytes]) -> tuple[int, str]:
    if file.packed not in _UNPACKED:
        return 0, f"not read: recorded runs are read plain or packed by gzip, not as {file.packed}"
    bad, trouble = 0, ""
    try:
        with file.path.open("rb") as stream:
            for run in read_runs(stream, file.path.name, form, unsaid=True):
                if isinstance(run, TraceError):
                    bad += 1
                    trouble = trouble or str(run)[:_SHOWN]
                    continue
                for row in made.rows(run, file.path.name):
                    out.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    except OSError as error:
        trouble = f"not read to its end: {error.strerror}"
    return bad, trouble

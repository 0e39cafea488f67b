"""Files of events, and of recorded runs, read into a table of DuckDB; what is neither is counted, and stops nothing."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from leanloop.adapters.report.fields import COLUMNS, FIELDS, VALUES, WHY, table_of_events
from leanloop.adapters.report.files import EventFile
from leanloop.adapters.report.mended import copy_lines
from leanloop.adapters.report.run_files import Rewriting, format_of
from leanloop.adapters.traces.form import TraceFormat

__all__ = ["REASONS", "FileRead", "read_events"]

REASONS = {
    "damaged": "no JSON object",
    "other": "no event, or one this version does not know",
    "newer": "of a newer version",
    "wrong": "a value of the wrong kind",
    "no_run": "no recorded run, or no call of one",
    "before": "before --since",
    "timeless": "of a time that is not recorded, where --since asks for one",
    "again": "a copy of another row",
}
"""Why rows are left out, in words."""

_NESTED = [name for name, kind in FIELDS.items() if kind in ("object", "list")]
"""Read as JSON, in which text is in quotes: text that only looks like an object stays what it is."""

_TYPES = ", ".join(f"'{name}': '{'JSON' if name in _NESTED else 'VARCHAR'}'" for name in FIELDS)
_JSON = f"""
    SELECT * REPLACE ({", ".join(f"{name}::VARCHAR AS {name}" for name in _NESTED)})
    FROM read_json($path, format = 'newline_delimited', records = true, compression = $packed, columns = {{{_TYPES}%s}},
    ignore_errors = true, hive_partitioning = false)"""
_EVENTS, _RUNS = _JSON % "", _JSON % ", 'file': 'INTEGER'"

_PARTS = 8
"""In which copies are looked for, so that the numbers of ten million rows are never in memory at once."""


@dataclass(slots=True)
class FileRead:
    """A file, what it was read as, how many of its rows are counted, how many are not and why, and what went wrong."""

    path: Path
    read_as: str = "events"
    counted: int = 0
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    trouble: str = ""


def read_events(
    db: duckdb.DuckDBPyConnection,
    files: Sequence[EventFile],
    since: float = 0.0,
    *,
    form: TraceFormat | None = None,
    model: str | None = None,
) -> list[FileRead]:
    """Read files into the table ``events`` of `db`: each event once, in however many files its row is.

    Args:
        db: where the table is made.
        files: see `event_files`.
        since: events before it are left out; seconds since the epoch.
        form: all files are recorded runs in this format; None to go by what each holds.
        model: whose the calls of recorded runs are, where the record names none.
    """
    db.execute(table_of_events())
    read = [FileRead(file.path) for file in files]
    with tempfile.TemporaryDirectory(prefix="leanloop-report-") as folder:
        rewritten = Path(folder, "rows.jsonl")
        with rewritten.open("wb") as out:
            runs = Rewriting(out, model)
            for number, file in enumerate(files):
                found = form or format_of(file)
                if found is None:
                    read[number].trouble = _read(db, number, file, since)
                else:
                    runs.read(number, file, found)
                    read[number].read_as = found
            runs.finish()
        if rewritten.stat().st_size:
            _insert(db, '"file"', _RUNS, since, timeless=True, path=_as_pattern(rewritten), packed="none")
    counts = "SELECT file, coalesce(why, ''), count(*) FROM events GROUP BY ALL ORDER BY ALL"
    for number, why, rows in db.execute(counts).fetchall():
        if why:
            read[int(number)].left_out[str(why)] = rows
        else:
            read[int(number)].counted = rows
    db.execute("DELETE FROM events WHERE why IS NOT NULL")
    for number, rows in _copies(db):
        read[number].counted -= rows
        read[number].left_out["again"] = rows
    for number, one in enumerate(read):
        one.left_out |= {"no_run": runs.bad[number]} if runs.bad[number] else {}
        one.trouble = one.trouble or runs.trouble.get(number, "")
        if one.read_as != "events" and not (one.counted or one.left_out or one.trouble):
            one.trouble = "no call, or only of traces that a file before it told of first"
    return read


def _read(db: duckdb.DuckDBPyConnection, number: int, file: EventFile, since: float) -> str:
    """Read one; what went wrong with it, if anything."""
    path = _as_pattern(file.path)
    try:
        if file.packed == "parquet":
            _insert(db, number, _parquet(db, path), since, path=path)
        else:
            _insert(db, number, _EVENTS, since, path=path, packed=file.packed)
    except duckdb.Error as error:
        if file.packed in ("none", "gzip") and (trouble := _read_what_can_be(db, number, file, since)):
            return trouble
        return f"not read: {str(error).partition(chr(10))[0][:200]}"
    return ""


def _insert(
    db: duckdb.DuckDBPyConnection, file: int | str, source: str, since: float, *, timeless: bool = False, **given: str
) -> None:
    """Insert rows of a file: by its number, or by what names it in them."""
    db.execute(
        f"INSERT INTO events SELECT {file}, {WHY}, {VALUES} FROM ({source})",
        {"since": since, "timeless": timeless, **given},
    )


def _as_pattern(path: Path) -> str:
    """DuckDB takes every name for a pattern."""
    return glob.escape(str(path))


def _parquet(db: duckdb.DuckDBPyConnection, path: str) -> str:
    """The fields that a file has, each as the text it would be in a line of JSON."""
    about = db.execute(
        "DESCRIBE SELECT * FROM read_parquet($path, hive_partitioning = false)", {"path": path}
    ).fetchall()
    types = {str(name): str(kind) for name, kind, *_ in about}
    columns = (f"{_text(name, types.get(name))} AS {column}" for name, column in zip(FIELDS, COLUMNS, strict=True))
    return f"SELECT {', '.join(columns)} FROM read_parquet($path, hive_partitioning = false)"


def _text(name: str, kind: str | None) -> str:
    column = f'"{name}"'
    if kind is None:
        return "NULL::VARCHAR"
    if kind.startswith("TIMESTAMP"):
        return f"epoch({column})::VARCHAR"
    if name in _NESTED:
        text = f"{column}::VARCHAR" if kind in ("VARCHAR", "JSON") else f"to_json({column})::VARCHAR"
        return f"CASE WHEN {text} IS NULL OR json_valid({text}) THEN {text} ELSE '?' END"
    return f"{column}::VARCHAR"


def _read_what_can_be(db: duckdb.DuckDBPyConnection, number: int, file: EventFile, since: float) -> str:
    """Read a file whose end is missing (its process was killed as it was written), or in which a line is far too long.

    Returns:
        What was left out; empty where nothing could be read.
    """
    with tempfile.TemporaryDirectory(prefix="leanloop-report-") as folder:
        mended = Path(folder, "rows.jsonl")
        with mended.open("wb") as out:
            trouble = copy_lines(file.path, out)
        try:
            _insert(db, number, _EVENTS, since, path=_as_pattern(mended), packed="none")
        except duckdb.Error:
            return ""
    return trouble


def _copies(db: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """Take out all but the first of what is there more than once; how many that were, by file."""
    db.execute("CREATE TEMP TABLE twice (same UBIGINT, kept BIGINT)")
    for part in range(_PARTS):
        db.execute(
            f"""INSERT INTO twice SELECT same, min(rowid) FROM events WHERE same % {_PARTS} = $part
            GROUP BY same HAVING count(*) > 1""",
            {"part": part},
        )
    where = "FROM events, twice WHERE events.same = twice.same AND events.rowid <> twice.kept"
    copies = db.execute(f"SELECT file, count(*) {where} GROUP BY file ORDER BY file").fetchall()
    if copies:
        db.execute("DELETE FROM events USING twice WHERE events.same = twice.same AND events.rowid <> twice.kept")
    return copies

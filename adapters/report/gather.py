"""All figures of some files of events and recorded runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from leanloop.adapters.report.caching import caching
from leanloop.adapters.report.dearest import dearest
from leanloop.adapters.report.deciding import deciding
from leanloop.adapters.report.files import event_files
from leanloop.adapters.report.hours import hours
from leanloop.adapters.report.looping import looping
from leanloop.adapters.report.notes import notes_of
from leanloop.adapters.report.read import REASONS, FileRead, read_events
from leanloop.adapters.report.refusals import refusals
from leanloop.adapters.report.savings import savings
from leanloop.adapters.report.spending import spending
from leanloop.adapters.report.standings import standings
from leanloop.adapters.report.table import Column, Report, Section, Table
from leanloop.adapters.traces.form import TraceFormat

__all__ = ["gather"]

_MEMORY = "1000MB"
"""Of DuckDB's own; the rest is on disk. What it reads into and the page come on top: below 2 GB in all."""

_THREADS = 4


def gather(
    names: Iterable[str],
    *,
    since: float = 0.0,
    zone: str = "UTC",
    form: TraceFormat | None = None,
    model: str | None = None,
) -> Report:
    """Read the files and put their figures together.

    Args:
        names: of files of events or recorded runs, folders, or patterns.
        since: what happened before is left out; seconds since the epoch.
        zone: whose hours and days they are.
        form: all files are recorded runs in this format; None to go by what each holds.
        model: whose the calls of recorded runs are, where the record names none.

    Raises:
        UsageError: a name is of no file.
    """
    files = event_files(names)
    with tempfile.TemporaryDirectory(prefix="leanloop-report-") as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "temp_directory": str(Path(folder, "spilled")),
            "threads": min(_THREADS, os.cpu_count() or 1),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with duckdb.connect(Path(folder, "events.duckdb"), config=config) as db:
            db.execute("SET enable_progress_bar = false")  # it would stand among the figures on standard output
            read = read_events(db, files, since, form=form, model=model)
            notes = notes_of(db)
            sections = [
                spending(db, zone),
                savings(db),
                standings(db, zone),
                caching(db),
                looping(db),
                refusals(db),
                deciding(db),
                hours(db, zone),
                dearest(db),
                _errors(db),
                _files(read),
            ]
    left_out = sum(sum(one.left_out.values()) for one in read)
    return Report(zone, sum(one.counted for one in read), left_out, sections, notes)


def _errors(db: duckdb.DuckDBPyConnection) -> Section:
    rows = db.execute("""
        SELECT CASE event WHEN 'tool' THEN 'tool' ELSE 'call' END AS what,
            coalesce(CASE event WHEN 'tool' THEN tool ELSE model END, '(none)') AS name,
            CASE event WHEN 'tool' THEN 'failed' ELSE error END AS error, count(*), sum(cost)
        FROM events WHERE (event = 'settled' AND error IS NOT NULL) OR (event = 'tool' AND is_error)
        GROUP BY ALL ORDER BY count(*) DESC, 1, 2, 3 LIMIT 50""").fetchall()
    columns = (Column("what"), Column("name"), Column("error"), Column("times", "count"), Column("usd", "usd"))
    table = Table(
        "errors", "Calls and tools that failed", columns, rows, "Failed calls that were billed, and failed tools."
    )
    return Section("errors", "Errors", [table], "No call failed, and no tool.")


def _files(read: Sequence[FileRead]) -> Section:
    rows = [
        (
            one.path.name,
            one.read_as,
            one.counted,
            *(one.left_out.get(reason, 0) for reason in REASONS),
            one.trouble or None,
        )
        for one in read
    ]
    columns = (
        Column("file"),
        Column("read_as"),
        Column("counted", "count"),
        *(Column(reason, "count") for reason in REASONS),
    )
    words = "; ".join(f"{reason}: {meaning}" for reason, meaning in REASONS.items())
    table = Table(
        "files", "Rows by file", (*columns, Column("trouble")), rows, f"Rows that were left out, by reason. {words}."
    )
    return Section("files", "What was read", [table], "No file was read.")

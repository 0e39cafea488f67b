"""``leanloop replay``: recorded runs sent through the plugins, and what a budget would have changed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from leanloop.adapters.cli.bad_lines import tell_bad_lines
from leanloop.adapters.named_files import files_named
from leanloop.adapters.traces.form import TraceFormat
from leanloop.budgets.fields import shown
from leanloop.budgets.file import load_budget
from leanloop.errors import TraceError, UsageError

if TYPE_CHECKING:
    from leanloop.adapters.traces.trace import Trace

__all__ = ["TRACES", "replay", "runs_of"]

TRACES = "Files of recorded runs, also .gz, .zst or .parquet; folders or patterns; - for standard input."

_LISTED = 20
_STANDARD_INPUT = Path("-")
_LINES = (".jsonl", ".ndjson", ".json")
_SUFFIXES = (*_LINES, *(f"{suffix}{packed}" for packed in (".gz", ".zst") for suffix in _LINES), ".parquet")


def replay(
    traces: Annotated[list[str], typer.Argument(metavar="TRACES...", help=TRACES)],
    *,
    budget: Annotated[str, typer.Option(metavar="FILE", help="The budget file.")],
    form: Annotated[
        TraceFormat | None, typer.Option("--format", help="Of the files; by default what they hold tells.")
    ] = None,
    model: Annotated[str, typer.Option(help="Whose tokens and prices they are taken to be.")] = "gpt-4o",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the first N runs.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help=f"List every stopped run (keeps them in memory), not the first {_LISTED}.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first line that is not a run.")] = False,
) -> None:
    """Send recorded runs through the plugins: tokens, dollars and outcomes, bare and under the budget.

    Lines that are not runs are counted, the first few named, and make the exit code 1.
    """
    # Here, because counting takes a while to import.
    from leanloop.adapters.cli.replay_tables import as_dict, show
    from leanloop.adapters.traces.replay import Replayer
    from leanloop.adapters.traces.report import Report

    replayer = Replayer(load_budget(budget), model)
    report = Report(keep=None if every else _LISTED)
    with closing(runs_of(traces, form)) as runs:
        for run in runs:
            if isinstance(run, TraceError):
                if strict:
                    raise run
                report.bad.add(run)
                continue
            replayed = replayer.replay(run)
            report.add(run, replayed, replayer.replay(run, caching=False) if replayer.limits_money else replayed)
            if report.runs == limit:
                break
    if as_json:
        typer.echo(json.dumps(as_dict(report, replayer), indent=2))
    else:
        show(report, replayer, Console())
    tell_bad_lines(report.bad)


def runs_of(
    names: list[str], form: TraceFormat | None, doing: str = "replaying"
) -> Generator[Trace | TraceError, None, None]:
    """The runs of all files, with a bar on stderr that moves by their bytes.

    Raises:
        UsageError: nothing is there by one of the names, or it cannot be read.
    """
    from leanloop.adapters.traces.formats import Recordings

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    files = list(dict.fromkeys(file for name in names for file in _files(name)))
    total = _bytes_of(files)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(doing, total=total)
        recordings = Recordings(form)
        for file in files:
            try:
                with nullcontext(sys.stdin.buffer) if file == _STANDARD_INPUT else file.open("rb") as stream:
                    watched = progress.wrap_file(stream, total, task_id=bar) if total else stream
                    yield from recordings.read(watched, str(file))
            except OSError as error:
                raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
        yield from recordings.rest()


def _files(name: str) -> list[Path]:
    if name == str(_STANDARD_INPUT):
        return [_STANDARD_INPUT]
    found = files_named(name, _SUFFIXES)
    if not found and os.path.isdir(name):  # noqa: PTH112 - which no name makes raise
        raise UsageError(f"There is no file of recorded runs in {shown(name)} ({', '.join(_SUFFIXES)}).")
    if not found:
        raise UsageError(f"{name} cannot be read: No such file or directory.")
    return found


def _bytes_of(files: list[Path]) -> int | None:
    """Their size together; None where one is no plain file (a pipe), or not there."""
    return sum(file.stat().st_size for file in files) if all(file.is_file() for file in files) else None

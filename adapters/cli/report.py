"""``leanloop report``: what files of events, or of recorded runs, amount to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from leanloop.adapters.cli.budget_arguments import read_time
from leanloop.adapters.traces.form import TraceFormat
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError

__all__ = ["report"]


def report(
    events: Annotated[
        list[str],
        typer.Argument(
            metavar="EVENTS...",
            help="Files of events or of recorded runs (JSONL, also .gz or .zst, or Parquet); folders or patterns.",
        ),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where to (html: report.html; else standard output)."),
    ] = None,
    form: Annotated[
        Literal["html", "json", "csv", "md"], typer.Option("--format", help="Of what is written.")
    ] = "html",
    since: Annotated[str | None, typer.Option(metavar="TIME", help="24h, 7d or a date; all where not given.")] = None,
    zone: Annotated[str, typer.Option(metavar="NAME", help="Whose hours and days, such as Europe/Berlin.")] = "UTC",
    traces: Annotated[
        TraceFormat | None,
        typer.Option("--traces", help="The files are recorded runs in this format; by default what they hold tells."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose the calls of recorded runs are, where they name no model."),
    ] = None,
) -> None:
    """Put events together: spending, savings, budgets, cache, loops, hours, the dearest tasks.

    Makes one page that works without a network, or the same figures as JSON, CSV or Markdown. Rows that are no events
    are left out and counted. A budget writes events where it says `events: FILE`. Recorded runs (OpenAI-style messages,
    LangSmith, OpenTelemetry, LlamaIndex) tell the same of agents without one: what they do not record is not made up.
    """
    _check_zone(zone)
    begin = 0.0 if since is None else read_time(since, datetime.now(UTC)).timestamp()
    # Here, because DuckDB and pygal are optional.
    from leanloop.adapters.report.formats import as_csv, as_json, as_markdown
    from leanloop.adapters.report.gather import gather
    from leanloop.adapters.report.page import as_page

    found = gather(events, since=begin, zone=zone, form=traces, model=model)
    text = {"html": as_page, "json": as_json, "csv": as_csv, "md": as_markdown}[form](found)
    if out is None and form != "html":
        typer.echo(text, nl=False)
    else:
        where = out or Path("report.html")
        try:
            where.write_text(text, "utf-8")
        except OSError as error:
            raise UsageError(
                f"{shown(str(where))} cannot be written: {error.strerror}. Name another: --out FILE"
            ) from error
        typer.echo(f"{where}: {found.events:,} events, {found.left_out:,} rows left out", err=True)


def _check_zone(name: str) -> None:
    from zoneinfo import available_timezones

    if name != "UTC" and name not in available_timezones():
        raise UsageError(f"A time zone is UTC or a name such as Europe/Berlin, not {shown(name)}.")

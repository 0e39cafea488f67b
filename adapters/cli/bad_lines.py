"""What is said of lines of trace files that are no runs."""

from __future__ import annotations

import typer

from leanloop.adapters.cli.plain import plain
from leanloop.adapters.traces.bad_lines import BadLines

__all__ = ["tell_bad_lines"]


def tell_bad_lines(bad: BadLines) -> None:
    """Name the first few on stderr and exit with 1, where there are any."""
    if not bad.count:
        return
    for line in bad.first:
        typer.echo(f"leanloop: {plain(line).plain}", err=True)
    unnamed = bad.count - len(bad.first)
    rest = f" ({unnamed:,} more not named here)" if unnamed else ""
    typer.echo(f"leanloop: {bad.count:,} of the lines are no runs and were left out{rest}.", err=True)
    raise typer.Exit(1)

"""The command ``leanloop``: puts the commands together, each of which lives in a module of its own."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from leanloop.adapters.cli.advise import advise
from leanloop.adapters.cli.budget import budget
from leanloop.adapters.cli.cache import cache
from leanloop.adapters.cli.check import check
from leanloop.adapters.cli.demo import demo
from leanloop.adapters.cli.evaluate import evaluate
from leanloop.adapters.cli.init import init
from leanloop.adapters.cli.learn import learn
from leanloop.adapters.cli.outcome import outcome
from leanloop.adapters.cli.outcomes import outcomes
from leanloop.adapters.cli.replay import replay
from leanloop.adapters.cli.report import report
from leanloop.adapters.cli.schema import schema
from leanloop.adapters.cli.tune import tune
from leanloop.adapters.cli.watch import watch
from leanloop.errors import LeanLoopError

__all__ = ["app", "main"]

app = typer.Typer(
    name="leanloop",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(budget, name="budget")
app.add_typer(cache, name="cache")
app.add_typer(outcomes, name="outcomes")
app.add_typer(tune, name="tune")
app.command()(advise)
app.command()(check)
app.command()(demo)
app.command()(evaluate)
app.command()(init)
app.command()(learn)
app.command()(outcome)
app.command()(replay)
app.command()(report)
app.command()(schema)
app.command()(watch)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"leanloop {version_of('leanloop')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Budgets, loop guard and a landing for LLM agents."""


def main() -> None:
    """Run the command line. An error of leanloop is a message and exit code 1; wrong usage is exit code 2."""
    try:
        app()
    except LeanLoopError as error:
        print(f"leanloop: {error}", file=sys.stderr)  # noqa: T201 - the command's own output
        raise SystemExit(1) from None

"""``leanloop tune``: thresholds of a budget file, found from a labelled set, so that a promise is held."""

from __future__ import annotations

import typer

from leanloop.adapters.cli.tune_gate import gate
from leanloop.adapters.cli.tune_routes import routes

__all__ = ["tune"]

tune = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Find from a labelled set from when on thinking, or a dearer model, is worth it: gate, routes.",
)
tune.command()(gate)
tune.command()(routes)

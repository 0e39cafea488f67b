"""``leanloop outcomes``: what came of what was decided."""

from __future__ import annotations

import typer

from leanloop.adapters.cli.outcomes_experiment import experiment
from leanloop.adapters.cli.outcomes_report import report

__all__ = ["outcomes"]

outcomes = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="See what came of what was decided: net savings and segments (report), or an experiment's arms (experiment).",
)
outcomes.command()(report)
outcomes.command()(experiment)

"""``leanloop budget``: what a ledger holds, and changing it by hand."""

from __future__ import annotations

import typer

from leanloop.adapters.cli.budget_change import raise_, reset
from leanloop.adapters.cli.budget_history import history
from leanloop.adapters.cli.budget_move import move, reinstate
from leanloop.adapters.cli.budget_show import show
from leanloop.adapters.cli.budget_top import top

__all__ = ["budget"]

budget = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Look into a ledger: limits, spending, history; raise or reset a limit, move to another store.",
)
budget.command()(show)
budget.command()(top)
budget.command("raise")(raise_)
budget.command()(reset)
budget.command()(history)
budget.command()(move)
budget.command()(reinstate)

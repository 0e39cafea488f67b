"""``leanloop budget move`` and ``leanloop budget reinstate``: a ledger from one store to another, and back into use."""

from __future__ import annotations

from typing import Annotated

import typer

from leanloop.adapters.cli.budget_change import YesOption
from leanloop.adapters.cli.budget_ledger import open_books, open_existing
from leanloop.budgets.file import load_budget
from leanloop.budgets.move import move as move_ledger

__all__ = ["move", "reinstate"]

_FROM = "Its address, or a budget file."


def move(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_FROM)],
    target: Annotated[str, typer.Argument(metavar="TO", help="The address of an empty one, or a budget file.")],
    *,
    yes: YesOption = False,
) -> None:
    """Move a ledger to another store: balances, calls in flight, and history.

    From the beginning of the move the old one refuses every call and names the new one: change the store in the budget
    files and start the agents anew. A call in flight counts at its worst case when its lease ends, so stop the agents
    first where that matters. A move that is interrupted can be run again.
    """
    with (
        open_existing(_address(source)) as (source_name, source_store),
        open_books(_address(target)) as (target_name, target_store),
    ):
        typer.echo(f"Move {source_name} to {target_name}.")
        if not yes:
            typer.confirm("Go on?", abort=True)
        moved = move_ledger(source_store, target_store, successor=target_name)
    typer.echo(
        f"Moved and compared: {moved.accounts:,} balances, {moved.in_flight:,} calls in flight, {moved.rows:,} rows of "
        f"history. {source_name} refuses every call from now on: set store to the new address and start the agents."
    )


def reinstate(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_FROM)],
    *,
    yes: YesOption = False,
) -> None:
    """Put a ledger back into use that was moved, where the move was not finished or is to be undone."""
    with open_existing(_address(source)) as (name, store):
        typer.echo(f"Take {name} into use again. What was spent in the other one since is not in it.")
        if not yes:
            typer.confirm("Go on?", abort=True)
        store.reinstate()
    typer.echo(f"{name} takes calls again.")


def _address(text: str) -> str:
    """An address as it is; of a budget file its store."""
    return text if "://" in text or text == "memory" else load_budget(text).store

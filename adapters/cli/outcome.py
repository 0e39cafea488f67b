"""``leanloop outcome``: says how a task went, so that the next calls of such a kind are decided by it."""

from __future__ import annotations

from typing import Annotated

import typer

from leanloop.adapters.cli.outcome_place import BudgetOption, OutcomeStoreOption, open_place
from leanloop.adapters.cli.plain import plain
from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.outcomes.outcome import outcome as say

__all__ = ["outcome"]

_WORDS = {"true": 1.0, "false": 0.0}


def outcome(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The id of the task, as on its receipt.")],
    score: Annotated[str, typer.Argument(metavar="SCORE", help="true, false, or from 0 (failed) to 1 (succeeded).")],
    *,
    budget: BudgetOption = None,
    store: OutcomeStoreOption = None,
) -> None:
    """Say how a task went that has ended. It counts for what thinking, routes and scaffold decided in it, once."""
    share = _read(score)
    with open_place(budget, store) as place:
        counted = say(task, share, store=place.store)
    if counted:
        what = "1 decision" if counted == 1 else f"{counted:,} decisions"
        typer.echo(plain(f"An outcome of {share:g} counts for {what} of task {task}."))
    else:
        typer.echo(plain(f"Task {task} was scored before; nothing has changed."))


def _read(text: str) -> float:
    """The score in a text; that it is from 0 to 1 is seen to where it counts."""
    try:
        return _WORDS[text.lower()] if text.lower() in _WORDS else float(text)
    except ValueError:
        raise UsageError(f"An outcome is true, false or a number from 0 to 1, not {shown(text)}.") from None

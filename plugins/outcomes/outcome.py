"""How a task went: said on the task, or by its id where it ended in another process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leanloop.budgets.budget import Budget
from leanloop.budgets.fields import shown
from leanloop.budgets.file import load_budget
from leanloop.errors import UsageError
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.counting import checked_score, say
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.outcomes.stores import open_outcomes, outcomes_of, outcomes_under
from leanloop.plugins.steps import Steps, aperform, perform

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["aoutcome", "outcome", "outcome_of"]


def outcome(
    task: str, score: float, *, budget: Budget | str | Path | None = None, store: OutcomeStore | str | None = None
) -> int:
    """Say how a task went that ended elsewhere, by the id on its receipt; see `Task.outcome`.

    Args:
        task: its id.
        score: True, False, or from 0 (failed) to 1 (succeeded).
        budget: the agent's, or the path of its file, which says where outcomes are kept.
        store: or that place: its address, or the store itself.

    Returns:
        How many decisions it counts for; 0 where all of them were scored before.

    Raises:
        UsageError: nothing is known of the task there, the score is none, or not one of budget and store is given.
        BudgetFileError: the file cannot be read or does not hold a budget.
        StoreError: the store cannot be reached.
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    return perform(_outcome(task, checked_score(score), _place(budget, store)))


async def aoutcome(
    task: str, score: float, *, budget: Budget | str | Path | None = None, store: OutcomeStore | str | None = None
) -> int:
    """`outcome`, awaited."""
    return await aperform(_outcome(task, checked_score(score), _place(budget, store)))


def outcome_of(task: Task, score: float) -> Steps[int]:
    """What `Task.outcome` does."""
    share = checked_score(score)
    task.made.take_latest()  # what is said counts in place of what would be inferred of them
    counted = 0
    for store in task.made.stores or (outcomes_of(task),):
        counted += yield from say(store, task.id, share)
    return counted


def _outcome(task: str, score: float, store: OutcomeStore) -> Steps[int]:
    counted = yield from say(store, task, score)
    if not counted:
        known: list[Decision] = yield Io(store.of_task, store.aof_task, task)
        if not known:
            raise UsageError(
                f"Nothing is known of a task {shown(task)} in this outcome store. Give the id that its receipt says "
                "(receipt.task), and the budget file or the store that it ran with. Tasks are known once thinking, "
                "routes or scaffold has decided a call of theirs, until newer ones make room; with store: memory only "
                "in the process they ran in."
            )
    return counted


def _place(budget: Budget | str | Path | None, store: OutcomeStore | str | None) -> OutcomeStore:
    if store is not None and budget is None:
        return open_outcomes(store) if isinstance(store, str) else store
    if budget is not None and store is None:
        return outcomes_under(budget if isinstance(budget, Budget) else load_budget(budget))
    raise UsageError("Say where the outcome is kept, by one of budget=FILE and store=ADDRESS.")

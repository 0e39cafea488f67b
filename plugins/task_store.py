"""Where the balances of a task are kept: all tasks of one lineage in one store, so that one atomic step covers them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leanloop.budgets.budget import Budget
from leanloop.budgets.store import LedgerStore
from leanloop.budgets.stores import open_store
from leanloop.errors import UsageError

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["store_for"]


def store_for(budget: Budget, above: Sequence[Task], given: LedgerStore | None) -> LedgerStore:
    """The store of a task under `budget`: its parent's, where it is a part of one.

    Args:
        budget: its own.
        above: the tasks it is a part of, its parent first.
        given: instead of the one that the budget names.

    Raises:
        UsageError: it is to be kept in another durable store than its parent.
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    if not above:
        return given or open_store(budget.store)
    parent = above[0]
    if given is None and budget.store not in {"memory", *(member.budget.store for member in above)}:
        given = open_store(budget.store)
    if given is not None and given.durable and given is not parent.store:
        raise UsageError(
            f"The task of agent {budget.agent!r} is a part of one of agent {parent.agent!r}, and they name two "
            "stores, which cannot be reserved in one step. Write the same store in both budget files, or store: "
            f"memory in that of {budget.agent!r}: its spending is then kept with its parent's."
        )
    return parent.store

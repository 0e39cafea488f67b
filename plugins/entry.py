"""The row of the ledger's history about one booking of a task."""

from __future__ import annotations

from collections.abc import Mapping

from leanloop.budgets.history import Entry, Kind
from leanloop.plugins.task import Task

__all__ = ["entry_of"]


def entry_of(task: Task, kind: Kind, model: str, price: str, amounts: Mapping[str, int]) -> Entry:
    """What was booked for `task`, by resource; `price` says where the price came from."""
    valued = next((member for member in task.lineage if member.value is not None), task)
    return Entry(
        kind,
        task=task.id,
        agent=task.agent,
        tags=task.tags,
        model=model,
        price=price,
        amounts=amounts,
        within=task.within,
        value=valued.value,
        valued="" if valued is task else valued.id,
    )

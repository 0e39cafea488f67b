"""The receipt of a task, as it stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanloop.plugins.receipt import Receipt

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["receipt_of"]


def receipt_of(task: Task) -> Receipt:
    """What was spent so far, sub-tasks included."""
    models, tools, limits, savings = task.tally.snapshot()
    stopped = task.stopped
    return Receipt(
        task=task.id,
        agent=task.agent,
        tags=dict(task.tags),
        models=models,
        tool_calls=tools,
        cycles=task.cycles.begun or (None if models else 0),
        seconds=task.seconds,
        limits=limits,
        savings=savings,
        stopped=stopped.reason if stopped else None,
        landed=task.landed,
        embeddings=task.tally.embeddings(),
        value=task.value,
        notes=task.tally.notes(),
        cache=task.tally.cache(),
    )

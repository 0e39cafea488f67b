"""What is said of a cascade that is not made: on the receipt of each task, and to people once a process."""

from __future__ import annotations

import logging

from leanloop.plugins.alerts import Alert
from leanloop.plugins.task import Task

__all__ = ["tell"]


def tell(task: Task, what: str, said: str) -> None:
    """Say it, once for each `what`, which names the two models and the reason."""
    if task.alerts.first(task.store, f"task:{task.id}", "cascade", what):
        task.note(said[:1].upper() + said[1:])
    if task.alerts.first(task.store, f"agent={task.agent}", "cascade", what):
        task.alerts.tell(Alert("cascade", f"Agent {task.agent}: {said}", task.agent, task.id), logging.WARNING)

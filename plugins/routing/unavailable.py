"""A model that routes name and that cannot be had: left alone, said once; and what is said where none is left."""

from __future__ import annotations

from collections.abc import Mapping

from leanloop.errors import ModelUnavailable
from leanloop.plugins.alerts import Alert
from leanloop.plugins.task import Task

__all__ = ["leave_alone", "no_model"]


def leave_alone(task: Task, model: str, why: str) -> None:
    """Ask it no more in this task; people are told once a process."""
    task.left_alone.add(model)
    if task.alerts.first(task.store, f"agent={task.agent}", "unavailable", model, "routes"):
        message = f"Agent {task.agent}: routes go past {model}: {why.rstrip('.')}."
        task.alerts.tell(Alert("unavailable", message, task.agent, task.id))


def no_model(own: str, reasons: Mapping[str, str], *, local: bool) -> ModelUnavailable:
    """That no model is left for a call, and why not each of them; nothing was sent."""
    said = "; ".join(f"{model}: {why.rstrip('.')}" for model, why in reasons.items()) or "routes name none"
    what = "the task's tags say that it goes to local models alone, and none of them" if local else "none of its routes"
    return ModelUnavailable(own, f"{what} can take the call ({said}). Name one that can under routes.")

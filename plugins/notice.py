"""Telling the model what it has left, so that it plans instead of being cut off."""

from __future__ import annotations

from dataclasses import replace

from leanloop.budgets.amount import format_amount
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.receipt import LimitUse
from leanloop.plugins.task import Task

__all__ = ["BudgetNotice"]


class BudgetNotice(Plugin):
    """Appends a note when a share of any limit is used (the file's `notify`, by default 70 % and 90 %).

    A note is sent behind everything sent before and stays where it was put (`leanloop.plugins.notes`).
    """

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Add the note that is due, then all notes in their places."""
        if call.purpose == "step":
            due = [(share, use) for share in task.budget.notify for use in _uses(task) if _used(use) >= share]
            if due:
                share = max(share for share, _ in due)
                tight = max((use for at, use in due if at == share), key=_used)
                task.notes.add(f"budget:{share}", _text(tight, task), call.messages)
        messages = task.notes.apply(call.messages)
        reply: ModelReply = yield call if messages is call.messages else replace(call, messages=messages)
        return reply


def _uses(task: Task) -> list[LimitUse]:
    return [use for member in task.lineage for use in member.tally.limits() if ":" not in use.resource and use.limit]


def _used(use: LimitUse) -> float:
    return use.spent / use.limit


def _text(use: LimitUse, task: Task) -> str:
    left = format_amount(use.resource, max(0, use.limit - use.spent))
    total = format_amount(use.resource, use.limit)
    advice = "Begin to bring the work to an end." if _used(use) < 0.9 else "Answer now, or with the very next step."
    return f"[budget] {left} of {total} left for {use.scope}. {advice}"

"""Telling the model what it has left, so that it plans instead of being cut off."""

from __future__ import annotations

import time
from dataclasses import replace

from leanloop.budgets.amount import format_amount, format_scope
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.events.event import Nudged
from leanloop.plugins.first_look import first_look
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.tally import Standing
from leanloop.plugins.task import Task

__all__ = ["BudgetNotice"]

_NEARLY = 0.9
"""From this share on the model is told to answer, not just to plan for it."""


class BudgetNotice(Plugin):
    """Appends a note when a share of any limit is used (the file's `notify`, by default 70 % and 90 %).

    A note is sent behind everything sent before and stays where it was put (`leanloop.plugins.notes`).
    """

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Add the note that is due, then all notes in their places."""
        shares = task.budget.notify
        if shares and call.purpose == "step":
            yield from first_look(task)
            for member in task.lineage:
                use = member.tally.fullest(min(shares))
                if use is not None:
                    share = max(share for share in shares if share <= use.share)
                    added = task.notes.add(f"budget:{member.id}:{share}", _text(use), call.messages)
                    if added and task.events:
                        task.events.tell(Nudged(task.events.of, time.time(), "budget", format_scope(use.account)))
        messages = task.notes.apply(call.messages)
        reply: ModelReply = yield call if messages is call.messages else replace(call, messages=messages)
        return reply


def _text(use: Standing) -> str:
    left = format_amount(use.resource, max(0, use.limit - use.spent))
    total = format_amount(use.resource, use.limit)
    advice = "Begin to bring the work to an end." if use.share < _NEARLY else "Answer now, or with the very next step."
    return f"[budget] {left} of {total} left for {format_scope(use.account)}. {advice}"

"""Who is told of the calls of an agent: what the budget of a task names, and what the user gave."""

from __future__ import annotations

from leanloop.budgets.budget import Budget
from leanloop.plugins.events.opened import opened
from leanloop.plugins.events.sink import Sinks
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Watching"]


class Watching:
    """Gives tasks the sinks that the user gave, beside those of their budget."""

    def __init__(self, supplied: Supplied) -> None:
        self._supplied = supplied
        self._sinks: tuple[Budget, Sinks] | None = None
        Sinks(supplied.on_event)  # checked before the first run

    def begin(self, task: Task) -> None:
        """Have the task tell them, from now on."""
        if not self._supplied.on_event and self._supplied.redact is None:
            return
        made = self._sinks
        if made is None or made[0] is not task.budget:
            rules = task.budget.events
            sinks = (*opened(rules), *self._supplied.on_event)
            text = rules is not None and rules.text
            made = self._sinks = (task.budget, Sinks(sinks, text=text, redact=self._supplied.redact))
        if task.sinks is not made[1]:
            task.watch(made[1])

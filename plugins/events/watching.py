"""Who is told of the calls of an agent: what the budget of a task names, and what the user gave."""

from __future__ import annotations

from leanloop.budgets.budget import Budget
from leanloop.plugins.events.opened import opened
from leanloop.plugins.events.sink import Sinks
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Watching"]


class Watching:
    """Gives tasks the sinks that the user gave, beside those of their budget.

    Raises:
        UsageError: one of the user's is no plain function.
    """

    def __init__(self, supplied: Supplied) -> None:
        self._supplied = supplied
        self._latest: tuple[Budget, Sinks] | None = None
        Sinks(supplied.on_event)  # checked before the first run

    def begin(self, task: Task) -> None:
        """Have the task tell them, from now on."""
        rules, given = task.budget.events, self._supplied
        otel = given.otel if rules is not None and rules.otel else None
        if not given.on_event and given.redact is None and otel is None:
            return
        latest = self._latest
        if latest is None or latest[0] is not task.budget:
            sinks = (*opened(rules), *([otel()] if otel is not None else []), *given.on_event)
            made = Sinks(sinks, text=rules is not None and rules.text, redact=given.redact)
            latest = self._latest = (task.budget, made)
        task.events.watch(latest[1])

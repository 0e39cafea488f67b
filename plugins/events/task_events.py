"""The events of one task, from its first to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from leanloop.plugins.alerts import Alert
from leanloop.plugins.events.event import Alerted, Event, Hit, Of, Saved, TaskBegan, TaskEnded, Tier
from leanloop.plugins.events.opened import told_by
from leanloop.plugins.events.sink import Sinks
from leanloop.plugins.receipt import Saving

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["TaskEvents"]

_TIERS: Mapping[str, Tier] = {
    "exact": "exact", "normal": "normal", "alike": "alike", "results": "result", "shadow": "shadow", "misses": "miss",
}  # fmt: skip
"""What `CacheUse` calls them, and events do."""


class TaskEvents:
    """Tells the sinks of a task, and of those it is a part of, what happens in it; false where there are none.

    Whoever makes an event asks that first, so that it costs nothing: ``if task.events: task.events.tell(...)``.

    Attributes:
        latest_asked: how many messages the latest call had that was told of, and the text of the last.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._own = told_by(task.budget.events)
        self._sinks = self._within_parent()
        self.latest_asked: tuple[int, str] | None = None
        self._began = self._ended = False
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned

    def __bool__(self) -> bool:
        return bool(self._sinks)

    @property
    def of(self) -> Of:
        """Whose they are."""
        task = self._task
        return Of(task.id, task.agent, tuple(task.within), dict(task.tags))

    def watch(self, sinks: Sinks) -> None:
        """Have these told, instead of those that the budget names: theirs are among them."""
        if sinks is not self._own:
            self._own = sinks
            self._sinks = self._within_parent()

    def tell(self, event: Event, said: tuple[str, str] | None = None) -> None:
        """Tell of one; `said` is what a settled call was asked and answered, for those who are to know."""
        with self._lock:
            begins, self._began, self._ended = not self._began, True, False
        if begins:
            self._sinks.tell(TaskBegan(self.of, event.at, value=self._task.value))
        self._sinks.tell(event, said)

    def tell_end(self) -> None:
        """Tell that the task has come to an end, as far as it is known, once; one that goes on then ends again."""
        with self._lock:
            told, self._ended = self._ended or not self._began, True
        if self._sinks and not told:
            task, stopped = self._task, self._task.stopped
            reason = stopped.reason if stopped else None
            self._sinks.tell(
                TaskEnded(self.of, time.time(), task.seconds, task.cycles.begun or None, reason, task.landed)
            )

    def tell_alert(self, alert: Alert) -> None:
        """Tell that people were told something."""
        if self._sinks:
            told = (alert.message, alert.scope, alert.resource, alert.limit, alert.spent, alert.share)
            self.tell(Alerted(self.of, time.time(), alert.kind, *told))

    def tell_saving(self, saving: Saving) -> None:
        """Tell what a plugin spared."""
        if self._sinks:
            told = (saving.plugin, saving.what, saving.how, saving.calls, saving.tokens, saving.cost)
            self.tell(Saved(self.of, time.time(), *told))

    def tell_hits(self, names: Iterable[str]) -> None:
        """Tell what became of calls that a cache was asked about, by their names in `CacheUse`."""
        if self._sinks:
            for name in names:
                self.tell(Hit(self.of, time.time(), _TIERS[name]))

    def _within_parent(self) -> Sinks:
        parent = self._task.parent
        return self._own if parent is None else self._own.within(parent.events._sinks)  # noqa: SLF001 its own kind

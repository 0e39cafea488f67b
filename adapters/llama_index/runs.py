"""The runs of one guard's agents, and the task each agent in them has.

An agent that runs by itself has the task of its run. Within a workflow each agent that is guarded by itself has a
task below the workflow's. A run that ended early is remembered, so that one resumed from a stored context goes on.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from leanloop.adapters.llama_index.place import Member

__all__ = ["Runs"]

_KEPT = 1_024
"""Runs remembered whose end is not seen (of workflows guarded by another or not at all), or that ended early."""


@dataclass(slots=True, eq=False)
class _Run:
    """`root` is the whole run's, where it is this guard's; `latest` is the agent that was last at work."""

    root: Member | None = None
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    latest: Member | None = None


class Runs:
    """The runs of one guard in this process, by what `current_run` gives; safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: dict[str, _Run] = {}
        self._others: OrderedDict[str, _Run] = OrderedDict()

    def begin(self, root: Member) -> None:
        """Remember a run of this guard until `end`."""
        with self._lock:
            self._others.pop(root.task.id, None)
            self._begun[root.task.id] = _Run(root, latest=root)

    def earlier(self, key: str) -> Member | None:
        """The whole of a run that ended early, or waits in another handler, to be gone on with."""
        run = self._find(key)
        return run.root if run is not None else None

    def end(self, key: str, *, early: bool) -> None:
        """Forget a run; one that ended early may be resumed."""
        with self._lock:
            run = self._begun.pop(key, None)
            if early and run is not None:  # None: it was resumed beside its first handler, and that ended before
                self._remember(key, run)

    def latest(self, key: str | None) -> Member | None:
        """The agent of this guard that was last at work in a run: its tools and its other calls are meant."""
        run = self._find(key) if key is not None else None
        return run.latest if run is not None else None

    def of(self, key: str, agent: str, fresh: Callable[[], Member]) -> Member:
        """An agent at its step."""
        with self._lock:
            run = self._find(key) or self._remember(key, _Run())
            member = run.root or run.members.get(agent)
            if member is None:
                member = run.members[agent] = fresh()
            run.latest = member
            return member

    def _find(self, key: str) -> _Run | None:
        return self._begun.get(key) or self._others.get(key)

    def _remember(self, key: str, run: _Run) -> _Run:
        self._others[key] = run
        if len(self._others) > _KEPT:
            self._others.popitem(last=False)
        return run

"""The runs of one guard's agents, and the task each agent in them has.

An agent that runs by itself has the task of its run. Within a workflow each guarded agent has a task below the
workflow's. A run that ended early is remembered, so that one resumed from a stored context goes on in its task.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from leanloop.adapters.llama_index.place import Member
from leanloop.plugins.task import Task

__all__ = ["Runs"]

_KEPT = 1_024
"""Runs remembered that nobody closes (of workflows that are not guarded), and runs that ended early."""


@dataclass(slots=True, eq=False)
class _Run:
    """`root` is the whole run's where its beginning was guarded; `members` are by agent."""

    root: Member | None = None
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    latest: Member | None = None


class Runs:
    """The runs of one guard in this process; safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going: OrderedDict[str, _Run] = OrderedDict()
        self._ended: OrderedDict[str, Member] = OrderedDict()

    def earlier(self, task_id: str) -> Member | None:
        """The whole of a run that ended early, to be gone on with."""
        with self._lock:
            return self._ended.pop(task_id, None)

    def begin(self, run_id: str, root: Member) -> None:
        """Remember a guarded run until `end`."""
        with self._lock:
            self._going[run_id] = _Run(root, latest=root)

    def end(self, run_id: str, *, early: bool) -> tuple[Task, ...]:
        """Forget a run, and give the tasks of its agents; one that ended early may be gone on with."""
        with self._lock:
            run = self._going.pop(run_id)
            if run.root is not None and early:
                self._ended[run.root.task.id] = run.root
                _drop_oldest(self._ended)
            return tuple(member.task for member in run.members.values())

    def latest(self, run_id: str | None) -> Member | None:
        """The agent of this guard that was last at work in a run: its tools and its other calls are meant."""
        run = self._going.get(run_id) if run_id is not None else None
        return run.latest if run is not None else None

    def of(self, run_id: str | None, agent: str, fresh: Callable[[str | None], Task]) -> Member:
        """An agent at its step; `fresh` opens a task for it, by an id where the run's is known."""
        if run_id is None:
            return Member(fresh(None))
        with self._lock:
            run = self._going.get(run_id)
            if run is None:
                run = self._going[run_id] = _Run()
                _drop_oldest(self._going)
            member = run.root or run.members.get(agent)
            if member is None:
                named = uuid.uuid5(uuid.NAMESPACE_OID, f"{run_id}\n{agent}").hex
                member = run.members[agent] = Member(fresh(named))
            run.latest = member
            return member


def _drop_oldest(runs: OrderedDict[str, _Run] | OrderedDict[str, Member]) -> None:
    if len(runs) > _KEPT:
        runs.popitem(last=False)

"""What was decided for the calls of a task, as far as it is still of use in its process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from leanloop.budgets.message import Message
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import OutcomeStore

__all__ = ["KeptAt", "Made"]

_LATEST = 8
"""Decisions that a loop counts for: its calls are among the latest."""


class KeptAt(NamedTuple):
    """A decision, and where it is kept."""

    decision: Decision
    store: OutcomeStore


class Made:
    """Which decisions an outcome may still count for without being said, and in which stores those of a task are.

    An agent's calls come one after the other, each sub-agent's in a task of its own: what is decided while a call is
    under way is decided for that call.
    """

    def __init__(self, above: Made | None = None) -> None:
        self._above = above
        self._lock = threading.RLock()  # a garbage collection in here may end a call that was abandoned
        self._stores: list[OutcomeStore] = []
        self._now = deque[KeptAt](maxlen=_LATEST)  # for the call under way
        self._latest = deque[KeptAt](maxlen=_LATEST)
        self._waiting: tuple[KeptAt, ...] = ()
        self._read: Message | None = None

    def add(self, decision: Decision, store: OutcomeStore) -> None:
        """A decision was made, and is kept there."""
        self.kept_in(store)
        with self._lock:
            self._now.append(KeptAt(decision, store))

    @property
    def stores(self) -> Sequence[OutcomeStore]:
        """Where decisions of the task are kept, and of those that are a part of it."""
        with self._lock:
            return tuple(self._stores)

    def begin(self) -> None:
        """A call begins: what was decided for others meanwhile (a tool's own) is none of it."""
        with self._lock:
            self._now.clear()

    def end(self, read: Message | None) -> None:
        """The call ended: what was decided for it waits for the results of the tools that it asked for, which stand
        behind the last message that it `read`.
        """
        with self._lock:
            self._read = read
            self._waiting = tuple(self._now)
            self._now.clear()
            self._latest.extend(self._waiting)

    def take_waiting(self) -> tuple[Sequence[KeptAt], Message | None]:
        """What was decided for the call before this one, nothing the second time; and the last message it had read."""
        with self._lock:
            taken, self._waiting = self._waiting, ()
            return taken, self._read

    def take_latest(self) -> Sequence[KeptAt]:
        """What was decided for the latest calls; nothing the second time."""
        with self._lock:
            taken = tuple(self._latest)
            self._latest.clear()
            self._waiting = ()
            return taken

    def counted(self, decision: Decision) -> None:
        """A decision has changed."""
        with self._lock:
            for at, (known, store) in enumerate(self._latest):
                if known.id == decision.id:
                    self._latest[at] = KeptAt(decision, store)

    def kept_in(self, store: OutcomeStore) -> None:
        """Decisions of the task are kept there, an outcome of which counts for them once it is said."""
        with self._lock:
            if store not in self._stores:
                self._stores.append(store)
        if self._above is not None:
            self._above.kept_in(store)

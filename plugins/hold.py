"""The one reservation a task keeps back for its landing: made once, given back or replaced once."""

from __future__ import annotations

import threading

from leanloop.budgets.reservation import is_of_this_process
from leanloop.budgets.store import LedgerStore
from leanloop.errors import StoreError
from leanloop.plugins.flow import Io
from leanloop.plugins.leases import leases
from leanloop.plugins.log import warn
from leanloop.plugins.steps import Steps, perform_aside

__all__ = ["Hold"]


class Hold:
    """Who may make, and who must end, the reservation; `leanloop.plugins.landing_reserve` says how large it is.

    Attributes:
        name: of the reservation; None while there is none.
    """

    def __init__(self, task: str, store: LedgerStore) -> None:
        self.name: str | None = None
        self._task = task
        self._store = store
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned

    def keep(self, name: str) -> bool:
        """Take `name` for the reservation; False where there is one."""
        with self._lock:
            if self.name is not None:
                return False
            self.name = name
            return True

    def take(self, only: str | None = None) -> str | None:
        """Hand the reservation over, so that it is settled or released once; with `only`, just that one."""
        with self._lock:
            if only is not None and self.name != only:
                return None
            name, self.name = self.name, None
        if name is not None:
            leases.drop(self._store, name)
        return name

    def give_back(self) -> Steps[None]:
        """When a task has answered, failed or waits for a person: nothing stays set aside for nobody."""
        name = self.take()
        if name is not None:
            yield from self.release(name)

    def abandon(self) -> None:
        """`give_back`, in the midst of anything: when a task has ended and nobody was there to see it."""
        name = self.take()
        if name is not None:
            perform_aside(self.release(name))

    def release(self, name: str, *, in_doubt: bool = False) -> Steps[None]:
        """Release a reservation that was taken; with `in_doubt` it may never have been made: a failure is no news."""
        if self._store.durable and not is_of_this_process(name):
            return  # a forked process ends, and its parent goes on
        try:
            yield Io(self._store.release, self._store.arelease, name)
        except StoreError as error:
            if not in_doubt:
                warn(
                    "The landing reserve of task %s could not be given back: it stays set aside until its lease "
                    "ends. %s",
                    self._task,
                    error,
                )

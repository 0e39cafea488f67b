"""The one reservation a task keeps back for its landing: made once, given back or replaced once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from leanloop.budgets.store import LedgerStore
from leanloop.errors import StoreError
from leanloop.plugins.leases import leases

__all__ = ["Hold"]

_log = logging.getLogger("leanloop")


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

    def release(self) -> None:
        """Give back what is set aside for a landing that will not come."""
        name = self.take()
        if name is not None:
            with self._whatever_the_store_does():
                self._store.release(name)

    async def arelease(self) -> None:
        """`release`, awaited."""
        name = self.take()
        if name is not None:
            with self._whatever_the_store_does():
                await self._store.arelease(name)

    @contextmanager
    def _whatever_the_store_does(self) -> Generator[None, None, None]:
        try:
            yield
        except StoreError as error:
            _log.warning("The landing reserve of task %s stays set aside: %s", self._task, error)

"""The ledger in an SQLite file: exact under threads, tasks and processes of one machine, and outlives them all."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from leanloop.budgets import sqlite_steps as steps
from leanloop.budgets.history import Entry
from leanloop.budgets.sqlite_file import LedgerFile
from leanloop.budgets.store import Balance, Demand, Grant, Refusal

__all__ = ["SqliteStore"]


class SqliteStore:
    """A `LedgerStore` in one file, with a write-ahead log and a transaction per step.

    A process that is killed loses nothing. A power cut may lose the last moments' steps (``synchronous=NORMAL``:
    https://www.sqlite.org/pragma.html#pragma_synchronous), never the file. It must lie on a local disk; processes on
    several machines need Redis.

    Args:
        path: the file; made where it does not exist, but not its folder.
        timeout: seconds to wait for other threads and processes before a step fails with `StoreError`.
        clock: seconds since the epoch, for tests.
    """

    durable = True

    def __init__(
        self, path: str | os.PathLike[str], *, timeout: float = 5.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._file = LedgerFile(Path(path).absolute(), timeout)
        self._clock = clock
        self._prune_at = 0.0

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        return self._file.run(partial(self._reserve, reservation, demand, replaces))

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """See `LedgerStore.settle`."""
        self._file.run(partial(steps.finish, reservation=reservation, actual=actual))

    def release(self, reservation: str) -> None:
        """See `LedgerStore.release`."""
        self._file.run(partial(steps.finish, reservation=reservation, actual={}))

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """See `LedgerStore.renew`."""
        return self._file.run(partial(self._renew, reservations, lease))

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """See `LedgerStore.balances`."""
        return self._file.run(partial(self._balances, keys))

    def close(self) -> None:
        """See `LedgerStore.close`."""
        self._file.close()

    async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """`reserve`, on the store's own thread."""
        return await self._file.arun(partial(self._reserve, reservation, demand, replaces))

    async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """`settle`, on the store's own thread; done even where the caller is cancelled."""
        await self._file.arun(partial(steps.finish, reservation=reservation, actual=actual))

    async def arelease(self, reservation: str) -> None:
        """`release`, on the store's own thread; done even where the caller is cancelled."""
        await self._file.arun(partial(steps.finish, reservation=reservation, actual={}))

    async def arenew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """`renew`, on the store's own thread."""
        return await self._file.arun(partial(self._renew, reservations, lease))

    async def abalances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """`balances`, on the store's own thread."""
        return await self._file.arun(partial(self._balances, keys))

    # The clock is read inside the transaction: a time from before a long wait would let ended leases stand.

    def _reserve(
        self, reservation: str, demand: Demand, replaces: str | None, db: sqlite3.Connection
    ) -> Grant | Refusal:
        now = self._clock()
        if not self._prune_at - steps.PRUNE_EVERY <= now < self._prune_at:
            self._prune_at = steps.prune(db, now)
        return steps.reserve(db, reservation, demand, replaces, now)

    def _renew(self, reservations: Sequence[str], lease: float, db: sqlite3.Connection) -> list[str]:
        return steps.renew(db, reservations, lease, self._clock())

    def _balances(self, keys: Sequence[tuple[str, str]], db: sqlite3.Connection) -> list[Balance]:
        return steps.balances(db, keys, self._clock())

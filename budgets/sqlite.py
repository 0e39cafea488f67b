"""The ledger in an SQLite file: exact under threads, tasks and processes of one machine, and outlives them all."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from leanloop.budgets import sqlite_books as books
from leanloop.budgets import sqlite_steps as steps
from leanloop.budgets.books import Account, Record
from leanloop.budgets.history import Entry
from leanloop.budgets.sqlite_file import LedgerFile
from leanloop.budgets.sqlite_rows import Rows
from leanloop.budgets.store import Balance, Demand, Grant, Refusal

__all__ = ["SqliteStore"]

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore:
    """A `LedgerStore` and its `Books` in one file, with a write-ahead log and a transaction per step.

    A process that is killed loses nothing. A power cut may lose the last moments' steps (``synchronous=NORMAL``:
    https://www.sqlite.org/pragma.html#pragma_synchronous), never the file. It must lie on a local disk; processes on
    several machines need Redis.

    Args:
        path: the file; made where it does not exist, but not its folder.
        timeout: seconds to wait for other threads and processes before a step fails with `StoreError`.
        history: the rows of history that are kept, the newest (now and then up to a thousand more); 0 for none.
        clock: seconds since the epoch, for tests.
    """

    durable = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        timeout: float = 5.0,
        history: int = 1_000_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = LedgerFile(Path(path).absolute(), timeout)
        self._clock = clock
        self._history = history
        self._prune_at = 0.0

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        return self._file.run(self._step(self._reserve, reservation, demand, replaces))

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """See `LedgerStore.settle`."""
        self._file.run(self._step(steps.settle, reservation, actual, entry.to_json() if entry else None))

    def release(self, reservation: str) -> None:
        """See `LedgerStore.release`."""
        self._file.run(self._step(steps.settle, reservation, {}, None))

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """See `LedgerStore.renew`."""
        return self._file.run(self._step(steps.renew, reservations, lease))

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """See `LedgerStore.balances`."""
        return self._file.run(self._step(steps.balances, keys))

    def close(self) -> None:
        """See `LedgerStore.close`."""
        self._file.close()

    async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """`reserve`, on the store's own thread."""
        return await self._file.arun(self._step(self._reserve, reservation, demand, replaces))

    async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """`settle`, on the store's own thread; done even where the caller is cancelled."""
        await self._file.arun(self._step(steps.settle, reservation, actual, entry.to_json() if entry else None))

    async def arelease(self, reservation: str) -> None:
        """`release`, on the store's own thread; done even where the caller is cancelled."""
        await self._file.arun(self._step(steps.settle, reservation, {}, None))

    async def arenew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """`renew`, on the store's own thread."""
        return await self._file.arun(self._step(steps.renew, reservations, lease))

    async def abalances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """`balances`, on the store's own thread."""
        return await self._file.arun(self._step(steps.balances, keys))

    def accounts(self) -> Iterator[Account]:
        """See `Books.accounts`."""
        self._file.run(self._step(books.end_leases_if_live))
        with self._file.snapshot() as db:
            yield from books.accounts(db, self._clock())

    def history(self, *, since: float = 0.0, until: float = math.inf) -> Iterator[Entry]:
        """See `Books.history`."""
        self._file.run(self._step(books.end_leases_if_live))
        with self._file.snapshot() as db:
            yield from books.history(db, since, until)

    def raise_limit(self, account: str, resource: str, by: int, *, expires: float, note: str = "") -> Balance:
        """See `Books.raise_limit`."""
        return self._file.run(self._step(books.raise_limit, account, resource, by, expires=expires, note=note))

    def reset(self, account: str, resource: str, *, note: str = "") -> Balance:
        """See `Books.reset`."""
        return self._file.run(self._step(books.reset, account, resource, note))

    def export(self) -> Iterator[Record]:
        """See `Books.export`."""
        self._file.run(self._step(books.end_leases_if_live))
        with self._file.snapshot() as db:
            yield from books.export(self._rows(db))

    def absorb(self, records: Iterable[Record]) -> None:
        """See `Books.absorb`: in one transaction, so a move that fails leaves nothing."""
        self._file.run(self._step(books.absorb, records))

    def retire(self, successor: str) -> None:
        """See `Books.retire`."""
        self._file.run(self._step(books.retire, successor))

    def reinstate(self) -> None:
        """See `Books.reinstate`."""
        self._file.run(self._step(books.retire, None))

    def _rows(self, db: sqlite3.Connection) -> Rows:
        return Rows(db, self._clock(), self._history)

    def _step(
        self, step: Callable[Concatenate[Rows, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Callable[[sqlite3.Connection], T]:
        """The step as one transaction's work: with the time it has then, for before a long wait leases still stood."""
        return lambda db: step(self._rows(db), *args, **kwargs)

    def _reserve(self, rows: Rows, reservation: str, demand: Demand, replaces: str | None) -> Grant | Refusal:
        if not self._prune_at - steps.PRUNE_EVERY <= rows.now < self._prune_at:
            self._prune_at = steps.prune(rows)
        return steps.reserve(rows, reservation, demand, replaces)

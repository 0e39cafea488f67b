"""Whole results in an SQLite file, which may be the ledger's: shared by the processes of a machine, and durable."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from leanloop.budgets.sqlite_file import LedgerFile
from leanloop.budgets.sqlite_schema import opened
from leanloop.budgets.stores import read_sqlite
from leanloop.plugins.results.handle import entry_name
from leanloop.plugins.results.memory import too_large
from leanloop.plugins.results.packed import pack, unpack
from leanloop.plugins.results.store import Kept

__all__ = ["SqliteResults"]

_CALLED = "result store"

_TABLES = (
    # AUTOINCREMENT: the order of the ids is that in which results came, for good.
    """
    CREATE TABLE IF NOT EXISTS results (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        ends_at REAL NOT NULL,
        size INTEGER NOT NULL,
        packed BLOB NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS results_ends ON results (ends_at)",
    # One row, so that the sizes of all need not be added up for each result.
    "CREATE TABLE IF NOT EXISTS results_size (bytes INTEGER NOT NULL)",
    "INSERT INTO results_size SELECT 0 WHERE NOT EXISTS (SELECT * FROM results_size)",
)

_SEVERAL = 100
"""Results looked at together for making room."""


class SqliteResults:
    """A `ResultStore` in a file with a write-ahead log; one transaction a step, forks included (see `LedgerFile`).

    Sizes are those of the packed results. What was taken away leaves room in the file for what comes.

    Args:
        path: the file; made where it does not exist, but not its folder.
        timeout: seconds to wait for other threads and processes.
        clock: seconds since the epoch, for tests.
    """

    durable = True

    def __init__(self, path: Path, *, timeout: float = 5.0, clock: Callable[[], float] = time.time) -> None:
        self._file = LedgerFile(path.absolute(), timeout, prepare=_prepare, called=_CALLED)
        self._clock = clock

    @classmethod
    def at(cls, address: str) -> SqliteResults:
        """The store at a ``sqlite:///FILE?timeout=SECONDS``.

        Raises:
            UsageError: the address cannot be read.
        """
        place = read_sqlite(address)
        return cls(place.path, timeout=place.timeout)

    def put(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """See `ResultStore.put`."""
        self._file.run(self._putting(entry_name(scope, handle), pack(kept), ttl, max_bytes))

    async def aput(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """`put`, on the store's own thread."""
        packed = await asyncio.to_thread(pack, kept)
        await self._file.arun(self._putting(entry_name(scope, handle), packed, ttl, max_bytes))

    def get(self, scope: str, handle: str) -> Kept | None:
        """See `ResultStore.get`."""
        packed = self._file.run(self._getting(entry_name(scope, handle)))
        return None if packed is None else unpack(packed, str(self._file.path))

    async def aget(self, scope: str, handle: str) -> Kept | None:
        """`get`, on the store's own thread."""
        packed = await self._file.arun(self._getting(entry_name(scope, handle)))
        return None if packed is None else await asyncio.to_thread(unpack, packed, str(self._file.path))

    def close(self) -> None:
        """Close the file; the next step opens it again."""
        self._file.close()

    def _putting(self, name: str, packed: bytes, ttl: float, max_bytes: int) -> Callable[[sqlite3.Connection], None]:
        if len(packed) > max_bytes:
            raise too_large(len(packed), max_bytes)

        def put(db: sqlite3.Connection) -> None:
            now = self._clock()
            gone = "FROM results WHERE ends_at <= ? OR name = ?"
            [[freed]] = db.execute(f"SELECT coalesce(sum(size), 0) {gone}", (now, name))
            db.execute(f"DELETE {gone}", (now, name))
            [[size]] = db.execute("SELECT bytes FROM results_size")
            size = _made_room(db, size - freed, max_bytes - len(packed)) + len(packed)
            row = (name, now + ttl, len(packed), packed)
            db.execute("INSERT INTO results (name, ends_at, size, packed) VALUES (?, ?, ?, ?)", row)
            db.execute("UPDATE results_size SET bytes = ?", (size,))

        return put

    def _getting(self, name: str) -> Callable[[sqlite3.Connection], bytes | None]:
        def get(db: sqlite3.Connection) -> bytes | None:
            found = db.execute("SELECT packed FROM results WHERE name = ? AND ends_at > ?", (name, self._clock()))
            row = found.fetchone()
            return row if row is None else bytes(row[0])

        return get


def _made_room(db: sqlite3.Connection, size: int, room: int) -> int:
    """The size of all when the oldest were taken away until they fit into `room`."""
    while size > room:
        last = 0
        oldest = db.execute("SELECT id, size FROM results ORDER BY id LIMIT ?", (_SEVERAL,)).fetchall()
        if not oldest:
            return 0
        for number, each in oldest:
            if size <= room:
                break
            last, size = number, size - each
        db.execute("DELETE FROM results WHERE id <= ?", (last,))
    return size


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    with opened(connection, path, _CALLED):
        for statement in _TABLES:
            connection.execute(statement)

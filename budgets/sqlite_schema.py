"""The tables of a ledger in SQLite, and how a file is known to be leanloop's."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from leanloop.errors import StoreError

__all__ = ["opened", "prepare"]

_APPLICATION = int.from_bytes(b"LLop", "big")
"""Marks the file as leanloop's (https://www.sqlite.org/pragma.html#pragma_application_id)."""

_VERSION = 1

_TABLES = (
    # AUTOINCREMENT: a number is never used again, so the lines of an ended reservation cannot mean a later account.
    """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account TEXT NOT NULL,
        resource TEXT NOT NULL,
        spent INTEGER NOT NULL DEFAULT 0,
        reserved INTEGER NOT NULL DEFAULT 0,
        idle INTEGER NOT NULL DEFAULT 0,
        raised INTEGER NOT NULL DEFAULT 0,
        expires_at REAL NOT NULL,
        UNIQUE (account, resource)
    )
    """,
    # lines: JSON [[account's id, resource, amount], ...]: one row to write and delete per call, not one per line.
    """
    CREATE TABLE reservations (
        name TEXT PRIMARY KEY,
        units INTEGER NOT NULL,
        lines TEXT NOT NULL,
        ends_at REAL NOT NULL,
        idle INTEGER NOT NULL,
        ended INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID
    """,
    "CREATE TABLE history (id INTEGER PRIMARY KEY, at REAL NOT NULL, entry TEXT NOT NULL)",
    # One row. No lease ends before next_end; an index on ends_at would say so too, but be written with every call.
    # successor: where a retired ledger has moved to. Every step reads this row or joins it, so asking costs nothing.
    "CREATE TABLE state (next_end REAL NOT NULL, pruned_at REAL NOT NULL, successor TEXT)",
    "INSERT INTO state VALUES (9e999, 0, NULL)",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables in a new file, and refuse one that is not a ledger.

    Raises:
        StoreError: another program's database, a later version's, or a disk that allows no write-ahead log.
    """
    with opened(connection, path):
        [[version]] = connection.execute("PRAGMA user_version")
        if version > _VERSION:
            raise StoreError(
                f"The ledger {path} was written by a later leanloop (its format is {version}, this one knows "
                f"{_VERSION}); update leanloop."
            )
        if not version:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")


@contextmanager
def opened(connection: sqlite3.Connection, path: Path, called: str = "ledger") -> Generator[None, None, None]:
    """A transaction in which tables are made, in a file that is leanloop's or new; then its write-ahead log is on.

    Raises:
        StoreError: another program's database, or a disk that allows no write-ahead log.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        [[application]] = connection.execute("PRAGMA application_id")
        if application != _APPLICATION:
            [[version]] = connection.execute("PRAGMA user_version")
            [[tables]] = connection.execute("SELECT count(*) FROM sqlite_master")
            if application or version or tables:
                raise StoreError(f"The file {path} is another program's database; give the {called} a path of its own.")
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    # In a write-ahead log a commit needs no sync: a process that dies loses nothing, a power cut the last moments.
    [[mode]] = connection.execute("PRAGMA journal_mode = WAL")
    if mode != "wal":
        raise StoreError(
            f"The {called} {path} lies where SQLite can keep no write-ahead log (a network drive?); "
            "put it on a local disk, or use redis://."
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    # Everyone waits while the log is written back and synced. Every 16 MB, not every 4, halves the 99th percentile.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")

"""The tables of a cache in SQLite, beside those of a ledger or of whole results if the file holds such."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from leanloop.budgets.sqlite_schema import opened

__all__ = ["CALLED", "prepare"]

CALLED = "cache"

_TABLES = (
    # AUTOINCREMENT: numbers go up for good, by which the index in memory of each process follows.
    """
    CREATE TABLE IF NOT EXISTS cache_entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        normal TEXT,
        context TEXT,
        data BLOB NOT NULL,
        vector BLOB,
        tags TEXT NOT NULL,
        generation INTEGER NOT NULL,
        ends_at REAL NOT NULL,
        size INTEGER NOT NULL,
        worth INTEGER NOT NULL,
        uses INTEGER NOT NULL DEFAULT 1,
        rank REAL NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS cache_normal ON cache_entries (normal) WHERE normal IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS cache_ends ON cache_entries (ends_at)",
    "CREATE INDEX IF NOT EXISTS cache_rank ON cache_entries (rank)",
    "CREATE TABLE IF NOT EXISTS cache_tags (tag TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID",
    """
    CREATE TABLE IF NOT EXISTS cache_claims (
        key TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        ends_at REAL NOT NULL
    ) WITHOUT ROWID
    """,
    # Sums that need not be added up each time: bytes, vectors, generation, age, and the counters.
    "CREATE TABLE IF NOT EXISTS cache_numbers (name TEXT PRIMARY KEY, number REAL NOT NULL) WITHOUT ROWID",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where they are missing; see `opened` for files that are refused."""
    with opened(connection, path, CALLED):
        for statement in _TABLES:
            connection.execute(statement)

"""The tables of outcomes in SQLite, in a file that may be the ledger's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from leanloop.budgets.sqlite_schema import opened

__all__ = ["CALLED", "prepare"]

CALLED = "outcome store"

# `at` of a count: when it was last added to, in Unix seconds, so that kinds of call that come no more are forgotten.
_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS outcome_counts (
        key TEXT NOT NULL,
        setting TEXT NOT NULL,
        weight REAL NOT NULL,
        score REAL NOT NULL,
        calls INTEGER NOT NULL,
        cost INTEGER NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (key, setting)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS outcome_counts_at ON outcome_counts (at)",
    """
    CREATE TABLE IF NOT EXISTS outcome_families (
        space TEXT NOT NULL,
        name TEXT NOT NULL,
        vector BLOB NOT NULL,
        PRIMARY KEY (space, name)
    ) WITHOUT ROWID
    """,
    # AUTOINCREMENT: the order of the ids is that in which decisions came, for good.
    """
    CREATE TABLE IF NOT EXISTS outcome_decisions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        agent TEXT NOT NULL,
        at REAL NOT NULL,
        score REAL,
        told TEXT NOT NULL
    )
    """,
    # A row for the task that decided, and for each that it is a part of.
    """
    CREATE TABLE IF NOT EXISTS outcome_tasks (
        task TEXT NOT NULL,
        decision INTEGER NOT NULL,
        PRIMARY KEY (task, decision)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS outcome_tasks_decision ON outcome_tasks (decision)",
)


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables where they are missing.

    Raises:
        StoreError: another program's database, or a disk that allows no write-ahead log.
    """
    with opened(connection, path, CALLED):
        for statement in _TABLES:
            connection.execute(statement)

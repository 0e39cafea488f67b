"""What SQLite's errors mean for the ledger, in one sentence each."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from leanloop.errors import StoreError

__all__ = ["explain", "is_busy", "is_of_the_file", "was_busy"]

_ADVICE = {
    sqlite3.SQLITE_FULL: "its disk is full; free some space. What was recorded before is safe",
    sqlite3.SQLITE_READONLY: "it cannot be written; this user needs to write the file and its folder, "
    "for SQLite keeps two more files beside it",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; this user needs to read and write the file and its folder",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database; give the ledger a path of its own",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore a copy, or move it away together with its -wal and -shm files to "
    "begin anew (what was spent in the windows that are open is then forgotten)",
    sqlite3.SQLITE_IOERR: "its disk cannot be read or written; see whether it is full, failing or no longer mounted",
}
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def explain(error: Exception, path: Path, timeout: float, called: str = "ledger") -> StoreError:
    """What failed at `path`, and what to do; `called` is what is kept there."""
    if isinstance(error, OSError):
        return StoreError(f"The {called} {path} cannot be used: {error.strerror}. Give it another path.")
    if not isinstance(error, sqlite3.Error):
        return StoreError(f"The {called} {path} cannot hold a value: {error}.")
    if is_busy(error):
        return was_busy(path, timeout, called)
    advice = _ADVICE.get(_code(error), "SQLite failed in a way not known here; see what it says")
    return StoreError(f"The {called} {path} cannot be used: {advice} (SQLite: {error}).")


def was_busy(path: Path, timeout: float, called: str = "ledger") -> StoreError:
    """Others held the file for too long."""
    return StoreError(
        f"The {called} {path} was in use by other threads or processes for longer than {timeout:g} s. "
        "See what holds it (a backup, an open transaction), or give it a longer timeout."
    )


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock: it may be tried again."""
    return _code(error) in _BUSY


def is_of_the_file(error: sqlite3.Error) -> bool:
    """Whether the file or its disk failed: it is opened anew for the next step."""
    return _code(error) in _ADVICE


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is SQLite's finer distinction

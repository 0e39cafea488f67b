"""The SQLite file a ledger (or whole results) is kept in: opening it, and one transaction at a time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from leanloop.budgets.sqlite_errors import explain, is_busy, is_of_the_file, was_busy
from leanloop.budgets.sqlite_schema import prepare
from leanloop.errors import StoreError

__all__ = ["LedgerFile"]

T = TypeVar("T")


class LedgerFile:
    """One connection of this process, used by one thread at a time.

    One and not one per thread: threads then queue at a lock instead of polling for SQLite's, and nothing is left
    open by a thread that ended. A forked child opens its own; SQLite's may not cross a fork
    (https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_).

    Args:
        path: the file; made where it does not exist.
        timeout: seconds to wait for other threads and processes before giving up.
        prepare: makes the tables where they are missing, and refuses a file of others.
        called: what messages call what is kept there.
    """

    def __init__(
        self,
        path: Path,
        timeout: float,
        *,
        prepare: Callable[[sqlite3.Connection, Path], None] = prepare,
        called: str = "ledger",
    ) -> None:
        self.path = path
        self._timeout = timeout
        self._prepare = prepare
        self._called = called
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._stopped = False
        self._beginning = threading.RLock()  # no work is given to a thread that another one ends
        self._worker: ThreadPoolExecutor | None = None
        _files.add(self)

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction that no other process interrupts.

        Raises:
            StoreError: it cannot be done; then nothing of it was.
        """
        deadline = time.monotonic() + self._timeout
        if not self._lock.acquire(timeout=self._timeout):
            raise was_busy(self.path, self._timeout, self._called)
        try:
            return self._transact(work, deadline)
        except (sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
            raise explain(error, self.path, self._timeout, self._called) from error
        finally:
            self._lock.release()

    async def arun(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """`run` on this file's own thread. What was begun is done even if nobody waits for it any more."""
        return await asyncio.shield(asyncio.wrap_future(self._begin(work)))

    def _begin(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        with self._beginning:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="leanloop-sqlite")
            return self._worker.submit(self.run, work)

    @contextmanager
    def snapshot(self) -> Generator[sqlite3.Connection, None, None]:
        """A second connection, which sees one state for as long as it is open and holds nobody up.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            place = f"{self.path.as_uri()}?mode=rw"  # never make one
            with closing(sqlite3.connect(place, uri=True, isolation_level=None, check_same_thread=False)) as db:
                db.execute("BEGIN")
                yield db
        except sqlite3.Error as error:
            raise explain(error, self.path, self._timeout, self._called) from error

    def close(self) -> None:
        """Close the connection and end the thread; the next use opens them again."""
        with self._beginning:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.shutdown()
        with self._lock:
            self._drop()

    def before_fork(self) -> None:
        """Let no thread be inside SQLite, whose own locks the child would find taken for ever."""
        self._stopped = self._lock.acquire(timeout=_FORK_WAITS)

    def go_on(self) -> None:
        """In the parent, after the fork."""
        if self._stopped:
            self._stopped = False
            self._lock.release()

    def leave_to_parent(self) -> None:
        """In a forked child: keep off what is the parent's. It may not even be closed here, so it is kept."""
        if self._connection is not None:
            _parents.append(self._connection)
        self._lock, self._beginning = threading.RLock(), threading.RLock()
        self._connection = self._worker = None
        self._stopped = False

    def _transact(self, work: Callable[[sqlite3.Connection], T], deadline: float) -> T:
        connection = self._connection or self._open(deadline)
        if connection.in_transaction:  # in the midst of another step of this thread: a part of that
            return work(connection)
        _patiently(deadline, lambda: connection.execute("BEGIN IMMEDIATE"))
        try:
            self._check_place()
            result = work(connection)
            connection.execute("COMMIT")
            return result
        except BaseException as error:
            try:
                connection.execute("ROLLBACK")
            except sqlite3.Error:  # SQLite has done so itself, or the connection is past use
                self._drop()
            if isinstance(error, sqlite3.DatabaseError) and is_of_the_file(error):
                self._drop()
            raise

    def _open(self, deadline: float) -> sqlite3.Connection:
        if self.path.is_dir():
            raise StoreError(
                f"The {self._called} {self.path} is a folder; name a file, such as {self.path / 'leanloop.db'}."
            )
        if not self.path.parent.is_dir():
            raise StoreError(
                f"The {self._called} {self.path} cannot be made: its folder does not exist; make that first."
            )
        connection = sqlite3.connect(self.path.absolute(), timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _patiently(deadline, lambda: self._prepare(connection, self.path))
            self._inode = self.path.stat().st_ino
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _check_place(self) -> None:
        """A file removed or replaced under us would go on, unseen by every process that opens the path anew."""
        try:
            inode = os.stat(self.path).st_ino  # noqa: PTH116 half the time of Path.stat, at every step
        except FileNotFoundError:
            inode = -1
        if inode != self._inode:
            self._drop()
            raise StoreError(
                f"The {self._called} {self.path} was removed or replaced while calls were under way. The next call "
                "goes by what lies there now."
            )

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _patiently(deadline: float, step: Callable[[], object]) -> None:
    """Do `step`, again and again while others hold the lock it needs."""
    began = time.monotonic()
    while True:
        try:
            step()
            return
        except sqlite3.OperationalError as error:
            now = time.monotonic()
            if not is_busy(error) or now >= deadline:
                raise
        time.sleep(_pause(now - began))


def _pause(waited: float) -> float:
    """Seconds until the next try, after so many of waiting.

    SQLite's own busy handler goes up to 100 ms, and tries every few microseconds cost the one who holds the lock its
    core. Measured with 8 processes on 2 cores: p99 5 to 9 ms, against 10 to 30 with even tries at up to 2 ms.
    """
    return 0.001 if waited < 0.001 else 0.005 if waited < 0.006 else 0.010


_files: weakref.WeakSet[LedgerFile] = weakref.WeakSet()
_parents: list[sqlite3.Connection] = []


_forking = threading.RLock()

_FORK_WAITS = 1.0
"""Seconds. A step takes a millisecond, unless it waits for another process."""


def _before_fork() -> None:
    _forking.acquire()
    for file in list(_files):
        file.before_fork()


def _in_parent() -> None:
    for file in list(_files):
        file.go_on()
    _forking.release()


def _in_child() -> None:
    for file in list(_files):
        file.leave_to_parent()
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)

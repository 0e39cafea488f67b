"""Outcomes in an SQLite file, which may be the ledger's: shared by the processes of a machine, and durable."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from leanloop.budgets.sqlite_file import LedgerFile
from leanloop.budgets.stores import read_sqlite
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes import sqlite_rows as rows
from leanloop.plugins.outcomes.by_steps import BySteps
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.rows import space_of
from leanloop.plugins.outcomes.sqlite_tables import CALLED, prepare
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.steps import Steps

__all__ = ["SqliteOutcomes"]

T = TypeVar("T")

_PAGE = 1_000
"""Decisions read in one transaction."""


class SqliteOutcomes(BySteps):
    """An `OutcomeStore` in a file with a write-ahead log; one transaction a step, forks included (see `LedgerFile`).

    Counts that nothing was added to for half a year are forgotten.

    Args:
        path: the file; made where it does not exist, but not its folder.
        timeout: seconds to wait for other threads and processes.
        decisions: how many are kept, the newest (and up to a hundred more).
        clock: seconds since the epoch, for tests.
    """

    durable = True

    def __init__(
        self,
        path: Path,
        *,
        timeout: float = 5.0,
        decisions: int = 1_000_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = LedgerFile(path.absolute(), timeout, prepare=prepare, called=CALLED)
        self._most = decisions
        self._clock = clock

    @classmethod
    def at(cls, address: str) -> SqliteOutcomes:
        """The store at a ``sqlite:///FILE?timeout=SECONDS``.

        Raises:
            UsageError: the address cannot be read.
        """
        place = read_sqlite(address)
        return cls(place.path, timeout=place.timeout)

    def decisions(self, agent: str | None = None, since: float = 0.0) -> Iterator[Decision]:
        """See `OutcomeStore.decisions`."""
        last = 0

        def more(db: sqlite3.Connection) -> list[tuple[int, Decision | None]]:
            return rows.page(db, agent, since, last, _PAGE)

        while page := self._file.run(more):
            for last, decision in page:  # noqa: B007 the next page begins behind it
                if decision is not None:
                    yield decision

    def close(self) -> None:
        """Close the file and end the thread; the next step opens it again."""
        self._file.close()

    def _add(self, added: Sequence[Added]) -> Steps[None]:
        yield self._do(lambda db: rows.add(db, added, self._clock()))

    def _counts(self, keys: Sequence[str]) -> Steps[list[Mapping[str, Count]]]:
        found: list[Mapping[str, Count]] = yield self._do(lambda db: [rows.counts(db, key) for key in keys])
        return found

    def _families(self, agent: str, space: str) -> Steps[Mapping[str, bytes]]:
        found: Mapping[str, bytes] = yield self._do(lambda db: rows.families(db, space_of(agent, space)))
        return found

    def _put_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> Steps[bool]:
        kept: bool = yield self._do(lambda db: rows.put_family(db, space_of(agent, space), name, vector, most))
        return kept

    def _record(self, decision: Decision) -> Steps[None]:
        yield self._do(lambda db: rows.record(db, decision, self._most))

    def _of_task(self, task: str) -> Steps[list[Decision]]:
        found: list[Decision] = yield self._do(lambda db: [one for _, one in rows.of_task(db, task)])
        return found

    def _score(self, task: str, score: float) -> Steps[list[Decision]]:
        scored: list[Decision] = yield self._do(lambda db: rows.score(db, task, score))
        return scored

    def _do(self, step: Callable[[sqlite3.Connection], T]) -> Io[T]:
        """A step as one transaction."""
        return Io(self._file.run, self._file.arun, step)

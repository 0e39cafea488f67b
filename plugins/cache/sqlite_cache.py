"""Answers in an SQLite file, which may be the ledger's: shared by the processes of a machine, and durable."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from leanloop.budgets.sqlite_file import LedgerFile
from leanloop.budgets.stores import read_sqlite
from leanloop.plugins.cache.by_steps import BySteps
from leanloop.plugins.cache.entry import Entry, encoded
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent, log_event
from leanloop.plugins.cache.reading import checked_vector, read_entry, too_large
from leanloop.plugins.cache.sqlite_rows import Kept, Rows
from leanloop.plugins.cache.sqlite_tables import CALLED, prepare
from leanloop.plugins.cache.sqlite_vectors import SqliteVectors
from leanloop.plugins.cache.store import TIERS, CacheStats, Claim, Found, Near
from leanloop.plugins.cache.vector import Vector, packed_vector
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["SqliteCache"]

P = ParamSpec("P")
T = TypeVar("T")

_OVERHEAD = 300
"""Bytes an entry takes in the file beside its own: its row, and its places in four indexes."""

_PAGE = 1_000
"""Entries read in one transaction."""


class SqliteCache(BySteps):
    """A `CacheStore` in a file with a write-ahead log; one transaction a step, forks included (see `LedgerFile`).

    Each process has the vectors in indexes of its own, which follow the rows as they come; what another process took
    out is noticed when it is found. Sizes are those of the rows, about. What was taken out leaves room in the file for
    what comes.

    Args:
        path: the file; made where it does not exist, but not its folder.
        on_event: told of what could not be used or kept.
        timeout: seconds to wait for other threads and processes.
        clock: seconds since the epoch, for tests.
    """

    durable = True

    def __init__(
        self,
        path: Path,
        on_event: OnCacheEvent = log_event,
        *,
        timeout: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.on_event = on_event
        self._file = LedgerFile(path.absolute(), timeout, prepare=prepare, called=CALLED)
        self._clock = clock
        self._vectors = SqliteVectors(self._do, self._tell, clock)

    @classmethod
    def at(cls, address: str) -> SqliteCache:
        """The store at a ``sqlite:///FILE?timeout=SECONDS``.

        Raises:
            UsageError: the address cannot be read.
        """
        place = read_sqlite(address)
        return cls(place.path, timeout=place.timeout)

    def forget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """See `CacheStore.forget`."""
        self._do(_forget, tag, key).run()

    async def aforget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """`forget`, on the store's own thread."""
        await self._do(_forget, tag, key).arun()

    def renew(self, keys: Iterable[str], owner: str, lease: float) -> None:
        """See `CacheStore.renew`."""
        self._do(Rows.renew, tuple(keys), owner, lease).run()

    def release(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """See `CacheStore.release`."""
        self._do(Rows.release, key, owner, alone).run()

    async def arelease(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """`release`, on the store's own thread."""
        await self._do(Rows.release, key, owner, alone).arun()

    def stats(self) -> CacheStats:
        """See `CacheStore.stats`."""
        entries, sums = self._do(lambda rows: (rows.entries(), rows.sums())).run()
        hits = {tier: sums[f"hits:{tier}"] for tier in (*TIERS, "near") if f"hits:{tier}" in sums}
        counts = [sums.get(name, 0) for name in ("bytes", "vectors", "misses", "puts", "evicted")]
        size, vectors, misses, puts, evicted = counts
        return CacheStats(entries, size, vectors, hits, misses, puts, evicted)

    def scan(self) -> Iterator[Entry]:
        """See `CacheStore.scan`."""
        last = 0
        while page := self._do(Rows.page, last, _PAGE).run():
            for number, key, data, packed in page:
                last = number
                entry = read_entry(data, self._tell, key=key, packed=packed) if key else None
                if entry is not None:
                    yield entry

    def close(self) -> None:
        """Close the file and end the thread; the next step opens it again."""
        self._file.close()

    def _find(self, keys: tuple[str, ...]) -> Steps[Found | None]:
        def find(rows: Rows) -> tuple[str, str, bytes] | None:
            found = rows.look(keys)
            if found is None:
                rows.add("misses", 1)
            return found

        found = yield self._do(find)
        return None if found is None else (yield from self._found(keys, *found))

    def _found(self, keys: tuple[str, ...], tier: str, key: str, data: bytes) -> Steps[Found | None]:
        entry = read_entry(data, self._tell, key=key, normal="" if tier == TIERS[0] else keys[1])
        if entry is not None:
            return self._as_found(entry)
        yield self._do(Rows.drop, key)  # nobody is to meet it again
        return None

    def _nearest(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[list[Near]]:
        scored = yield from self._vectors.similar(context, vector, at_least, count)
        found = [(self._as_found(entry), score) for entry, score in scored]
        return [Near(one.entry, one.fresh, score) for one, score in found if one is not None]

    def _put(self, entry: Entry, max_bytes: int, generation: int | None) -> Steps[bool]:
        vector, data = checked_vector(entry, self._tell), encoded(entry)
        packed = None if vector is None else packed_vector(vector)
        size = _OVERHEAD + len(data) + len(packed or b"")
        if size > max_bytes:
            self._tell(too_large(entry, size, max_bytes))
            return False
        if entry.state(self._clock()) == "gone":
            return False

        def put(rows: Rows) -> bool:
            begun = int(rows.number("generation")) if generation is None else generation
            good = rows.good(entry.tags, begun)
            if good:
                rows.put(entry, Kept(data, packed, size, begun), max_bytes)
            return good

        kept: bool = yield self._do(put)
        return kept

    def _claim(self, keys: tuple[str, ...], owner: str, lease: float) -> Steps[Claim]:
        anew = False
        while True:
            found, granted, alone, generation = yield self._do(_claim, keys, owner, lease, anew)
            if found is None:
                return Claim(None, granted, alone, generation)
            one = yield from self._found(keys, *found)
            if one is not None and one.fresh:
                return Claim(one)
            anew = True

    def _as_found(self, entry: Entry) -> Found | None:
        state = entry.state(self._clock())
        return None if state == "gone" else Found(entry, state == "fresh")

    def _do(self, step: Callable[Concatenate[Rows, P], T], *args: P.args, **kwargs: P.kwargs) -> Io[T]:
        """A step as one transaction, with the time it has then."""

        def work(db: sqlite3.Connection) -> T:
            return step(Rows(db, self._clock()), *args, **kwargs)

        return Io(self._file.run, self._file.arun, work)

    def _tell(self, event: CacheEvent) -> None:
        self.on_event(event)


def _forget(rows: Rows, tag: str | None, key: str | None) -> None:
    if tag is not None:
        rows.forget(tag)
    if key is not None:
        rows.drop(key)


def _claim(
    rows: Rows, keys: tuple[str, ...], owner: str, lease: float, anew: bool
) -> tuple[tuple[str, str, bytes] | None, bool, bool, int]:
    found = None if anew else rows.look(keys)
    granted, alone = (False, False) if found else rows.claim(keys[0], owner, lease)
    return found, granted, alone, int(rows.number("generation"))

"""Answers in this process's memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from leanloop.budgets.at_fork import hold_at_fork
from leanloop.plugins.cache.cache_file import read_entries, write_entries
from leanloop.plugins.cache.claims import Claims
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent, log_event
from leanloop.plugins.cache.memory_rows import Held, MemoryRows, size_of
from leanloop.plugins.cache.reading import too_large
from leanloop.plugins.cache.store import TIERS, CacheStats, Claim, Found, Near
from leanloop.plugins.cache.vector import BadVectorError, Vector
from leanloop.plugins.steps import Steps, aperform, perform

__all__ = ["MemoryCache"]

_MOST = 500
"""Candidates of one lookup by likeness, where those before them are over."""


class MemoryCache:
    """A `CacheStore` behind one lock; similar vectors are looked for without it.

    Sizes are those of the objects in this process, vectors included.

    Args:
        on_event: told of what could not be used or kept.
        clock: seconds since the epoch, for tests.
    """

    durable = False

    def __init__(self, on_event: OnCacheEvent = log_event, *, clock: Callable[[], float] = time.time) -> None:
        self.on_event = on_event
        self._clock = clock
        self._rows = MemoryRows()
        self._claims = Claims()
        self._lock = threading.RLock()  # a garbage collection in here may end up in here
        hold_at_fork(self)

    def find(self, keys: Iterable[str]) -> Found | None:
        """See `CacheStore.find`."""
        for tier, key in zip(TIERS, keys, strict=False):
            with self._lock:
                found = self._look(tier, key)
            if found is not None:
                return found
        with self._lock:
            self._rows.counts["misses"] += 1
        return None

    async def afind(self, keys: Iterable[str]) -> Found | None:
        """`find`, which waits for nothing."""
        return self.find(keys)

    def nearest(self, context: str, vector: Vector, *, at_least: float, count: int = 1) -> list[Near]:
        """See `CacheStore.nearest`."""
        return perform(self._nearest(context, vector, at_least, count))

    async def anearest(self, context: str, vector: Vector, *, at_least: float, count: int = 1) -> list[Near]:
        """`nearest`; of many vectors on another thread."""
        return await aperform(self._nearest(context, vector, at_least, count))

    def put(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        """See `CacheStore.put`."""
        size = size_of(entry)
        if size > max_bytes:
            self.on_event(too_large(entry, size, max_bytes))
            return False
        with self._lock:
            forgotten = self._rows.forgotten
            begun, now = forgotten.generation if generation is None else generation, self._clock()
            if entry.state(now) == "gone" or not forgotten.good(entry.tags, begun):
                return False
            problem = self._rows.put(entry, begun, max_bytes, now)
        if problem is not None:
            self.on_event(problem)
        return True

    async def aput(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        """`put`, which waits for nothing."""
        return self.put(entry, max_bytes=max_bytes, generation=generation)

    def forget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """See `CacheStore.forget`."""
        with self._lock:
            if tag is not None:
                self._rows.forgotten.forget(tag)
            if key is not None:
                self._rows.drop(key)

    async def aforget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """`forget`, which waits for nothing."""
        self.forget(tag=tag, key=key)

    def claim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
        """See `CacheStore.claim`."""
        tiers = list(zip(TIERS, keys, strict=False))
        with self._lock:
            for tier, key in tiers:
                found = self._look(tier, key)
                if found is not None and found.fresh:
                    return Claim(found)
            granted, alone = self._claims.ask(tiers[0][1], owner, lease, time.monotonic())
            return Claim(None, granted, alone, self._rows.forgotten.generation)

    async def aclaim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
        """`claim`, which waits for nothing."""
        return self.claim(keys, owner, lease)

    def renew(self, keys: Iterable[str], owner: str, lease: float) -> None:
        """See `CacheStore.renew`."""
        with self._lock:
            for key in keys:
                self._claims.renew(key, owner, lease, time.monotonic())

    def release(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """See `CacheStore.release`."""
        with self._lock:
            self._claims.release(key, owner, alone, time.monotonic())

    async def arelease(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """`release`, which waits for nothing."""
        self.release(key, owner, alone=alone)

    def stats(self) -> CacheStats:
        """See `CacheStore.stats`."""
        with self._lock:
            rows, counts = self._rows, self._rows.counts
            return CacheStats(
                entries=len(rows),
                bytes=rows.bytes,
                vectors=len(rows.vectors),
                hits=dict(rows.hits),
                misses=counts["misses"],
                puts=counts["puts"],
                evicted=counts["evicted"],
            )

    def scan(self) -> Iterator[Entry]:
        """See `CacheStore.scan`."""
        with self._lock:
            keys = self._rows.keys()
        for key in keys:
            with self._lock:
                held = self._rows.alive(key, self._clock())
                vector = self._rows.vectors.vector(key)
            if held is not None:
                yield replace(held.entry, vector=vector)

    def save(self, path: str | os.PathLike[str]) -> int:
        """Write all entries to one file, in place of what is there; gives how many. See `write_entries`.

        Raises:
            StoreError: it cannot be written.
        """
        return write_entries(Path(path), self.scan(), self.on_event)

    def load(self, path: str | os.PathLike[str], *, max_bytes: int) -> int:
        """Take in the entries of a file that are not over; gives how many. None of one that was cut off or changed.

        Raises:
            StoreError: it cannot be read.
        """
        entries = (entry for entry in read_entries(Path(path), self.on_event) if entry.state(self._clock()) != "gone")
        return sum(self.put(entry, max_bytes=max_bytes) for entry in entries)

    def close(self) -> None:
        """Nothing is open."""

    def before_fork(self) -> None:
        """Let no other thread be in the midst of a step, which the child would never see ended."""
        self._lock.acquire()

    def after_fork(self) -> None:
        """In the parent and in the child, each of which goes on with a cache of its own."""
        self._lock.release()

    def _nearest(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[list[Near]]:
        wanted = count
        while True:
            try:
                candidates = yield self._rows.vectors.looking(context, vector, wanted, at_least)
            except BadVectorError as error:
                self.on_event(CacheEvent(error.problem, "", error.detail))
                return []
            with self._lock:
                now = self._clock()
                alive = [(held, score) for key, score in candidates if (held := self._rows.alive(key, now)) is not None]
                if len(alive) >= count or len(candidates) < wanted or wanted >= _MOST:
                    return [self._near(held, score) for held, score in alive[:count]]
            wanted = min(2 * wanted, _MOST)  # those that were over are out of the index now

    def _look(self, tier: str, key: str) -> Found | None:
        now = self._clock()
        entry = self._rows.look(tier, key, now)
        return None if entry is None else Found(entry, entry.state(now) == "fresh")

    def _near(self, held: Held, score: float) -> Near:
        self._rows.use(held, "near")
        return Near(held.entry, held.entry.state(self._clock()) == "fresh", score)

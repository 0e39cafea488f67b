"""Answers in this process's memory."""

from __future__ import annotations

import heapq
import os
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from leanloop.plugins.cache.cache_file import read_entries, write_entries
from leanloop.plugins.cache.claims import Claims
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent, log_event
from leanloop.plugins.cache.eviction import Ranks
from leanloop.plugins.cache.invalidation import Invalidations
from leanloop.plugins.cache.partitions import Partitions
from leanloop.plugins.cache.reading import too_large
from leanloop.plugins.cache.store import TIERS, CacheStats, Claim, Found, Near
from leanloop.plugins.cache.vector import BadVectorError, Vector
from leanloop.plugins.steps import Steps, aperform, perform

__all__ = ["MemoryCache"]

_OVERHEAD = 1_000
"""Bytes an entry takes in the tables of this process, beside what it holds."""

_SWEEP = 4
"""Entries past their end that a `put` takes out: more than it puts in."""

_MOST = 500
"""Candidates of one lookup by likeness, where those before them are over."""


@dataclass(slots=True)
class _Held:
    entry: Entry  # its vector is in the index
    generation: int
    size: int
    uses: int = 1


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
        self._held: dict[str, _Held] = {}
        self._normal: dict[str, str] = {}
        self._vectors = Partitions()
        self._ranks = Ranks()
        self._ends: list[tuple[float, str]] = []
        self._forgotten = Invalidations()
        self._claims = Claims()
        self._bytes = 0
        self._hits: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self.renew_lock()
        _stores.add(self)

    def find(self, keys: Iterable[str]) -> Found | None:
        """See `CacheStore.find`."""
        for tier, key in zip(TIERS, keys, strict=False):
            with self._lock:
                found = self._look(tier, key)
            if found is not None:
                return found
        with self._lock:
            self._counts["misses"] += 1
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
        size = _size(entry)
        if size > max_bytes:
            self.on_event(too_large(entry, size, max_bytes))
            return False
        with self._lock:
            begun = self._forgotten.generation if generation is None else generation
            if entry.state(self._clock()) == "gone" or not self._forgotten.good(entry.tags, begun):
                return False
            self._drop(entry.key)
            self._sweep()
            while self._bytes + size > max_bytes and (lowest := self._ranks.lowest()) is not None:
                self._drop(lowest)
                self._counts["evicted"] += 1
            self._keep(entry, begun, size)
            self._counts["puts"] += 1
        return True

    async def aput(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        """`put`, which waits for nothing."""
        return self.put(entry, max_bytes=max_bytes, generation=generation)

    def forget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """See `CacheStore.forget`."""
        with self._lock:
            if tag is not None:
                self._forgotten.forget(tag)
            if key is not None:
                self._drop(key)

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
            return Claim(None, granted, alone, self._forgotten.generation)

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
            counts = self._counts
            return CacheStats(
                entries=len(self._held),
                bytes=self._bytes,
                vectors=len(self._vectors),
                hits=dict(self._hits),
                misses=counts["misses"],
                puts=counts["puts"],
                evicted=counts["evicted"],
            )

    def scan(self) -> Iterator[Entry]:
        """See `CacheStore.scan`."""
        with self._lock:
            keys = list(self._held)
        for key in keys:
            with self._lock:
                held = self._alive(key)
                vector = self._vectors.vector(key)
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

    def renew_lock(self) -> None:
        """In a forked child: a thread of the parent may have held the lock, and is not here to let it go."""
        self._lock = threading.RLock()

    def _nearest(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[list[Near]]:
        wanted = count
        while True:
            try:
                candidates = yield self._vectors.looking(context, vector, wanted, at_least)
            except BadVectorError as error:
                self.on_event(CacheEvent(error.problem, "", error.detail))
                return []
            with self._lock:
                alive = [(held, score) for key, score in candidates if (held := self._alive(key)) is not None]
                if len(alive) >= count or len(candidates) < wanted or wanted >= _MOST:
                    return [self._near(held, score) for held, score in alive[:count]]
            wanted = min(2 * wanted, _MOST)  # those that were over are out of the index now

    def _look(self, tier: str, key: str) -> Found | None:
        """The entry under a key of a tier, which is thereby used."""
        exact = key if tier == TIERS[0] else self._normal.get(key)
        held = self._alive(exact) if exact is not None else None
        if held is None:
            return None
        self._use(held, tier)
        return Found(held.entry, held.entry.state(self._clock()) == "fresh")

    def _near(self, held: _Held, score: float) -> Near:
        self._use(held, "near")
        return Near(held.entry, held.entry.state(self._clock()) == "fresh", score)

    def _use(self, held: _Held, tier: str) -> None:
        held.uses += 1
        self._hits[tier] += 1
        self._ranks.use(held.entry.key, held.uses, held.entry.worth, held.size)

    def _alive(self, key: str) -> _Held | None:
        """What is under an exact key; taken out where its time is over or it was forgotten."""
        held = self._held.get(key)
        if held is None:
            return None
        if held.entry.state(self._clock()) != "gone" and self._forgotten.good(held.entry.tags, held.generation):
            return held
        self._drop(key)
        return None

    def _keep(self, entry: Entry, generation: int, size: int) -> None:
        vector = entry.vector
        held = _Held(replace(entry, vector=None) if vector is not None else entry, generation, size)
        self._held[entry.key] = held
        self._bytes += size
        self._ranks.use(entry.key, held.uses, entry.worth, size)
        heapq.heappush(self._ends, (entry.ends, entry.key))
        if entry.normal is not None:
            self._normal[entry.normal] = entry.key
        if vector is not None and entry.context is not None:
            try:
                self._vectors.add(entry.context, entry.key, vector)
            except BadVectorError as error:
                self.on_event(CacheEvent(error.problem, entry.key, error.detail))

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is None:
            return
        self._bytes -= held.size
        self._ranks.drop(key)
        entry = held.entry
        if entry.normal is not None and self._normal.get(entry.normal) == key:
            del self._normal[entry.normal]
        self._vectors.remove(key)

    def _sweep(self) -> None:
        now = self._clock()
        for _ in range(_SWEEP):
            if not self._ends or self._ends[0][0] > now:
                return
            self._alive(heapq.heappop(self._ends)[1])


def _size(entry: Entry) -> int:
    texts = (entry.reply, entry.text or "", *entry.tags)
    vector = 0 if entry.vector is None else entry.vector.nbytes
    return _OVERHEAD + sum(map(sys.getsizeof, texts)) + vector


_stores: weakref.WeakSet[MemoryCache] = weakref.WeakSet()


def _in_child() -> None:
    for store in list(_stores):
        store.renew_lock()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_in_child)

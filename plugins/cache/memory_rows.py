"""The entries of a cache in memory, with all by which they are found, ranked and ended."""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from dataclasses import dataclass, replace

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.eviction import Ranks
from leanloop.plugins.cache.invalidation import Invalidations
from leanloop.plugins.cache.partitions import Partitions
from leanloop.plugins.cache.store import TIERS
from leanloop.plugins.cache.vector import BadVectorError

__all__ = ["Held", "MemoryRows", "size_of"]

_OVERHEAD = 1_000
"""Bytes an entry takes in the tables of this process, beside what it holds."""

_SWEEP = 4
"""Entries past their end that a `put` takes out: more than it puts in."""


@dataclass(slots=True)
class Held:
    """An entry without its vector, which is in the index."""

    entry: Entry
    generation: int
    size: int
    uses: int = 1


class MemoryRows:
    """Whoever calls holds a lock, and says what time it is; `vectors` alone may be searched without it."""

    def __init__(self) -> None:
        self.vectors = Partitions()
        self.forgotten = Invalidations()
        self.bytes = 0
        self.hits: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self._held: dict[str, Held] = {}
        self._normal: dict[str, str] = {}
        self._ranks = Ranks()
        self._ends: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._held)

    def keys(self) -> list[str]:
        """Of all entries."""
        return list(self._held)

    def look(self, tier: str, key: str, now: float) -> Entry | None:
        """The entry under a key of a tier, which is thereby used."""
        exact = key if tier == TIERS[0] else self._normal.get(key)
        held = self.alive(exact, now) if exact is not None else None
        if held is None:
            return None
        self.use(held, tier)
        return held.entry

    def alive(self, key: str, now: float) -> Held | None:
        """What is under an exact key; taken out where its time is over or it was forgotten."""
        held = self._held.get(key)
        if held is None:
            return None
        if held.entry.state(now) != "gone" and self.forgotten.good(held.entry.tags, held.generation):
            return held
        self.drop(key)
        return None

    def use(self, held: Held, tier: str) -> None:
        """An entry was given."""
        held.uses += 1
        self.hits[tier] += 1
        self._ranks.use(held.entry.key, held.uses, held.entry.worth, held.size)

    def put(self, entry: Entry, generation: int, max_bytes: int, now: float) -> CacheEvent | None:
        """Keep an entry, and make room for it; gives what is wrong with its vector."""
        size = size_of(entry)
        self.drop(entry.key)
        self._sweep(now)
        while self.bytes + size > max_bytes and (lowest := self._ranks.lowest()) is not None:
            self.drop(lowest)
            self.counts["evicted"] += 1
        self.counts["puts"] += 1
        return self._keep(entry, generation, size)

    def drop(self, key: str) -> None:
        """Take an entry out, if it is there."""
        held = self._held.pop(key, None)
        if held is None:
            return
        self.bytes -= held.size
        self._ranks.drop(key)
        entry = held.entry
        if entry.normal is not None and self._normal.get(entry.normal) == key:
            del self._normal[entry.normal]
        self.vectors.remove(key)
        if len(self._ends) > 2 * len(self._held) + 64:  # mostly of entries that are no more
            self._ends = [(one.entry.ends, name) for name, one in self._held.items()]
            heapq.heapify(self._ends)

    def _keep(self, entry: Entry, generation: int, size: int) -> CacheEvent | None:
        vector = entry.vector
        held = Held(replace(entry, vector=None) if vector is not None else entry, generation, size)
        self._held[entry.key] = held
        self.bytes += size
        self._ranks.use(entry.key, held.uses, entry.worth, size)
        heapq.heappush(self._ends, (entry.ends, entry.key))
        if entry.normal is not None:
            self._normal[entry.normal] = entry.key
        if vector is not None and entry.context is not None:
            try:
                self.vectors.add(entry.context, entry.key, vector)
            except BadVectorError as error:
                return CacheEvent(error.problem, entry.key, error.detail)
        return None

    def _sweep(self, now: float) -> None:
        for _ in range(_SWEEP):
            if not self._ends or self._ends[0][0] > now:
                return
            self.alive(heapq.heappop(self._ends)[1], now)


def size_of(entry: Entry) -> int:
    """Bytes it takes in this process, about."""
    texts = (entry.reply, entry.text or "", *entry.tags)
    vector = 0 if entry.vector is None else entry.vector.nbytes
    return _OVERHEAD + sum(map(sys.getsizeof, texts)) + vector

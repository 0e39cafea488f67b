"""Answers in Redis: one cache for any number of processes and machines."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator

from leanloop.budgets.redis_address import read_address
from leanloop.budgets.redis_caller import RedisCaller
from leanloop.budgets.redis_scripts import Script
from leanloop.plugins.cache import redis_scripts as scripts
from leanloop.plugins.cache.by_steps import BySteps
from leanloop.plugins.cache.entry import Entry, encoded
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent, log_event
from leanloop.plugins.cache.invalidation import MOST_TAGS
from leanloop.plugins.cache.reading import checked_vector, read_entry, too_large
from leanloop.plugins.cache.redis_scripts import parts_of
from leanloop.plugins.cache.redis_vectors import PAGE_SIZE, RedisVectors, VectorsIn
from leanloop.plugins.cache.store import TIERS, CacheStats, Claim, Found, Near
from leanloop.plugins.cache.vector import Vector, packed_vector
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["RedisCache"]

_OVERHEAD = 900
"""Bytes an entry takes in Redis beside its own: its keys, and its places in the sorted sets."""


class RedisCache(BySteps):
    """A `CacheStore` in Redis 6.2 or later, or Valkey: a server, sentinels, or a cluster.

    Each step is one script and one round trip, so nothing is ever seen half done; looking for something similar takes
    two. Answers are in hashes that end by themselves; of vectors see `leanloop.plugins.cache.redis_vectors`. Size
    counts what is sent, the vector twice, and what an entry takes beside. All keys begin with ``{leanloop}:cache:``,
    or with the address's own ``?prefix=``: in a cluster they lie on one node.

    An answer may be lost with the server, or to `maxmemory`; then it is made again.

    Args:
        url: as of the ledger (`leanloop.budgets.redis_address.read_address`), whose server it may be.
        on_event: told of what could not be used or kept.
        vectors: ``stream`` for no vector sets, also where the server has them.
        clock: seconds since the epoch, for tests of what is fresh; the server's own decides when an entry is over.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: redis-py is not installed.
    """

    durable = True

    def __init__(
        self,
        url: str,
        on_event: OnCacheEvent = log_event,
        *,
        vectors: VectorsIn = "either",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.on_event = on_event
        self._clock = clock
        self._caller = RedisCaller(read_address(url), "cache's Redis")
        self._keys = [f"{self._caller.tag}cache:{name}" for name in ("meta", "tags", "ranks", "ends", "sizes", "news")]
        self._vectors = RedisVectors(self._ask, self._tell, vectors)

    def forget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """See `CacheStore.forget`."""
        self._ask(scripts.FORGET, _tag(tag), key or "", str(MOST_TAGS)).run()

    async def aforget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """`forget`, awaited."""
        await self._ask(scripts.FORGET, _tag(tag), key or "", str(MOST_TAGS)).arun()

    def renew(self, keys: Iterable[str], owner: str, lease: float) -> None:
        """See `CacheStore.renew`."""
        self._ask(scripts.RENEW, owner, _milliseconds(lease), *keys).run()

    def release(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """See `CacheStore.release`."""
        self._ask(scripts.RELEASE, key, owner, _milliseconds(alone)).run()

    async def arelease(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """`release`, awaited."""
        await self._ask(scripts.RELEASE, key, owner, _milliseconds(alone)).arun()

    def stats(self) -> CacheStats:
        """See `CacheStore.stats`."""
        numbers = [int(part) for part in parts_of(self._ask(scripts.STATS).run())]
        entries, size, vectors, exact, normal, near, misses, puts, evicted = numbers
        hits = {"exact": exact, "normal": normal, "near": near}
        hits = {tier: count for tier, count in hits.items() if count}
        return CacheStats(entries, size, vectors, hits, misses, puts, evicted)

    def scan(self) -> Iterator[Entry]:
        """See `CacheStore.scan`."""
        seen: set[str] = set()
        cursor = "0"
        while True:
            page = parts_of(self._ask(scripts.PAGE, cursor, PAGE_SIZE).run())
            for data, packed in zip(page[1::2], page[2::2], strict=True):
                entry = read_entry(data, self._tell, packed=packed)
                if entry is not None and entry.key not in seen:  # Redis may tell one twice
                    seen.add(entry.key)
                    yield entry
            cursor = page[0].decode()
            if cursor == "0":
                return

    def close(self) -> None:
        """Close the connections; the next step opens new ones. Those of other event loops close a moment later."""
        self._caller.clients.close()

    def _find(self, keys: tuple[str, ...]) -> Steps[Found | None]:
        keys = _two(keys)
        answer = yield self._ask(scripts.FIND, *keys, *self._vectors.place())
        tier, key, data, *news = parts_of(answer)
        self._vectors.hear(news)
        return (yield from self._found(keys, tier, key, data)) if tier else None

    def _found(self, keys: tuple[str, ...], tier: bytes, key: bytes, data: bytes) -> Steps[Found | None]:
        exact = tier.decode() == TIERS[0]
        entry = read_entry(data, self._tell, key=key.decode(), normal="" if exact else keys[1])
        if entry is not None:
            return self._as_found(entry)
        yield self._ask(scripts.FORGET, "", key, "")  # nobody is to meet it again
        return None

    def _nearest(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[list[Near]]:
        scored = yield from self._vectors.similar(context, vector, at_least, count)
        if scored:
            yield self._ask(scripts.USED, *[entry.key for entry, _ in scored])
        found = [(self._as_found(entry), score) for entry, score in scored]
        return [Near(one.entry, one.fresh, score) for one, score in found if one is not None]

    def _put(self, entry: Entry, max_bytes: int, generation: int | None) -> Steps[bool]:
        vector = checked_vector(entry, self._tell)
        life, data = entry.ends - self._clock(), encoded(entry)
        if life <= 0:
            return False
        packed = b"" if vector is None else packed_vector(vector)
        size = _OVERHEAD + len(data) + 2 * len(packed)
        if size > max_bytes:
            self._tell(too_large(entry, size, max_bytes))
            return False
        begun = "" if generation is None else str(generation)
        numbers = [str(max(1, entry.worth)), str(size), _milliseconds(life), str(max_bytes), begun]
        kept: list[str | bytes] = [entry.key, data, packed, entry.normal or "", entry.context or ""]
        became = b"lost"
        while became == b"lost":
            in_sets = vector is not None and (yield from self._vectors.begin())
            plain = vector.astype("<f4").tobytes() if vector is not None and in_sets else b""
            answer = yield self._ask(scripts.PUT, *kept, *numbers, plain, *map(_tag, entry.tags))
            [became] = parts_of(answer)
            if became == b"lost":
                self._vectors.begin_anew()
        if became == b"dimension":
            self._tell(CacheEvent("dimension", entry.key, "a vector is of another length than others of its context"))
        return became != b"forgotten"

    def _claim(self, keys: tuple[str, ...], owner: str, lease: float) -> Steps[Claim]:
        keys = _two(keys)
        anew: tuple[str, ...] = ()
        while True:
            answer = yield self._ask(scripts.CLAIM, *keys, owner, _milliseconds(lease), *anew)
            became, generation, *rest = parts_of(answer)
            if not rest:
                return Claim(None, became == b"granted", became == b"alone", int(generation))
            found = yield from self._found(keys, became, *rest)
            if found is not None and found.fresh:
                return Claim(found)
            anew = ("anew",)

    def _as_found(self, entry: Entry) -> Found | None:
        state = entry.state(self._clock())
        return None if state == "gone" else Found(entry, state == "fresh")

    def _ask(self, script: Script, *words: str | bytes) -> Io[bytes]:
        return Io(self._caller.call, self._caller.acall, script, *words, keys=self._keys)

    def _tell(self, event: CacheEvent) -> None:
        self.on_event(event)


def _two(keys: Iterable[str]) -> tuple[str, str]:
    """The keys that are asked for at once; the second is empty where there is none."""
    exact, normal, *_ = (*keys, "")
    return exact, normal


def _milliseconds(seconds: float) -> str:
    return str(min(10**12, max(0, math.ceil(seconds * 1000))))


def _tag(tag: str | None) -> bytes:
    return (tag or "").encode("utf-8", "surrogatepass")

"""Whole results in this process's memory: gone when it ends."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from leanloop.budgets.at_fork import renew_in_child
from leanloop.errors import StoreError
from leanloop.plugins.results.handle import entry_name
from leanloop.plugins.results.store import Kept

__all__ = ["MemoryResults", "too_large"]


class _Entry(NamedTuple):
    kept: Kept
    size: int
    ends: float


class MemoryResults:
    """A `ResultStore` behind one lock; sizes are those of the text in UTF-8.

    Args:
        clock: seconds, for tests of expiry. Not the time of day, which somebody may set back.
    """

    durable = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # oldest first
        self._size = 0
        self.renew_lock()
        renew_in_child(self, MemoryResults.renew_lock)

    def put(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """See `ResultStore.put`."""
        size = len(kept.text) if kept.text.isascii() else len(kept.text.encode("utf-8", "surrogatepass"))
        if size > max_bytes:
            raise too_large(size, max_bytes)
        name, now = entry_name(scope, handle), self._clock()
        with self._lock:
            self._drop(name)
            for other in [other for other, entry in self._entries.items() if entry.ends <= now]:
                self._drop(other)
            while self._size + size > max_bytes:
                self._drop(next(iter(self._entries)))
            self._entries[name] = _Entry(kept, size, now + ttl)
            self._size += size

    async def aput(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """`put`, which waits for nothing."""
        self.put(scope, handle, kept, ttl=ttl, max_bytes=max_bytes)

    def get(self, scope: str, handle: str) -> Kept | None:
        """See `ResultStore.get`."""
        with self._lock:
            entry = self._entries.get(entry_name(scope, handle))
        return entry.kept if entry is not None and self._clock() < entry.ends else None

    async def aget(self, scope: str, handle: str) -> Kept | None:
        """`get`, which waits for nothing."""
        return self.get(scope, handle)

    def close(self) -> None:
        """Nothing is open."""

    def renew_lock(self) -> None:
        """In a forked child: a thread of the parent may have held the lock, and is not here to let it go."""
        self._lock = threading.RLock()

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._size -= entry.size


def too_large(size: int, max_bytes: int) -> StoreError:
    """What every store raises for a result that alone is over `max_bytes`."""
    return StoreError(f"A result of {size:,} bytes is over all that is kept, {max_bytes:,}; raise results.max_bytes.")

"""Which entry makes room: the one that saves least for its size.

GreedyDual-Size-Frequency (L. Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching
Policy", HPL-98-69R1, 1998): an entry ranks by age + uses * worth / size, where the age of the cache is the rank of what
was evicted last. So what is dear, small and often used stays, and what is used no more falls behind all that comes.
"""

from __future__ import annotations

import heapq
import itertools

__all__ = ["Ranks", "rank"]


def rank(age: float, uses: int, worth: int, size: int) -> float:
    """The rank of an entry used now; the lowest makes room."""
    return age + uses * max(1, worth) / max(1, size)


class Ranks:
    """Entries by rank. A use costs nothing but a number: the order is put right where the lowest is looked for.

    Whoever calls holds a lock.
    """

    def __init__(self) -> None:
        self.age = 0.0
        self._now: dict[str, float] = {}
        self._order: list[tuple[float, int, str]] = []
        self._number = itertools.count()

    def use(self, key: str, uses: int, worth: int, size: int) -> None:
        """An entry was put in (its first use), or used."""
        known = key in self._now
        self._now[key] = rank(self.age, uses, worth, size)
        if not known:
            self._push(key)

    def drop(self, key: str) -> None:
        """It is no more."""
        self._now.pop(key, None)
        if len(self._order) > 2 * len(self._now) + 64:  # mostly of entries that are no more
            self._order = []
            for one in self._now:
                self._push(one)

    def lowest(self) -> str | None:
        """Take out the entry to make room; None where there is none."""
        while self._order:
            ranked, _, key = heapq.heappop(self._order)
            now = self._now.get(key)
            if now is None:
                continue
            if now > ranked:  # used since
                self._push(key)
                continue
            del self._now[key]
            self.age = max(self.age, ranked)
            return key
        return None

    def _push(self, key: str) -> None:
        heapq.heappush(self._order, (self._now[key], next(self._number), key))

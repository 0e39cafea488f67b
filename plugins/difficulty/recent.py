"""Counts that were read a moment ago: a call costs a durable store no round trip of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.store import Count, OutcomeStore
from leanloop.plugins.steps import Steps

__all__ = ["RecentCounts"]

_LIFETIME = 2.0
"""Seconds after which what other processes have learned is looked for."""

_MOST = 10_000


class RecentCounts:
    """The counts of one store, kept for two seconds; those of a store in this process's memory are read each time.

    Args:
        store: where they are.
        clock: seconds, of a clock that only goes forward.
    """

    def __init__(self, store: OutcomeStore, clock: Callable[[], float] = time.monotonic) -> None:
        self.store = store
        self._clock = clock
        self._read: dict[str, tuple[float, Mapping[str, Count]]] = {}

    def of(self, keys: Sequence[str]) -> Steps[list[Mapping[str, Count]]]:
        """For each key its counts by setting, in one round trip at most.

        Raises:
            StoreError: the store cannot be reached.
        """
        store = self.store
        if not store.durable:
            counts: list[Mapping[str, Count]] = yield Io(store.counts, store.acounts, keys)
            return counts
        since = self._clock() - _LIFETIME
        known = {key: read[1] for key in keys if (read := self._read.get(key)) is not None and read[0] >= since}
        missing = [key for key in keys if key not in known]
        if missing:
            found: list[Mapping[str, Count]] = yield Io(store.counts, store.acounts, missing)
            if len(self._read) >= _MOST:
                self._read.clear()
            known.update(zip(missing, found, strict=True))
            now = self._clock()
            self._read.update((key, (now, counts)) for key, counts in zip(missing, found, strict=True))
        return [known[key] for key in keys]

    def forget(self, keys: Iterable[str]) -> None:
        """Read these anew: something was added to them here."""
        for key in keys:
            self._read.pop(key, None)

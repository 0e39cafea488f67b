"""Groups of vectors that are alike, found as they come: each joins the nearest, or leads a group of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from leanloop.plugins.cache.embedder import Vectors
from leanloop.plugins.cache.vector import Vector
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.steps import Steps

__all__ = ["Leaders"]

_AGAIN = 5.0
"""Seconds after which it is looked whether other processes have found more."""


class _Known(NamedTuple):
    """The groups of an agent, as last read: replaced as a whole, so that threads need no lock."""

    names: tuple[str, ...] = ()
    rows: Vectors | None = None
    read: float = -_AGAIN

    def nearest(self, vector: Vector, near: float) -> str | None:
        if self.rows is None or self.rows.shape[1] != len(vector):
            return None
        likeness = self.rows @ vector
        best = int(likeness.argmax())
        return self.names[best] if likeness[best] >= near else None

    def joined_by(self, name: str, vector: Vector) -> _Known:
        if self.rows is None or self.rows.shape[1] != len(vector):
            return _Known((name,), vector[None], self.read)
        return _Known((*self.names, name), np.concatenate((self.rows, vector[None])), self.read)


class Leaders:
    """Leader clustering (Hartigan, Clustering Algorithms, 1975, chapter 3): it needs each vector once, and never
    changes a group that something was counted under.

    Args:
        store: where the leaders are kept, for all processes.
        space: what made the vectors.
        near: the least cosine to the leader of a group.
        most: groups of an agent; where there are as many, what is like none is in none.
        clock: seconds, of a clock that only goes forward.
    """

    def __init__(
        self,
        store: OutcomeStore,
        space: str,
        *,
        near: float,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._space = f"{space} {near}"
        self._near = near
        self._most = most
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def of(self, vector: Vector, agent: str) -> Steps[str | None]:
        """The name of the group, a digest of its leader and the space; `vector` has length 1.

        Raises:
            StoreError: the store cannot be reached.
        """
        known = self._known.get(agent, _Known())
        group = known.nearest(vector, self._near)
        if group is None and self._clock() - known.read >= _AGAIN:
            known = yield from self._read(agent, len(vector))
            group = known.nearest(vector, self._near)
        if group is not None:
            return group
        packed = vector.astype("<f4").tobytes()
        name = blake2b(packed + self._space.encode(), digest_size=8).hexdigest()
        store = self._store
        is_new: bool = yield Io(store.put_family, store.aput_family, agent, self._space, name, packed, self._most)
        if not is_new:  # another process has begun it, or one that is as near; or there are too many
            known = yield from self._read(agent, len(vector))
            return known.nearest(vector, self._near)
        self._known[agent] = self._known.get(agent, known).joined_by(name, vector)
        return name

    def _read(self, agent: str, width: int) -> Steps[_Known]:
        kept: Mapping[str, bytes] = yield Io(self._store.families, self._store.afamilies, agent, self._space)
        found = {name: packed for name, packed in kept.items() if len(packed) == 4 * width}
        rows = np.frombuffer(b"".join(found.values()), dtype="<f4").reshape(-1, width) if found else None
        self._known[agent] = known = _Known(tuple(found), rows, self._clock())
        return known

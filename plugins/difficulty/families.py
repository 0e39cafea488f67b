"""Families of texts that are alike, found as they come: each text joins the nearest, or begins one of its own."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from leanloop.plugins.cache.embedder import Embedder, Vectors
from leanloop.plugins.cache.vector import Vector
from leanloop.plugins.embed import embedded
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["Families"]

_NEAR = 0.6
"""The least cosine to the first text of a family. With the words of a text, 94 families of reasoning-gym's questions
are told apart so that 95 % of the questions are in a family of their own kind."""

_MOST = 512
"""Families of an agent. Where there are as many, a text that is like none has none."""

_AGAIN = 5.0
"""Seconds after which it is looked whether other processes have found more."""

_REMEMBERED = 1_024
"""Texts, the latest."""


class _Known(NamedTuple):
    """The families of an agent, as last read: replaced as a whole, so that threads need no lock."""

    names: tuple[str, ...] = ()
    rows: Vectors | None = None
    read: float = -_AGAIN

    def nearest(self, vector: Vector) -> str | None:
        if self.rows is None or self.rows.shape[1] != len(vector):
            return None
        likeness = self.rows @ vector
        best = int(likeness.argmax())
        return self.names[best] if likeness[best] >= _NEAR else None


class Families:
    """The families of one store, by agent: leader clustering (Hartigan, Clustering Algorithms, 1975, chapter 3), which
    needs each text once and changes no family that outcomes were counted under.

    Args:
        embedder: makes the vectors; families of another's are never compared with them.
        store: where families are kept, for all processes.
        clock: seconds, of a clock that only goes forward.
    """

    def __init__(self, embedder: Embedder, store: OutcomeStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._embedder = embedder
        self._store = store
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._found: OrderedDict[tuple[str, str], str | None] = OrderedDict()

    def of(self, text: str, task: Task) -> Steps[str | None]:
        """The family of a text; None where it is like none, and there are too many for another.

        Raises:
            StoreError: the store cannot be reached.
            TaskStopped: the embedder costs something, and the budget has no room.
            Exception: what the embedder raises.
        """
        key = (task.agent, text)
        if key in self._found:
            return self._found[key]
        rows: Vectors = yield from embedded(self._embedder, text, task)
        family = yield from self._of(np.ascontiguousarray(rows[0], dtype="<f4"), task.agent)
        self._found[key] = family
        while len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return family

    def _of(self, vector: Vector, agent: str) -> Steps[str | None]:
        known = self._known.get(agent, _Known())
        family = known.nearest(vector)
        if family is None and self._clock() - known.read >= _AGAIN:
            known = yield from self._read(agent, len(vector))
            family = known.nearest(vector)
        if family is not None:
            return family
        packed, space = vector.tobytes(), self._embedder.fingerprint
        name = blake2b(packed, digest_size=8).hexdigest()
        is_new = yield Io(self._store.put_family, self._store.aput_family, agent, space, name, packed, _MOST)
        if not is_new:  # another process has begun it, or one that is as near; or there are too many
            known = yield from self._read(agent, len(vector))
            return known.nearest(vector)
        known = self._known.get(agent, known)
        rows = vector[None] if known.rows is None else np.concatenate((known.rows, vector[None]))
        self._known[agent] = _Known((*known.names, name), rows, known.read)
        return name

    def _read(self, agent: str, width: int) -> Steps[_Known]:
        space = self._embedder.fingerprint
        kept: Mapping[str, bytes] = yield Io(self._store.families, self._store.afamilies, agent, space)
        found = {name: packed for name, packed in kept.items() if len(packed) == 4 * width}
        rows = np.frombuffer(b"".join(found.values()), dtype="<f4").reshape(-1, width) if found else None
        self._known[agent] = known = _Known(tuple(found), rows, self._clock())
        return known

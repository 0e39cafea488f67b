"""The indexes of this process: one for each context, since only what was said before alike is compared."""

from __future__ import annotations

import asyncio
import threading

from leanloop.plugins.cache.index import Index
from leanloop.plugins.cache.vector import Vector
from leanloop.plugins.flow import Io

__all__ = ["Partitions"]

_LARGE = 20_000
"""Vectors of a context from which on no event loop waits for a lookup: half a millisecond and more."""


class Partitions:
    """Vectors by context and key. A key is in one context at a time.

    Most contexts hold one vector or a few, some very many: each has an index of its own, which is small where they are
    few (two and a half kilobytes for one vector of 384 numbers, one and a half of which is the vector).
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection in here may end up in here
        self._indexes: dict[str, Index] = {}
        self._contexts: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._contexts)

    def add(self, context: str, key: str, vector: Vector) -> None:
        """Put a vector under a key, instead of the one it had.

        Raises:
            BadVectorError: see `Index.add`; then there is none under the key.
        """
        with self._lock:
            self.remove(key)
            index = self._indexes.get(context)
            if index is None:
                index = Index()
            index.add(key, vector)
            self._indexes[context], self._contexts[key] = index, context

    def remove(self, key: str) -> None:
        """Take a vector out, if it is in there."""
        with self._lock:
            context = self._contexts.pop(key, None)
            if context is None:
                return
            index = self._indexes[context]
            index.remove(key)
            if not len(index):
                del self._indexes[context]

    def vector(self, key: str) -> Vector | None:
        """A copy of what is under a key."""
        with self._lock:
            context = self._contexts.get(key)
            return None if context is None else self._indexes[context].vector(key)

    def nearest(self, context: str, vector: Vector, *, count: int, at_least: float) -> list[tuple[str, float]]:
        """See `Index.nearest`; nothing where the context holds nothing. Nobody waits for it.

        Raises:
            BadVectorError: see `Index.nearest`.
        """
        index = self._indexes.get(context)
        return [] if index is None else index.nearest(vector, count=count, at_least=at_least)

    async def anearest(self, context: str, vector: Vector, *, count: int, at_least: float) -> list[tuple[str, float]]:
        """`nearest`; in a large context on another thread."""
        index = self._indexes.get(context)
        if index is None or len(index) < _LARGE:
            return self.nearest(context, vector, count=count, at_least=at_least)
        return await asyncio.to_thread(index.nearest, vector, count=count, at_least=at_least)

    def looking(self, context: str, vector: Vector, count: int, at_least: float) -> Io[list[tuple[str, float]]]:
        """The step that gives the nearest."""
        return Io(self.nearest, self.anearest, context, vector, count=count, at_least=at_least)

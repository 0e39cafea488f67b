"""The nearest vectors of one partition: all compared while they are few, a few of them when they are many."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leanloop.plugins.cache.rows import BLOCK, Rows
from leanloop.plugins.cache.signs import Distances, distances, farthest, signs
from leanloop.plugins.cache.vector import BadVectorError, Vector, unit

__all__ = ["Index"]

FLAT = 2_048
"""Rows up to which all are compared: as fast as anything else."""

_FIRST = 64
"""Rows compared first of a large index, the nearest by their bits."""

_MANY = 8
"""Where more than one row in so many would have to be compared, all are, which is faster."""

_SPARE = 8
"""Rows looked at beyond those asked for, since some may be removed meanwhile."""

_SHRINK = 4
"""Where fewer than one row in so many is in use, the others are let go of."""


class Index:
    """Vectors by key. Any number of threads may look up while others add and remove; nobody waits for a lookup.

    Every comparison is exact, in float32. Which rows are compared: while there are few, all. Then those that differ
    from the vector in so few bits (`leanloop.plugins.cache.signs`) that they may be above `at_least`, or above the best
    found so far: one in 2,000 that is so misses out. Where there is no near one to be found and none is ruled out by
    `at_least`, all are compared again.

    What is in the index when a lookup begins and stays is found; what comes or goes meanwhile may be.
    """

    __slots__ = ("_lock", "_rows")

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a garbage collection in here may end up in here
        self._rows: Rows | None = None

    def __len__(self) -> int:
        return len(self._rows.places) if self._rows is not None else 0

    def __contains__(self, key: str) -> bool:
        return self._rows is not None and key in self._rows.places

    @property
    def dimension(self) -> int | None:
        """The length of its vectors; None before the first."""
        return self._rows.dimension if self._rows is not None else None

    def add(self, key: str, vector: ArrayLike) -> None:
        """Put a vector under a key, or another one instead of it.

        Raises:
            BadVectorError: nothing can be compared with it, or it is of another length than the others.
        """
        made = unit(vector)
        with self._lock:
            rows = self._rows
            if rows is None or not rows.places:  # nothing there that it could differ from
                rows = self._rows = Rows(len(made), signed=False)
            self._check(rows, made)
            rows.set(key, made)
            if not rows.signed and len(rows.places) > FLAT:
                rows.sign()

    def remove(self, key: str) -> bool:
        """Take it out; False where it was not in there."""
        with self._lock:
            rows = self._rows
            if rows is None or key not in rows.places:
                return False
            rows.remove(key)
            if len(rows.keys) > FLAT and len(rows.places) * _SHRINK < len(rows.keys):
                self._rows = _packed(rows)
            return True

    def vector(self, key: str) -> Vector | None:
        """A copy of what is under a key."""
        with self._lock:
            rows = self._rows
            place = rows.places.get(key) if rows is not None else None
            return None if rows is None or place is None else rows.vector(place).copy()

    def keys(self) -> Iterator[str]:
        """All keys there are now."""
        with self._lock:
            return iter(list(self._rows.places) if self._rows is not None else [])

    def nearest(self, vector: ArrayLike, *, count: int = 1, at_least: float = -1.0) -> list[tuple[str, float]]:
        """The keys whose vectors are most like `vector`, with the cosines; best first, none below `at_least`.

        Raises:
            BadVectorError: nothing can be compared with it, or it is of another length than those in here.
        """
        asked, rows = unit(vector), self._rows
        if rows is None or not rows.keys:
            return []
        self._check(rows, asked)
        wanted = count + _SPARE
        few = _few(rows, asked, wanted, at_least) if rows.signed else None
        places, scores = few if few is not None else _all(rows, asked, wanted)
        best = places[np.argsort(-scores)[:wanted]]
        now = [rows.scored(place, asked) for place in map(int, best)]
        found = [one for one in now if one is not None and one[1] >= at_least]
        return sorted(found, key=lambda one: -one[1])[:count]

    @staticmethod
    def _check(rows: Rows, vector: Vector) -> None:
        if len(vector) != rows.dimension:
            detail = f"a vector of {len(vector)} numbers stands beside others of {rows.dimension}"
            raise BadVectorError("dimension", detail)


_Scored = tuple[NDArray[np.intp], NDArray[np.float32]]


def _all(rows: Rows, asked: Vector, wanted: int) -> _Scored:
    """The best of each block, all rows compared."""
    places: list[NDArray[np.intp]] = []
    scores: list[NDArray[np.float32]] = []
    for block, start, size in rows.parts():
        some = block.vectors[:size] @ asked
        some[~block.live[:size]] = -np.inf
        best = np.flatnonzero(some >= np.partition(some, -wanted)[-wanted]) if size > wanted else np.arange(size)
        places.append(best + start)
        scores.append(some[best])
    return np.concatenate(places), np.concatenate(scores)


def _few(rows: Rows, asked: Vector, wanted: int, at_least: float) -> _Scored | None:
    """Those that may be the best by their bits, compared; None where too many may be."""
    away = _distances(rows, asked)
    first = int(np.partition(away, max(_FIRST, wanted))[max(_FIRST, wanted)])
    places = np.flatnonzero(away <= first)
    if len(places) * _MANY > len(away):
        return None
    scores = _scores(rows, places, asked)
    # The count-th best so far, counting the spare ones as wanted too would compare more than is asked for.
    best = float(np.partition(scores, _SPARE - wanted)[_SPARE - wanted])
    last = farthest(max(at_least, best))
    if last > first:
        more = np.flatnonzero((away <= last) & (away > first))
        if len(more) * _MANY > len(away):
            return None
        places = np.concatenate((places, more))
        scores = np.concatenate((scores, _scores(rows, more, asked)))
    return places, scores


def _distances(rows: Rows, asked: Vector) -> Distances:
    parts = list(rows.parts())
    away: Distances = np.empty(sum(size for _, _, size in parts), np.uint16)
    of = signs(asked[np.newaxis])
    for block, start, size in parts:
        if block.signs is not None:
            distances(block.signs, of, away[start : start + size])
        if not block.live[:size].all():
            away[start : start + size][~block.live[:size]] = np.iinfo(np.uint16).max
    return away


def _scores(rows: Rows, places: NDArray[np.intp], asked: Vector) -> NDArray[np.float32]:
    """The cosines of some rows, which are in ascending order."""
    edges = np.searchsorted(places, np.arange(len(rows.blocks) + 1) * BLOCK)
    return np.concatenate(
        [
            np.take(block.vectors, places[start:end] - number * BLOCK, axis=0) @ asked
            for number, (block, start, end) in enumerate(zip(rows.blocks, edges, edges[1:], strict=False))
        ]
    )


def _packed(rows: Rows) -> Rows:
    """The rows in use, in arrays of their own."""
    packed = Rows(rows.dimension, signed=False)
    for key, place in rows.places.items():
        packed.set(key, rows.vector(place))
    if len(packed.places) > FLAT:
        packed.sign()
    return packed

"""Similar entries in SQLite: an index in memory of each process, which follows the rows as they come."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent
from leanloop.plugins.cache.partitions import Partitions
from leanloop.plugins.cache.reading import read_entry, read_vector
from leanloop.plugins.cache.sqlite_rows import Rows
from leanloop.plugins.cache.vector import BadVectorError, Vector
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["SqliteVectors"]

Ask = Callable[..., Io[Any]]
"""Gives the step that is one transaction."""

_PAGE = 1_000
"""Vectors read in one transaction."""

_MOST = 500
"""Candidates of one lookup, where those before them are over."""


@dataclass(slots=True)
class _Followed:
    """The vectors as this process knows them, up to a row of the table."""

    last: int = 0
    vectors: Partitions = field(default_factory=Partitions)


class SqliteVectors:
    """The vectors of one cache. What another process took out is noticed when it is found.

    Args:
        ask: gives the step that is one transaction.
        tell: told of what cannot be used.
        now: seconds since the epoch.
    """

    def __init__(self, ask: Ask, tell: OnCacheEvent, now: Callable[[], float]) -> None:
        self._ask = ask
        self._tell = tell
        self._now = now
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._followed = _Followed()
        self._process = os.getpid()

    def similar(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[list[tuple[Entry, float]]]:
        """The entries most like `vector`, best first; they are thereby used."""
        vectors = yield from self._follow()
        wanted = count
        while True:
            try:
                candidates = yield vectors.looking(context, vector, wanted, at_least)
            except BadVectorError as error:
                self._tell(CacheEvent(error.problem, "", error.detail))
                return []
            if not candidates:
                return []
            found: list[tuple[Entry, float]] = []
            answers = yield self._ask(_alive, [key for key, _ in candidates])
            for (key, score), data in zip(candidates, answers, strict=True):
                entry = None if data is None else read_entry(data, self._tell, key=key, context=context)
                if entry is None or entry.state(self._now()) == "gone":
                    vectors.remove(key)
                else:
                    found.append((entry, score))
            if len(found) >= count or len(candidates) < wanted or wanted >= _MOST:
                yield self._ask(_used, [entry.key for entry, _ in found[:count]])
                return found[:count]
            wanted = min(2 * wanted, _MOST)  # those that are over are out of the index now

    def _follow(self) -> Steps[Partitions]:
        """The vectors, with those that came since the last time. Read anew where many of them are no more."""
        if self._process != os.getpid():  # forked, maybe while another thread was at it
            self._begin()
        while True:
            followed = self._followed
            count, rows = yield self._ask(_news, followed.last)
            with self._lock:
                if len(followed.vectors) > 2 * count + _PAGE:
                    self._followed = _Followed()
                    continue
                for number, key, context, packed in rows:
                    if number > followed.last:
                        self._take(followed.vectors, key, context, packed)
                        followed.last = number
            if len(rows) < _PAGE:
                return followed.vectors

    def _take(self, vectors: Partitions, key: str, context: str, packed: bytes) -> None:
        vector = read_vector(packed, key, self._tell)
        try:
            if vector is not None:
                vectors.add(context, key, vector)
        except BadVectorError as error:
            self._tell(CacheEvent(error.problem, key, error.detail))


def _alive(rows: Rows, keys: Sequence[str]) -> list[bytes | None]:
    return [rows.alive(key) for key in keys]


def _used(rows: Rows, keys: Sequence[str]) -> None:
    for key in keys:
        rows.use(key, "near")


def _news(rows: Rows, after: int) -> tuple[int, list[tuple[int, str, str, bytes]]]:
    return int(rows.number("vectors")), rows.vectors(after, _PAGE)

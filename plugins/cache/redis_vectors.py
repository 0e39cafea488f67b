"""Similar entries in Redis: by vector sets where the server has them, else by an index of each process that follows."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent
from leanloop.plugins.cache.partitions import Partitions
from leanloop.plugins.cache.reading import read_entry, read_vector
from leanloop.plugins.cache.redis_scripts import BEGIN, FETCH, NEWS, PAGE, SIMILAR, parts_of
from leanloop.plugins.cache.vector import BadVectorError, Vector
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["PAGE_SIZE", "RedisVectors", "Scored", "VectorsIn"]

VectorsIn = Literal["either", "stream"]

Scored = list[tuple[Entry, float]]

Ask = Callable[..., Io[bytes]]
"""Gives the step that runs a script with some words."""

PAGE_SIZE = "200"
"""Entries read in one step, about, where all are read."""

_SPARE = 8
"""Entries looked at beyond those asked for: a vector set orders by rounded numbers."""

_CURRENT = 0.05
"""Seconds for which the news are current that a lookup by key has brought along: it is mostly followed by one for
something similar."""

_MOST = 500
"""Candidates of one lookup, where those before them are over."""


@dataclass(slots=True)
class _Followed:
    """The vectors as this process knows them, up to the last row of the news it has heard."""

    epoch: bytes
    last: int
    vectors: Partitions = field(default_factory=Partitions)
    heard: float = 0.0


class RedisVectors:
    """The vectors of one cache.

    Where the server has vector sets (Redis 8), one for each context: filters within one set cost twice the time and
    lose what is far away. Their elements have no lifetime, so an entry that is over is met there once, and taken out.

    Else each process has all vectors in indexes of its own. It reads them when it first looks for something similar;
    from then on each lookup by key brings along what came and went since. The rows of these news are numbered: who
    finds one missing, since only the latest 10,000 are kept, reads all anew.

    Args:
        ask: gives the step that runs a script.
        tell: told of what cannot be used.
        kept_in: ``stream`` for no vector sets. The first process to use a cache decides for all.
    """

    def __init__(self, ask: Ask, tell: OnCacheEvent, kept_in: VectorsIn) -> None:
        self._ask = ask
        self._tell = tell
        self._kept_in: VectorsIn = kept_in
        self._mode = b""
        self.begin_anew()

    def begin(self) -> Steps[bool]:
        """Whether vectors are in sets here."""
        if not self._mode:
            answer = yield self._ask(BEGIN, self._kept_in, secrets.token_hex(8))
            self._mode = parts_of(answer)[0]
        return self._mode == b"sets"

    def begin_anew(self) -> None:
        """The server has lost all it had; or this is a forked child, whose parent may have been in the midst of it."""
        self._lock = threading.Lock()
        self._followed: _Followed | None = None
        self._mode = b""
        self._process = os.getpid()

    def place(self) -> list[str | bytes]:
        """Since when a lookup by key is to bring news; empty where nothing is followed."""
        if self._process != os.getpid():
            self.begin_anew()
        followed = self._followed
        return [] if followed is None else [followed.epoch, str(followed.last)]

    def hear(self, news: Sequence[bytes]) -> bool:
        """Take in the news that were asked for; whether there are more."""
        followed = self._followed
        if followed is None or len(news) < 3:
            return False
        epoch, upto, more = news[0], int(news[1]), news[2]
        if more == b"reset" or epoch != followed.epoch:
            self.begin_anew()
            return False
        rows = list(zip(news[3::3], news[4::3], news[5::3], strict=True))
        with self._lock:
            behind = upto - followed.last  # another thread may have heard a part of it
            for key, context, packed in rows[-behind:] if behind > 0 else ():
                self._take(followed.vectors, key.decode(), context.decode(), packed)
            followed.last = max(followed.last, upto)
            followed.heard = 0.0 if more else time.monotonic()
        return more == b"more"

    def similar(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[Scored]:
        """The entries most like `vector`, best first."""
        if (yield from self.begin()):
            return (yield from self._in_set(context, vector, at_least, count))
        if self._process != os.getpid():
            self.begin_anew()
        followed = yield from self._current()
        wanted = count
        while True:
            try:
                candidates = yield followed.vectors.looking(context, vector, wanted, at_least)
            except BadVectorError as error:
                self._tell(CacheEvent(error.problem, "", error.detail))
                return []
            if not candidates:
                return []
            answer = yield self._ask(FETCH, *[key for key, _ in candidates])
            found: Scored = []
            for (key, score), data in zip(candidates, parts_of(answer), strict=True):
                entry = read_entry(data, self._tell, key=key, context=context) if data else None
                if entry is None:
                    followed.vectors.remove(key)
                else:
                    found.append((entry, score))
            if len(found) >= count or len(candidates) < wanted or wanted >= _MOST:
                return found[:count]
            wanted = min(2 * wanted, _MOST)  # those that are over are out of the index now

    def _in_set(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[Scored]:
        answer = yield self._ask(SIMILAR, context, vector.astype("<f4").tobytes(), str(count + _SPARE))
        parts = parts_of(answer)
        if parts[:1] == [b"error"]:
            detail = "a vector is of another length than those it is compared with"
            self._tell(CacheEvent("dimension", "", detail))
            return []
        entries = [
            read_entry(data, self._tell, key=key.decode(), context=context, packed=packed)
            for key, data, packed in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        ]
        found = [
            (entry, float(entry.vector @ vector))
            for entry in entries
            if entry is not None and entry.vector is not None and len(entry.vector) == len(vector)
        ]
        found.sort(key=lambda one: -one[1])
        return [one for one in found if one[1] >= at_least][:count]

    def _current(self) -> Steps[_Followed]:
        """What is followed, with the latest news."""
        followed = self._followed
        if followed is not None and time.monotonic() - followed.heard < _CURRENT:
            followed.heard = 0.0
            return followed
        more = followed is not None
        while more:
            answer = yield self._ask(NEWS, *self.place())
            more = self.hear(parts_of(answer))
        followed = self._followed or (yield from self._read_all())
        followed.heard = 0.0
        return followed

    def _read_all(self) -> Steps[_Followed]:
        """Follow from now on. What comes while the pages are read is among the news that follow."""
        answer = yield self._ask(BEGIN, self._kept_in, secrets.token_hex(8))
        _, epoch, last = parts_of(answer)
        followed = _Followed(epoch, int(last))
        cursor = "0"
        while True:
            answer = yield self._ask(PAGE, cursor, PAGE_SIZE)
            page = parts_of(answer)
            for data, packed in zip(page[1::2], page[2::2], strict=True):
                entry = read_entry(data, self._tell) if packed else None
                if entry is not None and entry.context is not None:
                    self._take(followed.vectors, entry.key, entry.context, packed)
            cursor = page[0].decode()
            if cursor == "0":
                break
        self._followed = followed
        return followed

    def _take(self, vectors: Partitions, key: str, context: str, packed: bytes) -> None:
        vector = read_vector(packed, key, self._tell)
        try:
            if vector is None:
                vectors.remove(key)
            else:
                vectors.add(context, key, vector)
        except BadVectorError as error:
            self._tell(CacheEvent(error.problem, key, error.detail))

"""How often the cache was wrong, by answers that were made anew although it had one, and compared with it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

from leanloop.plugins.cache.calibration import lower, upper
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.store import CacheStore
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["Live", "Record"]

_AGAIN = 30.0
"""Seconds after which what other processes have found is looked at again."""

_LEASE = 2.0
_FOREVER = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Record:
    """What was compared so far: answers given, or that would have been, with fresh ones."""

    checked: int = 0
    wrong: int = 0

    @property
    def bound(self) -> float | None:
        """The share that is wrong is at most this, at 95 % confidence."""
        return upper(self.wrong, self.checked) if self.checked else None

    def breaks(self, promised: float) -> bool:
        """Whether more are wrong than was promised, at 95 % confidence."""
        return self.checked > 0 and lower(self.wrong, self.checked) > promised


class Live:
    """The record of one agent and embedder, shared by all that use the store.

    Args:
        store: where it is kept.
        agent, embedder, policy: whose it is.
        clock: seconds since the epoch.
    """

    def __init__(
        self, store: CacheStore, agent: str, embedder: str, policy: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._key = blake2b(json.dumps(["live", agent, embedder, policy]).encode(), digest_size=20).hexdigest()
        self._label = f"checked hits of {agent}"
        self._clock = clock
        self._lock = threading.Lock()
        self._record = Record()
        self._read_at = -_AGAIN

    def record(self) -> Steps[Record]:
        """What is known by now.

        Raises:
            StoreError: the store cannot be reached.
        """
        if time.monotonic() - self._read_at >= _AGAIN:
            yield from self._read()
        return self._record

    def add(self, *, wrong: bool) -> Steps[Record]:
        """Add one comparison.

        Raises:
            StoreError: the store cannot be reached.
        """
        lock, owner = f"{self._key}-lock", uuid.uuid4().hex
        claim = yield Io(self._store.claim, self._store.aclaim, (lock,), owner, _LEASE)
        try:
            yield from self._read()
            with self._lock:
                known = self._record
                self._record = replace(known, checked=known.checked + 1, wrong=known.wrong + wrong)
                entry = self._entry(self._record)
            yield Io(self._store.put, self._store.aput, entry, max_bytes=2**53)
        finally:
            if claim.granted:
                yield Io(self._store.release, self._store.arelease, lock, owner)
        return self._record

    def _read(self) -> Steps[None]:
        found = yield Io(self._store.find, self._store.afind, (self._key,))
        kept = None if found is None else _record(found.entry.reply)
        with self._lock:
            self._read_at = time.monotonic()
            if kept is not None and kept.checked >= self._record.checked:
                self._record = kept

    def _entry(self, record: Record) -> Entry:
        text = json.dumps({"checked": record.checked, "wrong": record.wrong})
        return Entry(self._key, text, self._clock(), _FOREVER, worth=2**40, label=self._label)


def _record(text: str) -> Record | None:
    try:
        fields: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match fields:
        case {"checked": int(checked), "wrong": int(wrong)} if 0 <= wrong <= checked:
            return Record(checked, wrong)
        case _:
            return None

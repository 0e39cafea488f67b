"""How often the cache was wrong, by answers that were made anew although it had one, and compared with it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b

from leanloop.budgets.at_fork import renew_in_child
from leanloop.plugins.cache.calibration import lower, upper
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.store import CacheStore
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["RECORD_TAG", "Live", "Record", "new_record", "read_record"]

RECORD_TAG = "record"
"""Of the entry it is kept in. Tags of answers have a colon."""

_AGAIN = 30.0
"""Seconds after which what other processes have found is looked at again."""

_LEASE = 2.0
_FOREVER = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Record:
    """What was compared so far: answers given, or that would have been, with fresh ones.

    Attributes:
        checked, wrong: how many, and how many were not the same.
        since: when it began, in seconds since the epoch: a new calibration begins a new one.
        agent, embedder: whose it is; of the embedder the fingerprint.
    """

    checked: int = 0
    wrong: int = 0
    since: float = 0.0
    agent: str = ""
    embedder: str = ""

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
        self._key = _key(agent, embedder, policy)
        self._clock = clock
        self.renew_lock()
        self._record = Record(agent=agent, embedder=embedder)
        self._read_at = -_AGAIN
        renew_in_child(self, Live.renew_lock)

    def renew_lock(self) -> None:
        """In a forked child: a thread of the parent may have held the lock, and is not here to let it go."""
        self._lock = threading.Lock()

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
                entry = _entry(self._key, self._record, self._clock())
            yield Io(self._store.put, self._store.aput, entry, max_bytes=2**53)
        finally:
            if claim.granted:
                yield Io(self._store.release, self._store.arelease, lock, owner)
        return self._record

    def _read(self) -> Steps[None]:
        found = yield Io(self._store.find, self._store.afind, (self._key,))
        kept = None if found is None else read_record(found.entry.reply)
        with self._lock:
            self._read_at = time.monotonic()
            if kept is not None and (kept.since, kept.checked) >= (self._record.since, self._record.checked):
                self._record = replace(self._record, checked=kept.checked, wrong=kept.wrong, since=kept.since)


def new_record(agent: str, embedder: str, policy: str, now: float) -> Entry:
    """One that begins at `now`, with nothing compared yet, as an entry."""
    return _entry(_key(agent, embedder, policy), Record(since=now, agent=agent, embedder=embedder), now)


def read_record(text: str) -> Record | None:
    """What is kept of one; None for anything else."""
    try:
        fields: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match fields:
        case {
            "checked": int(checked),
            "wrong": int(wrong),
            "since": float() | int() as since,
            "agent": str(agent),
            "embedder": str(embedder),
        } if 0 <= wrong <= checked:
            return Record(checked, wrong, since, agent, embedder)
        case _:
            return None


def _key(agent: str, embedder: str, policy: str) -> str:
    return blake2b(json.dumps(["live", agent, embedder, policy]).encode(), digest_size=20).hexdigest()


def _entry(key: str, record: Record, now: float) -> Entry:
    label = f"checked hits of {record.agent}"
    return Entry(key, json.dumps(asdict(record)), now, _FOREVER, worth=2**40, label=label, tags=(RECORD_TAG,))

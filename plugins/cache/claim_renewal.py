"""Claims are renewed while their answers are being made here: by one thread of this process for all of them."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import weakref
from dataclasses import dataclass

from leanloop.errors import StoreError
from leanloop.plugins.cache.store import CacheStore
from leanloop.plugins.log import warn

__all__ = ["ClaimRenewal", "renewal"]

_log = logging.getLogger("leanloop")

_PER_LEASE = 3
"""Renewals in the time of a lease, so that two may fail."""


@dataclass(slots=True)
class _Kept:
    store: CacheStore
    key: str
    lease: float
    due: float
    maker: weakref.ref[object]


class ClaimRenewal:
    """What this process has claimed. The thread begins with the first claim and ends when there is none."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew. In a forked child the calls in flight are the parent's, and so is the thread."""
        self._changed = threading.Condition()  # reentrant: a garbage collection in here may end a call
        self._kept: dict[str, _Kept] = {}
        self._thread: threading.Thread | None = None

    def keep(self, store: CacheStore, key: str, owner: str, lease: float, maker: object) -> None:
        """Renew a claim just granted until `drop`, or until `maker` is no more."""
        if not store.durable or sys.is_finalizing():  # the claim is of this process, and dies with it; see `Leases`
            return
        with self._changed:
            due = time.monotonic() + lease / _PER_LEASE
            self._kept[owner] = _Kept(store, key, lease, due, weakref.ref(maker))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="leanloop-cache-claims", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # none is to be had: a call longer than its lease may be made twice
                    self._thread = None
            else:
                self._changed.notify()

    def drop(self, owner: str) -> None:
        """Renew it no more: it is about to be released."""
        if sys.is_finalizing():
            return
        with self._changed:
            self._kept.pop(owner, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                for owner in [owner for owner, kept in self._kept.items() if kept.maker() is None]:
                    del self._kept[owner]
                if not self._kept:
                    self._thread = None
                    return
                owner, kept = min(self._kept.items(), key=lambda item: item[1].due)
                wait = kept.due - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                kept.due = time.monotonic() + kept.lease / _PER_LEASE
            try:
                kept.store.renew([kept.key], owner, kept.lease)
            except StoreError as error:
                warn(
                    "Cache: the claim to an answer that is being made could not be renewed; once it ends, another "
                    "process may ask the same. %s",
                    error,
                )
            except Exception:  # noqa: BLE001 a store of somebody else's: the other claims are renewed all the same
                _log.exception(
                    "Cache: the claim to an answer that is being made could not be renewed; it is tried again."
                )


renewal = ClaimRenewal()
"""This process's."""

if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=renewal.forget)

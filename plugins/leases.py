"""Who renews the leases of reservations that stand: one thread of this process for all of them.

A store that outlives the process turns a reservation into spending when its lease ends, since whoever made the call
may be dead. While the call, or the task a landing is kept back for, is alive here, its lease is renewed every third of
its length, so that two renewals may fail.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from leanloop.budgets.store import Demand, LedgerStore
from leanloop.errors import StoreError
from leanloop.plugins.log import warn

__all__ = ["Leases", "leases"]

_log = logging.getLogger("leanloop")

_PER_LEASE = 3


@dataclass(slots=True)
class _Kept:
    lease: float
    owner: weakref.ref[object]


class Leases:
    """The reservations this process answers for. The thread begins with the first and ends when there is none.

    Reentrant, since garbage collection may settle an abandoned call in the midst of anything. So may the end of the
    interpreter, when threads stand still for ever, one maybe with the lock, and none can begin: then nothing is
    renewed, and nobody waits.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew. In a forked child the calls in flight are the parent's, and so is the thread."""
        self._changed = threading.Condition()
        self._kept: dict[LedgerStore, dict[str, _Kept]] = {}
        self._thread: threading.Thread | None = None
        self._due = math.inf

    def of(self, store: LedgerStore, demand: Demand) -> Demand:
        """The demand as it is to be asked for: what dies with the process needs no lease."""
        lines, most, least, _, idle = demand
        return demand if store.durable else Demand(lines, most, least, math.inf, idle)

    def keep(self, store: LedgerStore, reservation: str, lease: float, owner: object) -> None:
        """Renew a reservation, just made, for `lease` seconds at a time, until `drop` or until `owner` is no more."""
        if not store.durable or sys.is_finalizing():
            return
        with self._changed:
            self._kept.setdefault(store, {})[reservation] = _Kept(lease, weakref.ref(owner))
            due = time.monotonic() + lease / _PER_LEASE
            if self._thread is None:
                self._due = due
                self._start()
            elif due < self._due:
                self._due = due
                self._changed.notify()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="leanloop-leases", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # no thread is to be had now, or ever again: the interpreter ends
            self._thread = None
            _log.warning(
                "No thread could be started, so no lease is renewed until the next call (%s). A call that takes longer "
                "than its lease counts as spent until it reports.",
                error,
            )

    def drop(self, store: LedgerStore, reservation: str) -> None:
        """Renew it no more: it is about to be settled, released or replaced."""
        if store.durable and not sys.is_finalizing():
            with self._changed:
                self._kept.get(store, {}).pop(reservation, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                wait = self._due - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                batches = self._batches()
                if not batches:
                    self._thread = None
                    return
                self._due = time.monotonic() + min(lease for _, lease, _ in batches) / _PER_LEASE
            while batches:  # emptied, so that nothing is held while it waits
                self._renew(*batches.pop())

    def _batches(self) -> list[tuple[LedgerStore, float, list[str]]]:
        """What is still wanted, by store and length of lease."""
        batches: dict[tuple[LedgerStore, float], list[str]] = {}
        for store, kept in list(self._kept.items()):
            for name, one in list(kept.items()):
                if one.owner() is None:
                    kept.pop(name, None)
                else:
                    batches.setdefault((store, one.lease), []).append(name)
            if not kept:
                del self._kept[store]
        return [(store, lease, names) for (store, lease), names in batches.items()]

    def _renew(self, store: LedgerStore, lease: float, names: Sequence[str]) -> None:
        try:
            held = set(store.renew(names, lease))
        except StoreError as error:
            warn(
                "The leases of %d reservations could not be renewed; it is tried again until they end. %s",
                len(names),
                error,
            )
            return
        except Exception:  # noqa: BLE001 a store of somebody else's: the other reservations are renewed all the same
            _log.exception("The leases of %d reservations could not be renewed; it is tried again.", len(names))
            return
        with self._changed:
            kept = self._kept.get(store, {})
            lost = [name for name in names if name not in held and kept.pop(name, None) is not None]
        if lost:
            _log.warning(
                "The leases of %d reservations ended before they could be renewed: they count as spent until their "
                "calls report (landing reserves were given back). See whether the process was suspended, or the store "
                "down.",
                len(lost),
            )


leases = Leases()
"""This process's."""

if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=leases.forget)

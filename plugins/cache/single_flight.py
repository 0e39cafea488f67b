"""One makes an answer, the others wait for it: among threads, event loops and processes.

Within a process those who wait are told by the one who makes it; across processes they ask the store, which keeps a
lease for the maker. Whoever makes an answer and dies blocks nobody longer than that lease; whoever fails lets the next
one try.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanloop.budgets.at_fork import renew_in_child
from leanloop.errors import StoreError
from leanloop.plugins.cache.claim_renewal import renewal
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.store import CacheStore, Claim, Found
from leanloop.plugins.cache.waiting import Told, Waiters

__all__ = ["LEASE", "PATIENCE", "SingleFlight", "Turn", "flight_of"]

LEASE = 10.0
"""Seconds for which nobody else makes an answer after its maker has died; it is renewed while the maker lives."""

PATIENCE = 120.0
"""Seconds one waits for another at most: longer than nearly any call, and an end to two that wait for each other."""

_ALONE = 1.0
"""Seconds for which other processes wait for nobody, after an answer that could not be kept."""

_FIRST_PAUSE, _LAST_PAUSE = 0.005, 0.1
"""Seconds between two looks at the store, growing by half each time."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Turn:
    """What one who asked for an answer is to do.

    Attributes:
        found: the answer, made by another meanwhile; then there is nothing to do.
        leads: to make it, and to call `SingleFlight.leave` however that ends. Where it is False and nothing was found:
            to make it, but nobody waits for it.
        generation: to be handed to `CacheStore.put`; None where the store did not answer.
        key, owner: whose turn it is.
    """

    found: Found | None = None
    leads: bool = False
    generation: int | None = None
    key: str = ""
    owner: str = ""


class SingleFlight:
    """Who makes which answer, for one store in this process.

    A store that fails keeps nobody from an answer: then one of this process makes it.

    Args:
        store: where other processes meet.
        lease: see `LEASE`.
        patience: see `PATIENCE`.
    """

    def __init__(self, store: CacheStore, *, lease: float = LEASE, patience: float = PATIENCE) -> None:
        self._store = store
        self._lease = lease
        self._patience = patience
        self._waiters = Waiters()
        self._makers: dict[str, weakref.ref[Turn]] = {}
        renew_in_child(self, SingleFlight.forget)

    def forget(self) -> None:
        """Begin anew. In a forked child the calls in flight are the parent's."""
        self._waiters.forget()
        self._makers = {}

    def join(self, keys: Sequence[str], *, wait: bool = True) -> Turn:
        """Ask for the answer under `keys` (see `CacheStore.find`), and wait while another makes it.

        Without `wait`, where another makes it, this one is told at once to go alone.
        """
        deadline = time.monotonic() + self._patience
        waiting = self._waiters.enter(keys[0])
        if waiting is not None:
            told: Told = "alone"
            if wait and not _on_event_loop():  # it would keep the very loop from going on that may make the answer
                with self._waiters.giving_way(keys[0], waiting), contextlib.suppress(TimeoutError):
                    waiting.result(self._patience)
            told = self._waiters.told(keys[0], waiting)
            if told != "next":
                return Turn(told if isinstance(told, Found) else None)
        owner = uuid.uuid4().hex
        with self._waiters.passing_on(keys[0]):
            for pause in _pauses():
                try:
                    claim = self._store.claim(keys, owner, self._lease)
                except StoreError:
                    return self._leading(Turn(leads=True, key=keys[0]))
                turn = self._turn(keys[0], owner, claim, last=not wait or time.monotonic() + pause > deadline)
                if turn is not None:
                    return turn
                time.sleep(pause)
        raise AssertionError  # pauses never end

    async def ajoin(self, keys: Sequence[str], *, wait: bool = True) -> Turn:
        """`join`, awaited."""
        deadline = time.monotonic() + self._patience
        waiting = self._waiters.enter(keys[0])
        if waiting is not None:
            if wait:
                with self._waiters.giving_way(keys[0], waiting):
                    await asyncio.wait([asyncio.wrap_future(waiting)], timeout=self._patience)
            told = self._waiters.told(keys[0], waiting)
            if told != "next":
                return Turn(told if isinstance(told, Found) else None)
        owner = uuid.uuid4().hex
        with self._waiters.passing_on(keys[0]):
            for pause in _pauses():
                try:
                    claim = await self._store.aclaim(keys, owner, self._lease)
                except StoreError:
                    return self._leading(Turn(leads=True, key=keys[0]))
                except asyncio.CancelledError:  # it may have been granted
                    with contextlib.suppress(StoreError):
                        await self._store.arelease(keys[0], owner)
                    raise
                turn = self._turn(keys[0], owner, claim, last=not wait or time.monotonic() + pause > deadline)
                if turn is not None:
                    return turn
                await asyncio.sleep(pause)
        raise AssertionError

    def leave(self, turn: Turn, entry: Entry | None = None, *, failed: bool = False) -> None:
        """End a turn that leads, after the entry was put into the store.

        Args:
            turn: what `join` gave.
            entry: the answer, for those who wait; None where it cannot be kept: then nobody waits for another.
            failed: there is no answer; the next one is to try.
        """
        if turn.leads and self._end(turn, entry, failed=failed):
            with contextlib.suppress(StoreError):  # then its lease ends
                self._store.release(turn.key, turn.owner, alone=0.0 if failed or entry is not None else _ALONE)

    async def aleave(self, turn: Turn, entry: Entry | None = None, *, failed: bool = False) -> None:
        """`leave`, awaited."""
        if turn.leads and self._end(turn, entry, failed=failed):
            with contextlib.suppress(StoreError):
                await self._store.arelease(turn.key, turn.owner, alone=0.0 if failed or entry is not None else _ALONE)

    def _turn(self, key: str, owner: str, claim: Claim, *, last: bool) -> Turn | None:
        """What is to be done after the store has answered; None is to ask again."""
        if claim.found is not None:
            self._waiters.tell_all(key, claim.found)
            return Turn(claim.found)
        if claim.granted:
            turn = Turn(None, True, claim.generation, key, owner)
            renewal.keep(self._store, key, owner, self._lease, turn)
            return self._leading(turn)
        if claim.alone or last:
            self._waiters.tell_all(key, "alone")
            return Turn(generation=claim.generation)
        return None

    def _end(self, turn: Turn, entry: Entry | None, *, failed: bool) -> bool:
        """Tell those of this process; whether there is a claim to release."""
        self._makers.pop(turn.key, None)
        renewal.drop(turn.owner)
        if failed:
            self._waiters.next(turn.key)
        else:
            self._waiters.tell_all(turn.key, "alone" if entry is None else Found(entry, fresh=True))
        return bool(turn.owner)

    def _leading(self, turn: Turn) -> Turn:
        """A turn that nobody ends, and nobody knows of any more, is the next one's."""

        def lost(_: object, key: str = turn.key) -> None:
            self._makers.pop(key, None)
            self._waiters.next(key)

        self._makers[turn.key] = weakref.ref(turn, lost)
        return turn


def flight_of(store: CacheStore) -> SingleFlight:
    """The one of a store in this process: agents that share a store make one call among them."""
    # No lock, which a fork could leave taken for ever. The store cannot be another one: its flight holds it.
    known = _of_store.get(id(store))
    return known if known is not None else _of_store.setdefault(id(store), SingleFlight(store))


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(_LAST_PAUSE, 1.5 * pause)


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


_of_store: weakref.WeakValueDictionary[int, SingleFlight] = weakref.WeakValueDictionary()

"""One makes an answer, the others wait for it: among threads, event loops and processes.

Within a process those who wait are told by the one who makes it; across processes they ask the store, which keeps a
lease for the maker. Whoever makes an answer and dies blocks nobody longer than that lease; whoever fails lets the next
one try.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from leanloop.errors import StoreError
from leanloop.plugins.cache.claim_renewal import renewal
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.store import CacheStore, Claim, Found

__all__ = ["LEASE", "PATIENCE", "SingleFlight", "Turn"]

LEASE = 10.0
"""Seconds for which nobody else makes an answer after its maker has died; it is renewed while the maker lives."""

PATIENCE = 120.0
"""Seconds one waits for another at most: longer than nearly any call, and an end to two that wait for each other."""

_ALONE = 1.0
"""Seconds for which other processes wait for nobody, after an answer that could not be kept."""

_FIRST_PAUSE, _LAST_PAUSE = 0.005, 0.1
"""Seconds between two looks at the store, growing by half each time."""

_Told = Found | Literal["next", "alone"]
"""The answer; or that it is this one's turn to make it; or that nobody is to wait."""

_Waiting = Future[_Told]


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
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Begin anew. In a forked child the calls in flight are the parent's."""
        self._lock = threading.RLock()  # a garbage collection in here may end a call that was abandoned
        self._flights: dict[str, deque[_Waiting]] = {}

    def join(self, keys: Sequence[str], *, wait: bool = True) -> Turn:
        """Ask for the answer under `keys` (see `CacheStore.find`), and wait while another makes it.

        Without `wait`, where another makes it, this one is told at once to go alone.
        """
        deadline = time.monotonic() + self._patience
        waiting = self._enter(keys[0])
        if waiting is not None:
            told: _Told = "alone"
            if wait and not _on_event_loop():  # it would keep the very loop from going on that may make the answer
                with self._giving_way(keys[0], waiting), contextlib.suppress(TimeoutError):
                    waiting.result(self._patience)
            told = self._told(keys[0], waiting)
            if told != "next":
                return Turn(told if isinstance(told, Found) else None)
        owner = uuid.uuid4().hex
        with self._passing_on(keys[0]):
            for pause in _pauses():
                try:
                    claim = self._store.claim(keys, owner, self._lease)
                except StoreError:
                    return Turn(leads=True, key=keys[0])
                turn = self._turn(keys[0], owner, claim, last=not wait or time.monotonic() + pause > deadline)
                if turn is not None:
                    return turn
                time.sleep(pause)
        raise AssertionError  # pauses never end

    async def ajoin(self, keys: Sequence[str], *, wait: bool = True) -> Turn:
        """`join`, awaited."""
        deadline = time.monotonic() + self._patience
        waiting = self._enter(keys[0])
        if waiting is not None:
            if wait:
                with self._giving_way(keys[0], waiting):
                    await asyncio.wait([asyncio.wrap_future(waiting)], timeout=self._patience)
            told = self._told(keys[0], waiting)
            if told != "next":
                return Turn(told if isinstance(told, Found) else None)
        owner = uuid.uuid4().hex
        with self._passing_on(keys[0]):
            for pause in _pauses():
                try:
                    claim = await self._store.aclaim(keys, owner, self._lease)
                except StoreError:
                    return Turn(leads=True, key=keys[0])
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
            self._tell_all(key, claim.found)
            return Turn(claim.found)
        if claim.granted:
            turn = Turn(None, True, claim.generation, key, owner)
            renewal.keep(self._store, key, owner, self._lease, turn)
            return turn
        if claim.alone or last:
            self._tell_all(key, "alone")
            return Turn(generation=claim.generation)
        return None

    def _end(self, turn: Turn, entry: Entry | None, *, failed: bool) -> bool:
        """Tell those of this process; whether there is a claim to release."""
        renewal.drop(turn.owner)
        if failed:
            self._next(turn.key)
        else:
            self._tell_all(turn.key, "alone" if entry is None else Found(entry, fresh=True))
        return bool(turn.owner)

    def _enter(self, key: str) -> _Waiting | None:
        """None: nobody of this process makes it yet, so this one does."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                self._flights[key] = deque()
                return None
            waiting: _Waiting = Future()
            flight.append(waiting)
            return waiting

    def _told(self, key: str, waiting: _Waiting) -> _Told:
        """What one who waited was told; who was told nothing goes alone, and is told nothing any more."""
        with self._lock:
            if waiting.done():
                return waiting.result()
            with contextlib.suppress(KeyError, ValueError):
                self._flights[key].remove(waiting)
            return "alone"

    def _tell_all(self, key: str, told: _Told) -> None:
        with self._lock:
            for waiting in self._flights.pop(key, ()):
                waiting.set_result(told)

    def _next(self, key: str) -> None:
        """It is the turn of the next one who still waits."""
        with self._lock:
            flight = self._flights.get(key)
            if flight:
                flight.popleft().set_result("next")
            else:
                self._flights.pop(key, None)

    @contextmanager
    def _giving_way(self, key: str, waiting: _Waiting) -> Generator[None, None, None]:
        """One who is stopped while waiting, and was just told that it is his turn, passes it on."""
        try:
            yield
        except TimeoutError:
            raise
        except BaseException:
            if self._told(key, waiting) == "next":
                self._next(key)
            raise

    @contextmanager
    def _passing_on(self, key: str) -> Generator[None, None, None]:
        """One who is stopped before he leads lets the next one try."""
        try:
            yield
        except BaseException:
            self._next(key)
            raise


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


_all: weakref.WeakSet[SingleFlight] = weakref.WeakSet()


def _in_child() -> None:
    for flight in list(_all):
        flight.forget()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_in_child)

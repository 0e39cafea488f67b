"""Those of this process who wait for an answer that one of them is making."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Literal

from leanloop.plugins.cache.store import Found

__all__ = ["Told", "Waiters", "Waiting"]

Told = Found | Literal["next", "alone"]
"""The answer; or that it is this one's turn to make it; or that nobody is to wait."""

Waiting = Future[Told]


class Waiters:
    """By key, in the order in which they came; threads and event loops alike."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew. In a forked child those who wait are the parent's."""
        self._lock = threading.RLock()  # a garbage collection in here may end a call that was abandoned
        self._flights: dict[str, deque[Waiting]] = {}

    def __len__(self) -> int:
        with self._lock:
            return sum(map(len, self._flights.values()))

    def enter(self, key: str) -> Waiting | None:
        """None: nobody of this process makes it yet, so this one does."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is None:
                self._flights[key] = deque()
                return None
            waiting: Waiting = Future()
            flight.append(waiting)
            return waiting

    def told(self, key: str, waiting: Waiting) -> Told:
        """What one who waited was told; who was told nothing goes alone, and is told nothing any more."""
        with self._lock:
            if waiting.done():
                return waiting.result()
            with contextlib.suppress(KeyError, ValueError):
                self._flights[key].remove(waiting)
            return "alone"

    def tell_all(self, key: str, told: Told) -> None:
        """Nobody makes it any more."""
        with self._lock:
            for waiting in self._flights.pop(key, ()):
                waiting.set_result(told)

    def next(self, key: str) -> None:
        """It is the turn of the next one who still waits."""
        with self._lock:
            flight = self._flights.get(key)
            if flight:
                flight.popleft().set_result("next")
            else:
                self._flights.pop(key, None)

    @contextmanager
    def giving_way(self, key: str, waiting: Waiting) -> Generator[None, None, None]:
        """One who is stopped while waiting, and was just told that it is his turn, passes it on."""
        try:
            yield
        except TimeoutError:
            raise
        except BaseException:
            if self.told(key, waiting) == "next":
                self.next(key)
            raise

    @contextmanager
    def passing_on(self, key: str) -> Generator[None, None, None]:
        """One who is stopped before he leads lets the next one try."""
        try:
            yield
        except BaseException:
            self.next(key)
            raise

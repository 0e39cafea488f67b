"""Which models are passed over for a while, because their latest calls failed or took too long.

A circuit breaker for each model, shared by all agents of the process (M. Nygard, Release It!, 2007): after a failure
no call goes there for a while, then one is let through to see, and the others follow once that has been answered.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from leanloop.budgets.at_fork import renew_in_child

__all__ = ["FIRST", "LONGEST", "Health"]

Key = TypeVar("Key")

FIRST: Final = 5.0
"""Seconds for which a model is passed over after its first failure; each further one in a row doubles them."""

LONGEST: Final = 300.0
"""Seconds for which one is passed over at most, whatever its Retry-After says."""

_LATEST: Final = 5
_SLOW: Final = 3
"""So many of the latest calls must have taken too long."""

_MODELS: Final = 1_024


@dataclass(slots=True)
class _Breaker:
    """Of one model; closed while `wait` is 0."""

    wait: float = 0.0
    until: float = 0.0
    tried: bool = False
    slow: deque[bool] = field(default_factory=lambda: deque[bool](maxlen=_LATEST))

    def open(self, now: float, at_least: float) -> None:
        if self.wait and not self.tried:
            return  # a call that was under way when it opened
        self.wait = min(LONGEST, self.wait * 2 or FIRST)
        self.until = now + min(LONGEST, max(self.wait, at_least))
        self.tried = False
        self.slow.clear()

    def lets(self, now: float) -> bool:
        if not self.wait:
            return True
        if now < self.until:
            return False
        # The one that is let through; where nothing is heard of it, another is after as long again.
        self.until, self.tried = now + self.wait, True
        return True

    def close(self) -> None:
        self.wait, self.tried = 0.0, False


class Health:
    """What is known of the models of this process; thread-safe, and every step takes the same time.

    Args:
        clock: seconds, from any start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: dict[str, _Breaker] = {}
        self._slow: dict[tuple[str, float], _Breaker] = {}
        self._lock = threading.Lock()
        renew_in_child(self, Health._renew)

    def lets(self, model: str, slow: float | None = None) -> bool:
        """Whether a call may go to the model now; the caller then makes it, and says what came of it.

        Args:
            model: its name.
            slow: the seconds after which a call of it counts as slow, where slow models are passed over.
        """
        with self._lock:
            breakers = [self._failing.get(model)]
            if slow is not None:
                breakers.append(self._slow.get((model, slow)))
            now = self._clock()
            return all(one.lets(now) for one in breakers if one is not None)

    def failed(self, model: str, retry_after: float = 0.0) -> None:
        """A call of it failed; `retry_after` are the seconds its provider asks for."""
        with self._lock:
            _of(self._failing, model).open(self._clock(), retry_after)

    def answered(self, model: str, seconds: float, slow: float | None = None) -> None:
        """A call of it was answered after so many seconds."""
        with self._lock:
            failing = self._failing.get(model)
            if failing is not None:
                failing.close()
            if slow is None:
                return
            breaker = _of(self._slow, (model, slow))
            if seconds <= slow:
                breaker.close()
            breaker.slow.append(seconds > slow)
            if breaker.slow[-1] and (breaker.wait or breaker.slow.count(True) >= _SLOW):
                breaker.open(self._clock(), 0.0)

    def _renew(self) -> None:
        self._lock = threading.Lock()


def _of(breakers: dict[Key, _Breaker], key: Key) -> _Breaker:
    breaker = breakers.get(key)
    if breaker is None:
        if len(breakers) >= _MODELS:
            breakers.clear()
        breaker = breakers[key] = _Breaker()
    return breaker

"""The cycles of one task, and which of them are not paid for yet."""

from __future__ import annotations

import threading

__all__ = ["Cycles"]


class Cycles:
    """Counts cycles as they begin; the next reservation pays for them. Safe under threads.

    Attributes:
        begun: how many, of which some may have been refused.
    """

    def __init__(self) -> None:
        self.begun = 0
        self._unpaid = 0
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned

    def begin(self) -> None:
        """Count one."""
        with self._lock:
            self.begun += 1
            self._unpaid += 1

    def take(self) -> int:
        """Cycles begun and not paid for yet: one for the first attempt of a call, none for the next."""
        with self._lock:
            taken, self._unpaid = self._unpaid, 0
            return taken

    def give_back(self, cycles: int) -> None:
        """Cycles whose reservation was refused."""
        with self._lock:
            self._unpaid += cycles

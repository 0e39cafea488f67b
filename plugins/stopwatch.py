"""How long a task has run."""

from __future__ import annotations

import time

__all__ = ["Stopwatch"]


class Stopwatch:
    """Runs from the start; the time a task waits for a person (an interrupt) is left out."""

    def __init__(self) -> None:
        self._ran = 0.0
        self._resumed: float | None = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return self._ran + (time.monotonic() - self._resumed if self._resumed is not None else 0.0)

    def pause(self) -> None:
        """Stop it until the next call."""
        if self._resumed is not None:
            self._ran, self._resumed = self.seconds, None

    def resume(self) -> None:
        """Let it run on."""
        if self._resumed is None:
            self._resumed = time.monotonic()

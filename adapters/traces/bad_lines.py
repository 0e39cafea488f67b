"""Lines of trace files that are no runs: how many, and what is wrong with the first few."""

from __future__ import annotations

from dataclasses import dataclass, field

from leanloop.errors import TraceError

__all__ = ["BadLines"]

_NAMED = 5


@dataclass(slots=True)
class BadLines:
    """Counts them.

    Attributes:
        first: what the first few are.
    """

    count: int = 0
    first: list[str] = field(default_factory=list[str])

    def add(self, error: TraceError) -> None:
        """Count one."""
        self.count += 1
        if len(self.first) < _NAMED:
            self.first.append(str(error))

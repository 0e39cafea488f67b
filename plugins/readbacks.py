"""How often what was cleared is read back, by agent: each time is one more call, which clearing has to earn."""

from __future__ import annotations

import threading
from collections import OrderedDict

__all__ = ["Readbacks"]

_PRIOR_READ, _PRIOR_CLEARED = 5.0, 50.0
"""One in ten, until there is something to go by."""

_MOST = 1_000
"""Results cleared after which all counts are halved, so that an agent's old habits fade."""

_AGENTS = 256


class Readbacks:
    """Counts of the agents of this process, the latest used of them; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def cleared(self, agent: str, results: int) -> None:
        """So many results of the agent's were cleared."""
        self._add(agent, 0, results)

    def read(self, agent: str) -> None:
        """The agent read one of them back."""
        self._add(agent, 1, 0)

    def share(self, agent: str) -> float:
        """The share of cleared results that the agent will read back, as far as known."""
        read, cleared = self._counts.get(agent, (0.0, 0.0))
        return min(1.0, (read + _PRIOR_READ) / (cleared + _PRIOR_CLEARED))

    def _add(self, agent: str, read: int, cleared: int) -> None:
        with self._lock:
            old = self._counts.pop(agent, (0.0, 0.0))
            new = old[0] + read, old[1] + cleared
            self._counts[agent] = (new[0] / 2, new[1] / 2) if new[1] > _MOST else new
            if len(self._counts) > _AGENTS:
                self._counts.popitem(last=False)

"""How likely an agent is to need a tool result again, from what it took out of its results so far.

An agent that writes an id or a path which stands in one older result only, has just used that result. This can be seen
in every step of every task, long before anything is cleared.

The chance of a use falls with the calls since the result came or was last used, about as one over their number, and is
another one once a result was used: Anderson and Schooler, Reflections of the Environment in Memory (Psychological
Science 2(6), 1991). So calls are counted by these two, those since then in classes that double. A class with few
observations leans on the one before: half of its chance, with the weight of a single use.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from math import exp, log1p
from typing import Final, NamedTuple

__all__ = ["Needs", "Seen"]

_CLASSES: Final = 8
"""1 call since then, 2, to 4, to 8, ... over 64."""

_MOST: Final = 20_000
"""Observations after which all counts are halved: an agent changes, and its old habits fade."""

_AGENTS: Final = 256


class Seen(NamedTuple):
    """A model call, as seen from one result that stood before it.

    Attributes:
        idle: calls since the result came or was last used, this one among them; from 1.
        before: whether it was used before.
        used: whether it was used now.
    """

    idle: int
    before: bool
    used: bool


class _Counts:
    __slots__ = ("seen", "used")

    def __init__(self) -> None:
        self.seen = [[0.0] * _CLASSES, [0.0] * _CLASSES]
        self.used = [[0.0] * _CLASSES, [0.0] * _CLASSES]

    def add(self, one: Seen) -> None:
        self.seen[one.before][_class(one.idle)] += 1
        self.used[one.before][_class(one.idle)] += one.used

    def fade(self) -> None:
        for counts in (*self.seen, *self.used):
            counts[:] = [count / 2 for count in counts]

    def chances(self, *, before: bool) -> list[float]:
        """Of a use in one call, by class."""
        found: list[float] = []
        prior = 0.5
        for seen, used in zip(self.seen[before], self.used[before], strict=True):
            found.append((used + 1) / (seen + 1 / prior))
            prior = found[-1] / 2
        return found


class Needs:
    """The habits of the agents of this process, the latest used of them; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._agents: OrderedDict[str, _Counts] = OrderedDict()

    def note(self, agent: str, seen: Iterable[Seen]) -> None:
        """Learn from a model call of the agent's."""
        with self._lock:
            counts = self._of(agent)
            for one in seen:
                counts.add(one)
            if sum(counts.seen[False]) + sum(counts.seen[True]) > _MOST:
                counts.fade()

    def chances(self, agent: str) -> tuple[list[float], list[float]]:
        """Of a use in one call, by class: of results not used yet, and of those that were."""
        with self._lock:
            counts = self._of(agent)
            return counts.chances(before=False), counts.chances(before=True)

    def _of(self, agent: str) -> _Counts:
        counts = self._agents.get(agent)
        if counts is None:
            counts = self._agents[agent] = _Counts()
            if len(self._agents) > _AGENTS:
                self._agents.popitem(last=False)
        self._agents.move_to_end(agent)
        return counts


def needed(chances: list[float], idle: int, later: float) -> float:
    """The chance that a result is used in one of the `later` calls to come, `idle` calls after its last use."""
    missed = 0.0
    begin, end = float(idle), idle + later
    for number, chance in enumerate(chances):
        border = end if number == _CLASSES - 1 else min(end, float(2**number))
        if border > begin:
            missed += (border - begin) * log1p(-chance)
            begin = border
    return 1 - exp(missed)


def _class(idle: int) -> int:
    return min(_CLASSES - 1, (idle - 1).bit_length())

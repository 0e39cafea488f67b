"""Outcomes that are gathered before they are kept: all at once, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leanloop.plugins.outcomes.fading import grown
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Added, Count, OutcomeStore

__all__ = ["Draft"]


class Draft(MemoryOutcomes):
    """An `OutcomeStore` that reads through to another one, and writes there when it is told to.

    For one thread. What it holds grows with the kinds of calls that are added to, and not with how often.

    Args:
        base: the other store.
    """

    def __init__(self, base: OutcomeStore) -> None:
        super().__init__()
        self._base = base
        self._seen: dict[str, dict[str, Count]] = {}  # as the base had it, and what was added since
        self._sums: dict[tuple[str, str], Count] = {}
        self._new: dict[tuple[str, str, str], tuple[bytes, int]] = {}

    def add(self, added: Sequence[Added]) -> None:
        """Gather counts."""
        for key, setting, counted in added:
            of_key = self._of(key)
            of_key[setting] = grown(of_key.get(setting, Count()), counted)
            weight, score, calls, cost = self._sums.get((key, setting), Count())
            self._sums[key, setting] = Count(
                weight + counted.weight, score + counted.score, calls + counted.calls, cost + counted.cost
            )

    def counts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
        """The counts as they are going to be."""
        return [dict(self._of(key)) for key in keys]

    def families(self, agent: str, space: str) -> Mapping[str, bytes]:
        """The families of the base, and those that were gathered."""
        mine = {
            name: vector for (whose, where, name), (vector, _) in self._new.items() if (whose, where) == (agent, space)
        }
        return {**self._base.families(agent, space), **mine}

    def put_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> bool:
        """Gather a family."""
        known = self.families(agent, space)
        new = name not in known and len(known) < most
        if new:
            self._new[agent, space, name] = (vector, most)
        return new

    def commit(self) -> None:
        """Write all of it to the base.

        Raises:
            StoreError: it cannot be reached.
        """
        for (agent, space, name), (vector, most) in self._new.items():
            self._base.put_family(agent, space, name, vector, most)
        self._base.add([Added(key, setting, counted) for (key, setting), counted in self._sums.items()])
        self._new, self._sums = {}, {}

    def _of(self, key: str) -> dict[str, Count]:
        of_key = self._seen.get(key)
        if of_key is None:
            [counts] = self._base.counts([key])
            of_key = self._seen[key] = dict(counts)
        return of_key

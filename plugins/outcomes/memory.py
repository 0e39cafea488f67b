"""Outcomes in this process's memory: gone when it ends."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from leanloop.budgets.at_fork import renew_in_child
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.fading import grown
from leanloop.plugins.outcomes.store import Added, Count

__all__ = ["MemoryOutcomes"]

_NONE = Count()


class MemoryOutcomes:
    """An `OutcomeStore` behind one lock.

    Args:
        decisions: how many are kept, the newest.
        keys: of how many kinds of call counts are kept, those last added to.
    """

    durable = False

    def __init__(self, *, decisions: int = 10_000, keys: int = 10_000) -> None:
        self._most_decisions, self._most_keys = decisions, keys
        self._counts: OrderedDict[str, dict[str, Count]] = OrderedDict()  # the one added to longest ago first
        self._families: dict[tuple[str, str], dict[str, bytes]] = {}
        self._decisions: OrderedDict[str, Decision] = OrderedDict()  # oldest first
        self._of_task: dict[str, dict[str, None]] = {}  # ids, in order
        self.renew_lock()
        renew_in_child(self, MemoryOutcomes.renew_lock)

    def add(self, added: Sequence[Added]) -> None:
        """See `OutcomeStore.add`."""
        with self._lock:
            for key, setting, counted in added:
                of_key = self._counts.setdefault(key, {})
                of_key[setting] = grown(of_key.get(setting, _NONE), counted)
            for key in {one.key: None for one in added}:
                self._counts.move_to_end(key)
            while len(self._counts) > self._most_keys:
                self._counts.popitem(last=False)

    async def aadd(self, added: Sequence[Added]) -> None:
        """`add`, which waits for nothing."""
        self.add(added)

    def counts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
        """See `OutcomeStore.counts`."""
        with self._lock:
            return [dict(self._counts.get(key, ())) for key in keys]

    async def acounts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
        """`counts`, which waits for nothing."""
        return self.counts(keys)

    def families(self, agent: str, space: str) -> Mapping[str, bytes]:
        """See `OutcomeStore.families`."""
        with self._lock:
            return dict(self._families.get((agent, space), ()))

    async def afamilies(self, agent: str, space: str) -> Mapping[str, bytes]:
        """`families`, which waits for nothing."""
        return self.families(agent, space)

    def put_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> bool:
        """See `OutcomeStore.put_family`."""
        with self._lock:
            known = self._families.setdefault((agent, space), {})
            new = name not in known and len(known) < most
            if new:
                known[name] = vector
            return new

    async def aput_family(self, agent: str, space: str, name: str, vector: bytes, most: int) -> bool:
        """`put_family`, which waits for nothing."""
        return self.put_family(agent, space, name, vector, most)

    def record(self, decision: Decision) -> None:
        """See `OutcomeStore.record`."""
        with self._lock:
            before = self._decisions.get(decision.id)
            if before is not None:
                score = before.score if decision.score is None else decision.score
                kept = (score, before.task, before.within)
                if kept != (decision.score, decision.task, decision.within):
                    decision = replace(decision, score=score, task=before.task, within=before.within)
            self._decisions[decision.id] = decision
            for task in (decision.task, *decision.within):
                self._of_task.setdefault(task, {})[decision.id] = None
            while len(self._decisions) > self._most_decisions:
                self._drop(next(iter(self._decisions)))

    async def arecord(self, decision: Decision) -> None:
        """`record`, which waits for nothing."""
        self.record(decision)

    def of_task(self, task: str) -> list[Decision]:
        """See `OutcomeStore.of_task`."""
        with self._lock:
            return [self._decisions[one] for one in self._of_task.get(task, ())]

    async def aof_task(self, task: str) -> list[Decision]:
        """`of_task`, which waits for nothing."""
        return self.of_task(task)

    def score(self, task: str, score: float) -> list[Decision]:
        """See `OutcomeStore.score`."""
        with self._lock:
            scored = [replace(one, score=score) for one in self.of_task(task) if one.score is None]
            self._decisions.update((one.id, one) for one in scored)
            return scored

    async def ascore(self, task: str, score: float) -> list[Decision]:
        """`score`, which waits for nothing."""
        return self.score(task, score)

    def decisions(self, agent: str | None = None, since: float = 0.0) -> Iterator[Decision]:
        """See `OutcomeStore.decisions`."""
        with self._lock:
            kept = list(self._decisions.values())
        return (one for one in kept if one.at >= since and agent in {None, one.agent})

    def close(self) -> None:
        """Nothing is open."""

    def renew_lock(self) -> None:
        """In a forked child: a thread of the parent may have held the lock, and is not here to let it go."""
        self._lock = threading.RLock()

    def _drop(self, name: str) -> None:
        decision = self._decisions.pop(name)
        for task in (decision.task, *decision.within):
            ids = self._of_task[task]
            del ids[name]
            if not ids:
                del self._of_task[task]

"""What the caches of one agent stand on: its rules, its store, how calls are named, and what is known to be safe."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import is_

from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules
from leanloop.plugins.cache.calibration import Calibration, calibration_key
from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent, log_event
from leanloop.plugins.cache.key import Keys
from leanloop.plugins.cache.live import Live
from leanloop.plugins.cache.normalise import normalised
from leanloop.plugins.cache.single_flight import SingleFlight, flight_of
from leanloop.plugins.cache.store import CacheStore
from leanloop.plugins.cache.stores import open_cache
from leanloop.plugins.cache.verify import POLICY
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["Ground", "Grounds", "SameAnswer"]

SameAnswer = Callable[[str, str], bool]
"""Whether two answers say the same; of a hit that is checked, the one in the cache and the fresh one."""

_AGAIN = 60.0
"""Seconds after which it is looked whether there is another calibration."""


@dataclass(slots=True)
class Ground:
    """The parts of a cache, under one budget.

    Attributes:
        embedder: None where nobody gave one: then nothing is answered by meaning.
        live: what is known of its wrong hits.
    """

    agent: str
    rules: CacheRules
    store: CacheStore
    keys: Keys
    flight: SingleFlight
    live: Live
    embedder: Embedder | None
    on_event: OnCacheEvent
    same_answer: SameAnswer | None
    _calibration: Calibration | None = None
    _looked: float = -_AGAIN

    def tell(self, error: Exception) -> None:
        """The store failed: a miss, and said."""
        self.on_event(CacheEvent("store", "", str(error)))

    def calibration(self) -> Steps[Calibration | None]:
        """The threshold that was found for this agent and embedder; None where none was.

        Raises:
            StoreError: the store cannot be reached.
        """
        if self.embedder is None:
            return None
        if time.monotonic() - self._looked >= _AGAIN:
            key = calibration_key(self.agent, self.embedder.fingerprint, POLICY)
            found = yield Io(self.store.find, self.store.afind, (key,))
            self._calibration = None if found is None else Calibration.read(found.entry.reply)
            self._looked = time.monotonic()
        return self._calibration


class Grounds:
    """Makes the ground of each budget once.

    Args:
        embedder: turns questions into vectors.
        store: where answers are kept instead of where the budget says.
        on_event: told of entries that could not be used; by default a line in the log.
        same_answer: judges hits that are checked; by default see `leanloop.plugins.cache.compare`.
    """

    def __init__(
        self,
        embedder: Embedder | None = None,
        *,
        store: CacheStore | None = None,
        on_event: OnCacheEvent = log_event,
        same_answer: SameAnswer | None = None,
    ) -> None:
        self._embedder = embedder
        self._store = store
        self._on_event = on_event
        self._same_answer = same_answer
        self._latest: tuple[tuple[object, ...], Ground] | None = None

    def of(self, budget: Budget) -> Ground | None:
        """What the caches of this budget stand on; None where it names none."""
        rules = budget.cache
        if rules is None:
            return None
        parts = (rules, budget.routes, budget.thinking, budget.scaffold, budget.agent)
        latest = self._latest
        if latest is None or not (all(map(is_, latest[0][:-1], parts)) and latest[0][-1] == budget.agent):
            latest = self._latest = (parts, self._made(rules, budget))
        return latest[1]

    def _made(self, rules: CacheRules, budget: Budget) -> Ground:
        store = self._store or open_cache(rules.store or budget.store)
        mark = self._embedder.fingerprint if self._embedder else ""
        return Ground(
            agent=budget.agent,
            rules=rules,
            store=store,
            # One budget's answers may be a day old and another's an hour: each has its own.
            keys=Keys(
                scope=(*rules.scope, *_kept_apart(budget)),
                normalise=normalised,
                embedder=mark,
                policy=f"{POLICY} {rules.ttl} {rules.stale}{_makers_of(budget)}",
            ),
            flight=flight_of(store),
            live=Live(store, budget.agent, mark, POLICY),
            embedder=self._embedder,
            on_event=self._on_event,
            same_answer=self._same_answer,
        )


def _makers_of(budget: Budget) -> str:
    """What decides who makes an answer, and how: under other rules another model would have."""
    makers = (("routes", budget.routes), ("thinking", budget.thinking), ("scaffold", budget.scaffold))
    return "".join(
        f" {name} {rules.model_dump_json(exclude_defaults=True)}" for name, rules in makers if rules is not None
    )


def _kept_apart(budget: Budget) -> tuple[str, ...]:
    """The tags by which tasks go to local models alone: others are given other answers."""
    entries = budget.routes.local_only if budget.routes is not None else ()
    return tuple(dict.fromkeys(name for entry in entries for name in (entry, entry.partition("=")[0])))

"""What is learned of an agent's calls: how likely the dearer setting succeeds where the cheaper one fails."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b

from leanloop.budgets.budget import Budget
from leanloop.errors import BudgetExceeded, StoreError, TaskStopped
from leanloop.plugins.call import ModelCall
from leanloop.plugins.difficulty.asked import Questions, failures
from leanloop.plugins.difficulty.counted import added, estimate_of, has_moved, weights_of
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.families import Families
from leanloop.plugins.difficulty.features import cut, features_of
from leanloop.plugins.difficulty.judge import judged
from leanloop.plugins.difficulty.keys import chain, own_of, place_of
from leanloop.plugins.difficulty.recent import RecentCounts
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.difficulty.step import current_step
from leanloop.plugins.difficulty.words import WordVectors
from leanloop.plugins.events.decided import gated
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.counting import checked_score
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import Added, Count, OutcomeStore
from leanloop.plugins.outcomes.stores import outcomes_under
from leanloop.plugins.steps import Steps
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task
from leanloop.plugins.thinking.phase import phase_of

__all__ = ["Learning"]

_log = logging.getLogger("leanloop")

_ESTIMATES = 4_096
_SURE = 5
"""Calls from which on their mean cost is taken, before that of a more general kind."""

_UNKNOWN: Mapping[str, Count] = {}
_Asked = tuple[tuple[str, ...], Setting, Setting, float]
"""What an estimate depends on beside what was counted: the kinds, both settings, the odds that the features give."""


class Learning:
    """Estimates calls, and learns from what came of them. One per LeanLoop; threads and event loops may share it.

    Args:
        supplied: what the user brings: an own judge of difficulty, an outcome store, an embedder.
    """

    def __init__(self, supplied: Supplied | None = None) -> None:
        self._supplied = supplied or Supplied()
        self._embedder = self._supplied.embedder or WordVectors()
        self._kept: dict[int, tuple[RecentCounts, Families]] = {}
        self._estimates: dict[_Asked, tuple[tuple[float, ...], Estimate]] = {}
        self._questions = Questions()
        self._said: set[str] = set()

    def estimate(self, call: ModelCall, task: Task, cheap: Setting, dear: Setting) -> Steps[Estimate]:
        """The chance that `dear` succeeds on this call where `cheap` fails.

        A judge of the user's own has the last word. Where outcomes cannot be read, the chance is the prior's, and that
        is said once.
        """
        keys, odds = yield from self._kinds(call, task)
        judge = self._supplied.difficulty
        if judge is not None:
            chance = judged(judge, call)
            if not isinstance(chance, str):
                return Estimate(chance, chance, chance, 0.0, keys)
            self._say(task, chance)
        try:
            counts: list[Mapping[str, Count]] = yield from self._store(task.budget)[0].of(keys)
        except StoreError as error:
            self._say(task, f"Outcomes could not be read, so calls are judged by the prior alone: {error}")
            counts = [_UNKNOWN] * len(keys)
        weights = weights_of(counts, cheap, dear)
        asked = (keys, cheap, dear, odds)
        before = self._estimates.get(asked)
        if before is not None and not has_moved(before[0], weights):
            return before[1]
        found = estimate_of(counts, cheap, dear, keys, (1.0, 1.0, odds))
        if len(self._estimates) >= _ESTIMATES:
            self._estimates.clear()
        self._estimates[asked] = (weights, found)
        return found

    def keys(self, call: ModelCall, task: Task) -> Steps[tuple[str, ...]]:
        """The kinds of call that this one is of, from the most general to its own."""
        keys, _ = yield from self._kinds(call, task)
        return keys

    def decided(self, decision: Decision, task: Task) -> Steps[None]:
        """Keep a decision and its cost, so that an outcome of its task counts for it; a store that is down is noted."""
        recent, _ = self._store(task.budget)
        store, cost = recent.store, decision.cost
        if task.within:
            decision = replace(decision, within=tuple(task.within))
        if task.events:
            task.events.tell(gated(decision, task.events.of))
        try:
            if cost is not None and not decision.escalated:  # else it is the cost of two settings
                spent = [Added(key, decision.setting, Count(calls=1, cost=cost)) for key in decision.keys]
                yield Io(store.add, store.aadd, spent)
            yield Io(store.record, store.arecord, decision)
            task.made.add(decision, store)
        except StoreError as error:
            self._say(task, f"What was decided could not be kept: {error}")

    def explores(self, call: ModelCall, task: Task, estimate: Estimate) -> bool:
        """Whether this call, about which too little is known, is made the other way, to learn.

        One share of the tasks, always the same ones, by a digest of their id; never one that states a value.
        """
        share = task.budget.difficulty.explore
        if not share or any(member.value is not None for member in task.lineage):
            return False
        digest = blake2b(task.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") < share * 2**64

    def cost_of(self, keys: Sequence[str], setting: Setting, task: Task) -> Steps[float | None]:
        """The mean cost of a call of that kind with that setting, in nano-dollars; None where none is known."""
        try:
            counts = yield from self._store(task.budget)[0].of(keys)
        except StoreError as error:
            self._say(task, f"What calls have cost could not be read: {error}")
            return None
        known = [count for one in reversed(counts) if (count := one.get(str(setting))) is not None and count.calls > 0]
        best = next((count for count in known if count.calls >= _SURE), known[-1] if known else None)
        return None if best is None else best.cost / best.calls

    def observed(
        self, keys: Sequence[str], scores: Mapping[Setting, float], budget: Budget, weight: float = 1.0
    ) -> Steps[None]:
        """How settings did on one question: of several that were tried, each is compared with each.

        Args:
            keys: the question's kinds, as `keys` or an estimate gave them.
            scores: by setting, from 0 to 1.
            budget: whose store it is for.
            weight: below 1 for what was only inferred.

        Raises:
            UsageError: a score is none.
            StoreError: the store cannot be reached.
        """
        scores = {setting: checked_score(score) for setting, score in scores.items()}
        recent, _ = self._store(budget)
        store = recent.store
        known: list[Mapping[str, Count]] = yield Io(store.counts, store.acounts, keys)
        yield Io(store.add, store.aadd, added(keys, scores, known, weight))
        recent.forget(keys)

    def saw(self, keys: Sequence[str], scores: Mapping[Setting, float], task: Task, weight: float = 1.0) -> Steps[None]:
        """`observed` within a task, which goes on where the store is down."""
        try:
            yield from self.observed(keys, scores, task.budget, weight)
        except StoreError as error:
            self._say(task, f"An outcome could not be kept: {error}")

    def store_of(self, budget: Budget) -> OutcomeStore:
        """Where outcomes are kept: what the user gave, else where the budget says, else where spending is kept."""
        given = self._supplied.outcomes
        return outcomes_under(budget) if given is None else given

    def _store(self, budget: Budget) -> tuple[RecentCounts, Families]:
        store = self.store_of(budget)
        kept = self._kept.get(id(store))
        if kept is None:
            kept = self._kept[id(store)] = (RecentCounts(store), Families(self._embedder, store))
        return kept

    def _kinds(self, call: ModelCall, task: Task) -> Steps[tuple[tuple[str, ...], float]]:
        """The keys of a call, and the odds its features give."""
        text = cut(self._questions.of(task.id, call.messages))
        bucket, odds = _seen_in(text, failures(call.steps))
        step = current_step()
        families: tuple[str, ...] = ()
        if step is None and text and task.budget.difficulty.families:
            families = yield from self._families(text, task)
        place = place_of(phase_of(call), call.tools)
        return chain(task.agent, place, bucket, own_of(step, call.node, families)), odds

    def _families(self, text: str, task: Task) -> Steps[tuple[str, ...]]:
        if not self._embedder.fits(text):
            return ()
        try:
            found = yield from self._store(task.budget)[1].of(text, task)
            return found
        except TaskStopped as error:
            if task.stopped is not None or not isinstance(error, BudgetExceeded):
                raise
            self._say(task, f"The limit of {error.resource} had no room for an embedding: calls have no family.")
        except StoreError as error:
            self._say(task, f"Families of texts could not be read: {error}")
        except Exception as error:  # noqa: BLE001 whatever the embedder's client raises
            self._say(task, f"The embedder failed ({type(error).__name__}): calls have no family.")
        return ()

    def _say(self, task: Task, text: str) -> None:
        """On the receipt, and once in the log."""
        task.note(text)
        if text not in self._said and len(self._said) < _ESTIMATES:
            self._said.add(text)
            _log.warning("%s", text)


@lru_cache(maxsize=1_024)
def _seen_in(text: str, failed: int) -> tuple[str, float]:
    """A name for questions that look alike, and the odds that their features give."""
    features = features_of(text, failed)
    return features.bucket, features.odds

"""Plugin: tries one key of the budget file on a part of the tasks, until it is sure whether it pays."""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

from leanloop.budgets.at_fork import renew_in_child
from leanloop.budgets.budget import Budget
from leanloop.budgets.experiment_rules import ExperimentRules
from leanloop.errors import StoreError
from leanloop.plugins.alerts import Alert
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.flow import Io, ModelFlow, Plugin
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task
from leanloop.plugins.trial.arms import ArmName, Arms, arm_of, ended_count, experiment_key
from leanloop.plugins.trial.segments import segments_of
from leanloop.plugins.trial.verdict import judged

__all__ = ["Experiment"]


class _Tried(NamedTuple):
    """What a budget's experiment is counted under, and the budget without what it tries; found once for a budget."""

    budget: Budget
    key: str
    without: Budget


_BUDGETS = 64
_FRESH = 60.0
"""Seconds for which what is known of an experiment is not asked for again."""


class Experiment(Plugin):
    """Puts each task in an arm, and counts what it cost; its outcome is counted where somebody says it.

    In the arm ``off`` a task runs as if the key were not in the file (`Task.rules`). A task within another of the same
    experiment is in its arm, and counts as a part of it. Once it is sure which arm is better, all tasks go its way.
    While the store is down, tasks go by their hash.

    Args:
        learning: knows where outcomes are kept.
    """

    def __init__(self, learning: Learning) -> None:
        self._learning = learning
        self._tried: dict[int, _Tried] = {}  # by identity of the budget, which it holds
        self._known: dict[str, tuple[float, ArmName | None]] = {}
        self._renew_lock()
        renew_in_child(self, Experiment._renew_lock)

    def idle(self, budget: Budget) -> bool:
        """Idle where the budget names no experiment."""
        return budget.experiment is None

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Put the task in its arm before its first call; keep what it has cost after each."""
        rules = task.budget.experiment
        if rules is None:
            reply: ModelReply = yield call
            return reply
        if task.arm is None:
            yield from self._enter(task, rules)
        reply = yield call
        if task.counted_arm:
            yield from self._keep(call, task)
        return reply

    def _enter(self, task: Task, rules: ExperimentRules) -> Steps[None]:
        within = next((one for one in task.lineage[1:] if one.arm and one.budget.experiment == rules), None)
        if within is not None and within.agent == task.agent:
            self._put(task, within.arm or "on", counted=False)
            return
        key = self._of(task.budget).key
        ended = yield from self._ended(key, task, rules)
        self._put(task, ended or arm_of(rules, key, task.id, task.tags), counted=ended is None)

    def _put(self, task: Task, arm: ArmName, *, counted: bool) -> None:
        task.enter(arm, task.budget if arm == "on" else self._of(task.budget).without, counted=counted)

    def _of(self, budget: Budget) -> _Tried:
        tried = self._tried.get(id(budget))
        if tried is None:
            rules = budget.experiment
            without = budget.model_copy(update={rules.of: None}) if rules is not None else budget
            tried = _Tried(budget, experiment_key(budget), without)
            if len(self._tried) >= _BUDGETS:
                self._tried.clear()
            self._tried[id(budget)] = tried
        return tried

    def _ended(self, key: str, task: Task, rules: ExperimentRules) -> Steps[ArmName | None]:
        """Which way all tasks go, asked at most once a minute; None while the experiment runs."""
        now = time.monotonic()
        with self._lock:
            until, known = self._known.get(key, (0.0, None))
            if now < until:
                return known
            self._known[key] = now + _FRESH, known  # one asks, the others go by what was known
        try:
            ended = yield from self._asked(key, task, rules)
        except StoreError as error:
            task.note(f"The outcomes of the experiment with {rules.of} could not be read: {error}")
            return known
        with self._lock:
            self._known[key] = now + _FRESH, ended
        return ended

    def _asked(self, key: str, task: Task, rules: ExperimentRules) -> Steps[ArmName | None]:
        store = self._learning.store_of(task.budget)
        [counts] = yield Io(store.counts, store.acounts, [key])
        arms = Arms.read(counts)
        if arms.ended is not None:
            return arms.ended
        verdict = judged(arms, rules)
        if verdict.better is None:
            return None
        self._tell(key, verdict.better, verdict.why, task, rules)
        if not rules.ends:
            return None
        added = [ended_count(key, verdict.better)]
        yield Io(store.add, store.aadd, added)
        return verdict.better

    def _keep(self, call: ModelCall, task: Task) -> Steps[None]:
        models = task.receipt().models
        costs = [use.cost for use in models]
        decision = Decision(
            id=f"{task.id} experiment",
            task=task.id,
            agent=task.agent,
            at=time.time(),
            by="experiment",
            keys=(self._of(task.budget).key,),
            setting=task.arm or "on",
            other="off" if task.arm == "on" else "on",
            cost=None if None in costs else sum(filter(None, costs)),
            within=tuple(task.within),
            seconds=task.seconds,
            segments=segments_of(call, task),
        )
        store = self._learning.store_of(task.budget)
        try:
            yield Io(store.record, store.arecord, decision)
        except StoreError as error:
            task.note(f"What the task cost was not kept for the experiment: {error}")
            return
        task.made.kept_in(store)

    @staticmethod
    def _tell(key: str, better: ArmName, why: str, task: Task, rules: ExperimentRules) -> None:
        if not task.alerts.first(task.store, f"agent={task.agent}", "experiment", key, better):
            return
        goes = "with" if better == "on" else "without"
        done = f"all tasks run {goes} it from now on" if rules.ends else f"tasks {goes} it do better"
        message = f"Agent {task.agent}: the experiment with {rules.of} is decided, {done}: {why}."
        task.note(message)
        task.alerts.tell(Alert("experiment", message, task.agent, task.id), logging.WARNING)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

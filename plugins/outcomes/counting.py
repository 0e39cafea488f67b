"""From how a task or a step went to counts of the settings that were decided on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.difficulty.counted import added
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import Added, Count, OutcomeStore
from leanloop.plugins.steps import Steps
from leanloop.plugins.trial.arms import arm_counts

__all__ = ["checked_score", "infer", "say"]


def checked_score(score: object) -> float:
    """A score that somebody gave, as a number from 0 to 1.

    Raises:
        UsageError: it is none.
    """
    if isinstance(score, (bool, int, float)) and 0 <= score <= 1:  # NaN is not
        return float(score)
    raise UsageError(
        f"An outcome is True, False or a number from 0 (failed) to 1 (succeeded), and not {shown(score)}; "
        "divide what you count in by its most."
    )


def say(store: OutcomeStore, task: str, score: float) -> Steps[int]:
    """Count how a task went for what was decided in it, and in the tasks that are a part of it, and was not scored yet;
    gives how many decisions that were.

    It counts 1 for each kind of call and setting, and not for each call: ten calls of a task share one outcome, which
    tells as much as one. What had been inferred for them is taken back.
    """
    scored: list[Decision] = yield Io(store.score, store.ascore, task, score)
    for decision in scored:
        if decision.by == "experiment":
            yield Io(store.add, store.aadd, arm_counts(decision, score))
    decided = [one for one in scored if one.by != "experiment" and one.keys]
    for keys, setting in dict.fromkeys((one.keys, one.setting) for one in decided):
        yield from _count(store, keys, setting, score, 1.0)
    inferred = [
        Added(key, one.setting, Count(-one.inferred[0], -one.inferred[1]))
        for one in decided
        if one.inferred[0]
        for key in one.keys
    ]
    if inferred:
        yield Io(store.add, store.aadd, inferred)
    return len(scored)


def infer(store: OutcomeStore, decision: Decision, score: float, weight: float) -> Steps[Decision]:
    """Count what nobody said, but something points at; gives the decision, which remembers it."""
    had_weight, had_score = decision.inferred
    changed = replace(decision, inferred=(had_weight + weight, had_score + weight * score))
    yield from _count(store, decision.keys, decision.setting, score, weight)
    yield Io(store.record, store.arecord, changed)
    return changed


def _count(store: OutcomeStore, keys: tuple[str, ...], setting: str, score: float, weight: float) -> Steps[None]:
    known: list[Mapping[str, Count]] = yield Io(store.counts, store.acounts, keys)
    yield Io(store.add, store.aadd, added(keys, {Setting.read(setting): score}, known, weight))

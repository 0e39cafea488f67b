"""From how a task or a step went to counts of the settings that were decided on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from leanloop.budgets.fields import shown
from leanloop.errors import UsageError
from leanloop.plugins.flow import Io
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import Added, Count, OutcomeStore
from leanloop.plugins.steps import Steps

__all__ = ["checked_score", "counts_of", "infer", "say"]


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
    """
    scored: list[Decision] = yield Io(store.score, store.ascore, task, score)
    if scored:
        added = counts_of(scored, score)
        yield Io(store.add, store.aadd, added)
    return len(scored)


def counts_of(scored: Sequence[Decision], score: float) -> list[Added]:
    """What an outcome adds: 1 for each kind of call and setting, in place of all that had been inferred.

    Once for each, and not for each call: ten calls of a task share one outcome, which tells as much as one.
    """
    sums = dict[tuple[str, str], list[float]]()
    for decision in scored:
        for key in decision.keys:
            of_key = sums.setdefault((key, decision.setting), [1.0, score])
            for at, amount in enumerate(decision.inferred):
                of_key[at] -= amount
    return [Added(key, setting, Count(weight, scores)) for (key, setting), (weight, scores) in sums.items()]


def infer(store: OutcomeStore, decision: Decision, score: float, weight: float) -> Steps[Decision]:
    """Count what nobody said, but something points at; gives the decision, which remembers it."""
    counted = Count(weight, weight * score)
    had_weight, had_score = decision.inferred
    changed = replace(decision, inferred=(had_weight + counted.weight, had_score + counted.score))
    yield Io(store.add, store.aadd, [Added(key, decision.setting, counted) for key in decision.keys])
    yield Io(store.record, store.arecord, changed)
    return changed

"""How a task went is said on the task, or by its id, and counts for what was decided in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import leanloop
from leanloop import Budget, StoreError, Task, UsageError
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.outcomes.counting import infer
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import Count, OutcomeStore
from leanloop.plugins.steps import perform
from leanloop.plugins.supplied import Supplied

Make = Callable[..., Decision]
Say = Callable[[Task, Any], int]

KEYS = ("agent=support", "agent=support&step=plan")


def plain(task: Task, score: Any) -> int:
    return task.outcome(score)


def awaited(task: Task, score: Any) -> int:
    return asyncio.run(task.aoutcome(score))


@pytest.fixture(params=[plain, awaited])
def say(request: pytest.FixtureRequest) -> Say:
    chosen: Say = request.param
    return chosen


@pytest.fixture
def store() -> MemoryOutcomes:
    return MemoryOutcomes()


def decide(task: Task, store: OutcomeStore, made: Decision) -> None:
    """As a plugin does that decides on a call."""
    perform(Learning(Supplied(outcomes=store)).decided(made, task))


def rates(store: OutcomeStore, setting: str = "gpt-4.1-mini") -> list[tuple[float, float]]:
    """Weight and score of a setting, by key."""
    found = (counts.get(setting, Count()) for counts in store.counts(KEYS))
    return [(round(count.weight, 9), round(count.score, 9)) for count in found]


def test_an_outcome_counts_for_each_kind_of_call(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    task = Task(Budget(agent="support"))
    decide(task, store, decision("a", task.id))
    assert say(task, True) == 1
    assert rates(store) == [(1, 1), (1, 1)]
    assert store.of_task(task.id)[0].score == 1.0


def test_ten_calls_of_a_kind_share_one_outcome(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    task = Task(Budget(agent="support"))
    for number in range(10):
        decide(task, store, decision(f"d{number}", task.id))
    decide(task, store, decision("dear", task.id, setting="gpt-5@high"))
    assert say(task, 0.25) == 11
    assert rates(store) == [(1, 0.25), (1, 0.25)]
    assert rates(store, "gpt-5@high") == [(1, 0.25), (1, 0.25)]


def test_an_outcome_said_twice_counts_once_and_the_first_stays(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    task = Task(Budget(agent="support"))
    decide(task, store, decision("a", task.id))
    assert [say(task, 1), say(task, 0)] == [1, 0]
    assert rates(store) == [(1, 1), (1, 1)]


def test_what_is_decided_after_an_outcome_has_the_next_one(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    task = Task(Budget(agent="support"))
    decide(task, store, decision("a", task.id))
    say(task, 1)
    decide(task, store, decision("b", task.id))
    assert say(task, 0) == 1
    assert rates(store) == [(2, 1), (2, 1)]


def test_a_task_that_has_closed_can_still_be_scored(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    with leanloop.task(Budget(agent="support")) as task:
        decide(task, store, decision("a", task.id))
    assert say(task, 0) == 1


def test_a_parent_counts_for_its_parts_that_have_no_outcome(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    parent = Task(Budget(agent="support"))
    scored, other = (Task(Budget(agent="support"), parent=parent) for _ in range(2))
    decide(scored, store, decision("a", scored.id))
    decide(other, store, decision("b", other.id))
    assert say(scored, 0) == 1
    assert say(parent, 1) == 1
    assert [one.score for one in store.decisions()] == [0, 1]


def test_parts_kept_elsewhere_are_found(say: Say, decision: Make) -> None:
    stores = MemoryOutcomes(), MemoryOutcomes()
    parent = Task(Budget(agent="support"))
    for number, store in enumerate(stores):
        part = Task(Budget(agent="support"), parent=parent)
        decide(part, store, decision(f"d{number}", part.id))
    assert say(parent, 1) == 2


def test_what_was_inferred_is_replaced_by_what_is_said(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    task = Task(Budget(agent="support"))
    made = decision("a", task.id)
    decide(task, store, made)
    perform(infer(store, perform(infer(store, made, 0.0, 0.1)), 1.0, 0.02))
    assert rates(store) == [(0.12, 0.02), (0.12, 0.02)]
    say(task, 1)
    assert rates(store) == [(1, 1), (1, 1)]


def test_a_task_without_decisions_takes_an_outcome_that_counts_for_nothing(say: Say) -> None:
    assert say(Task(Budget(agent="support")), 1) == 0


def test_an_outcome_of_an_experiment_counts_for_its_arm(say: Say, store: MemoryOutcomes, decision: Make) -> None:
    task = Task(Budget(agent="support"))
    store.record(decision("a", task.id, by="experiment", keys=("experiment:support",), setting="on", cost=10**9))
    task.made.kept_in(store)
    assert say(task, 0.5) == 1
    [counts] = store.counts(["experiment:support"])
    assert counts["on score"].score / counts["on score"].weight == pytest.approx(0.5)


@pytest.mark.parametrize("score", [float("nan"), 2, -0.1, "good", None, [1], 1 + 2j], ids=repr)
def test_what_is_no_score_is_refused_with_what_is(say: Say, score: Any) -> None:
    with pytest.raises(UsageError, match=r"from 0 \(failed\) to 1"):
        say(Task(Budget(agent="support")), score)


def test_a_store_that_is_down_is_told(say: Say, tmp_path: Path) -> None:
    task = Task(Budget(agent="support"))
    task.made.kept_in(SqliteOutcomes(tmp_path / "no" / "o.db"))
    with pytest.raises(StoreError):
        say(task, 1)


# --- by its id


@pytest.fixture
def ended(tmp_path: Path, decision: Make) -> str:
    """The address of a store that knows the task t1, of another process."""
    with closing(SqliteOutcomes(tmp_path / "o.db")) as store:
        store.record(decision())
    return f"sqlite:///{tmp_path / 'o.db'}"


def test_a_task_that_ended_elsewhere_is_scored_by_its_id(ended: str, tmp_path: Path) -> None:
    file = tmp_path / "support.yaml"
    file.write_text(f"agent: support\nstore: {ended}\n", encoding="utf-8")
    assert leanloop.outcome("t1", True, budget=file) == 1
    assert leanloop.outcome("t1", False, budget=str(file)) == 0
    assert leanloop.outcome("t1", False, budget=leanloop.load_budget(file)) == 0
    assert leanloop.outcome("t1", False, store=ended) == 0
    with closing(SqliteOutcomes(tmp_path / "o.db")) as store:
        assert leanloop.outcome("t1", 0.5, store=store) == 0
        assert rates(store) == [(1, 1), (1, 1)]


def test_it_is_scored_awaited(ended: str) -> None:
    assert asyncio.run(leanloop.aoutcome("t1", 1, store=ended)) == 1
    with pytest.raises(UsageError, match="t2"):
        asyncio.run(leanloop.aoutcome("t2", 1, store=ended))


def test_outcomes_may_be_kept_apart_from_spending(ended: str) -> None:
    budget = leanloop.parse_budget(f"agent: support\ndifficulty: {{store: '{ended}'}}\n")
    assert leanloop.outcome("t1", 1, budget=budget) == 1
    task = Task(budget, task_id="t1")
    assert task.outcome(1) == 0


def test_an_unknown_task_is_an_error_that_says_what_to_do(ended: str) -> None:
    with pytest.raises(UsageError, match=r"'t2'.*receipt\.task"):
        leanloop.outcome("t2", 1, store=ended)


def test_one_place_is_to_be_named(ended: str) -> None:
    with pytest.raises(UsageError, match="one of budget=FILE and store=ADDRESS"):
        leanloop.outcome("t1", 1)
    with pytest.raises(UsageError, match="one of"):
        leanloop.outcome("t1", 1, store=ended, budget=Budget(agent="support"))
    with pytest.raises(UsageError, match="number from 0"):
        leanloop.outcome("t1", 7, store=ended)

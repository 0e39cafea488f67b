"""Whether cognitive tools help is measured, and they are not offered where they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop import Budget, MemoryStore, Message, ModelCall, ModelReply, StoreError, Task
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.budgets.scaffold_rules import ScaffoldRules
from leanloop.budgets.usage import Usage
from leanloop.plugins.drive_sync import run
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.scaffold.worth import ENOUGH, gain, helps
from leanloop.plugins.stack import Stack
from leanloop.plugins.supplied import Supplied

MODEL = "gpt-4o-mini"
WITH = f"{MODEL}+scaffold"


def counts(with_tools: tuple[float, float], without: tuple[float, float]) -> dict[str, Count]:
    return {WITH: Count(with_tools[1], with_tools[0]), MODEL: Count(without[1], without[0])}


def test_newcombes_bounds_are_those_of_his_paper() -> None:
    # Table II (a) of the paper, 56/70 - 48/80, at its 95 % two-sided; here at 95 % one-sided, so narrower.
    low, high = gain(Count(70, 56), Count(80, 48))
    assert 0.0524 < low < 0.2 < high < 0.3339


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0, 1), st.floats(0, 1))
def test_bounds_hold_the_difference(n: int, m: int, one: float, other: float) -> None:
    low, high = gain(Count(n, n * one), Count(m, m * other))
    assert -1 <= low <= one - other + 1e-9
    assert one - other - 1e-9 <= high <= 1


def test_it_takes_enough_outcomes_of_both_to_judge() -> None:
    few = counts((30, ENOUGH - 1), (30, 500))
    assert helps([few], WITH, MODEL) is None
    assert helps([], WITH, MODEL) is None
    assert helps([counts((90, 100), (50, 100))], WITH, MODEL) is True
    assert helps([counts((50, 100), (50, 100))], WITH, MODEL) is False


def test_the_narrowest_kind_of_which_enough_is_known_decides() -> None:
    general, narrow = counts((50, 100), (50, 100)), counts((90, 100), (50, 100))
    assert helps([general, narrow], WITH, MODEL) is True
    assert helps([general, counts((1, 1), (0, 1))], WITH, MODEL) is False


def offered(known: dict[str, Count], *, explore: float | None = None, tasks: int = 1) -> list[bool]:
    store = MemoryOutcomes()
    rules = ScaffoldRules(models=(MODEL,))
    budget = Budget(agent="a", scaffold=rules, difficulty=DifficultyRules(explore=explore))
    stack = Stack((), None, Supplied(outcomes=store))
    call = ModelCall(MODEL, (Message("user", "How many?"),), agent="agent")
    keys = _keys(stack, call, Task(budget, store=MemoryStore()))
    store.add([Added(keys[0], setting, count) for setting, count in known.items()])
    found: list[bool] = []
    for number in range(tasks):
        seen: list[ModelCall] = []
        task = Task(budget, store=MemoryStore(), task_id=f"t{number}")
        run(stack.model_flow(call, task), partial(_said, seen))
        found.append(bool(seen[0].tools))
        (decision,) = store.of_task(task.id)
        assert decision.by == "scaffold"
        assert decision.setting == (WITH if found[-1] else MODEL)
        assert decision.other == (MODEL if found[-1] else WITH)
    return found


def _said(seen: list[ModelCall], call: ModelCall) -> ModelReply:
    seen.append(call)
    return ModelReply(Message("assistant", "42"), Usage(10, 5))


def _keys(stack: Stack, call: ModelCall, task: Task) -> tuple[str, ...]:
    steps = stack.learning.keys(call, task)
    try:
        while True:
            step = next(steps)
            steps.send(step.run())
    except StopIteration as stop:
        keys: tuple[str, ...] = stop.value
        return keys


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, True),
        (counts((50, 100), (50, 100)), False),
        (counts((20, 100), (80, 100)), False),
        (counts((90, 100), (50, 100)), True),
        (counts((0, 10), (10, 10)), True),
    ],
)
def test_tools_that_do_not_help_are_not_offered(known: dict[str, Count], expected: bool) -> None:
    assert offered(known) == [expected]


def test_some_tasks_go_the_other_way_once_there_is_something_to_compare() -> None:
    assert all(offered({}, explore=0.3, tasks=40))
    assert 0 < offered(counts((20, 25), (0, 0)), explore=0.3, tasks=40).count(False) < 40
    assert 0 < offered(counts((50, 100), (50, 100)), explore=0.3, tasks=40).count(True) < 40
    assert all(offered(counts((95, 100), (50, 100)), explore=0.3, tasks=40))


def test_a_store_that_is_down_switches_nothing_off() -> None:
    class Down(MemoryOutcomes):
        def counts(self, keys: Sequence[str]) -> list[Mapping[str, Count]]:
            raise StoreError("down")

    budget = Budget(agent="a", scaffold=ScaffoldRules(models=(MODEL,)))
    seen: list[ModelCall] = []
    task = Task(budget, store=MemoryStore())
    flow = Stack((), None, Supplied(outcomes=Down())).model_flow(ModelCall(MODEL, (Message("user", "?"),)), task)
    run(flow, partial(_said, seen))
    assert seen[0].tools
    assert any("Outcomes could not be read" in note for note in task.receipt().notes)

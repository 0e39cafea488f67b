"""A store and a plain reference are given the same steps, and agree after each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.fading import MOST, grown
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.redis_outcomes import RedisOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import Added, Count, OutcomeStore

NAMES = st.sampled_from(["a", "b", "c%", "d\n"])


def a_count(weight: float, share: float, calls: int, cost: int) -> Count:
    return Count(weight, weight * share, calls, cost)


def a_decision(number: int, task: str, within: list[str], agent: str, score: float | None) -> Decision:
    parts = tuple(dict.fromkeys(within))
    return Decision(f"d{number}", task, agent, 1.0, "thinking", ("k",), "mini", within=parts, score=score)


COUNTS = st.builds(
    a_count,
    st.sampled_from([0.0, 0.25, 1.0, -0.5, 400.0, 3_000.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0, 1, 700]),
    st.sampled_from([0, 3, -3, 10**9]),
)
ADDED = st.lists(st.builds(Added, NAMES, NAMES, COUNTS), max_size=4)
MADE = st.builds(
    a_decision, st.integers(0, 8), NAMES, st.lists(NAMES, max_size=2), NAMES, st.sampled_from([None, None, 0.0, 1.0])
)
STEPS = st.lists(
    st.tuples(st.just("add"), ADDED)
    | st.tuples(st.just("record"), MADE)
    | st.tuples(st.just("score"), NAMES, st.sampled_from([0.0, 0.5, 1.0])),
    max_size=12,
)


class Reference:
    """What a store should hold, written down as plainly as can be."""

    def __init__(self) -> None:
        self.kept: defaultdict[tuple[str, str], Count] = defaultdict(Count)
        self.made: dict[str, Decision] = {}

    def add(self, added: Sequence[Added]) -> None:
        for key, setting, counted in added:
            weight, score, calls, cost = (old + new for old, new in zip(self.kept[key, setting], counted, strict=True))
            weight = max(weight, 0.0)
            while weight > 1_000:
                weight, score = weight / 2, score / 2
            while calls > 1_000:
                calls, cost = calls // 2, cost * (calls // 2) // calls
            self.kept[key, setting] = Count(weight, max(0.0, min(score, weight)), int(calls), int(cost))

    def record(self, decision: Decision) -> None:
        before = self.made.get(decision.id)
        if before is not None:
            score = before.score if decision.score is None else decision.score
            decision = replace(decision, score=score)
        self.made[decision.id] = decision

    def of_task(self, task: str) -> list[Decision]:
        return [one for one in self.made.values() if task in {one.task, *one.within}]

    def score(self, task: str, score: float) -> list[Decision]:
        scored = [replace(one, score=score) for one in self.of_task(task) if one.score is None]
        self.made.update({one.id: one for one in scored})
        return scored


def stays(reference: Reference, made: Decision) -> Decision:
    """With the task and what that is a part of as it was first: a decision changes neither."""
    before = reference.made.get(made.id)
    return made if before is None else replace(made, task=before.task, within=before.within)


Open = Callable[[], OutcomeStore]


@pytest.fixture(
    params=[
        pytest.param("memory", marks=pytest.mark.memory),
        pytest.param("sqlite", marks=pytest.mark.sqlite),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens an empty store, each time."""
    if request.param == "memory":
        return MemoryOutcomes
    if request.param == "sqlite":
        return lambda: SqliteOutcomes(tmp_path_factory.mktemp("o") / "o.db")
    server: Any = request.getfixturevalue("one_redis")
    return lambda: RedisOutcomes(server.url())


def test_a_store_and_the_reference_agree_after_every_step(fresh: Open) -> None:
    @settings(max_examples=40)
    @given(STEPS)
    def agree(steps: list[tuple[Any, ...]]) -> None:
        reference = Reference()
        with closing(fresh()) as store:
            for name, *said in steps:
                args = [stays(reference, said[0])] if name == "record" else said
                assert getattr(store, name)(*args) == getattr(reference, name)(*args)
                for task in ("a", "b", "c%", "d\n"):
                    assert store.of_task(task) == reference.of_task(task)
            assert [*store.decisions()] == [*reference.made.values()]
            for key in ("a", "b", "c%", "d\n"):
                found = {setting: count for (of, setting), count in reference.kept.items() if of == key}
                [counts] = store.counts([key])
                assert counts.keys() == found.keys()
                for setting, count in found.items():
                    assert counts[setting] == pytest.approx(count)

    agree()


@given(st.lists(COUNTS, max_size=20))
def test_a_count_stays_within_its_bounds(added: list[Count]) -> None:
    count = Count()
    for one in added:
        count = grown(count, one)
        assert 0 <= count.score <= count.weight <= MOST
        assert 0 <= count.calls <= MOST

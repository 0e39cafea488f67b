from __future__ import annotations

from pathlib import Path

import pytest

from leanloop.plugins.difficulty import recent
from leanloop.plugins.difficulty.recent import RecentCounts
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import Added, Count
from leanloop.plugins.steps import perform

ONE = Added("k", "s", Count(1, 1))


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counts(tmp_path: Path, clock: Clock) -> RecentCounts:
    return RecentCounts(SqliteOutcomes(tmp_path / "o.db"), clock)


def weight(counts: RecentCounts, key: str = "k") -> float:
    return perform(counts.of([key]))[0].get("s", Count()).weight


def test_what_another_process_learned_is_seen_within_seconds(counts: RecentCounts, clock: Clock) -> None:
    assert weight(counts) == 0
    counts.store.add([ONE])
    assert weight(counts) == 0
    clock.now += 2.5
    assert weight(counts) == 1


def test_what_was_learned_here_is_seen_at_once(counts: RecentCounts) -> None:
    assert weight(counts) == 0
    counts.store.add([ONE])
    counts.forget(["k", "unheard of"])
    assert weight(counts) == 1


def test_only_what_is_not_known_is_read(counts: RecentCounts) -> None:
    counts.store.add([ONE])
    assert weight(counts) == 1
    counts.store.add([ONE, ONE._replace(key="other")])
    assert [one["s"].weight for one in perform(counts.of(["other", "k"]))] == [1, 1]


def test_a_store_in_memory_is_read_each_time(clock: Clock) -> None:
    counts = RecentCounts(MemoryOutcomes(), clock)
    assert weight(counts) == 0
    counts.store.add([ONE])
    assert weight(counts) == 1


def test_it_does_not_grow_for_ever(counts: RecentCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_MOST", 3)
    for number in range(10):
        assert weight(counts, f"k{number}") == 0
    assert len(counts._read) <= 3  # pyright: ignore[reportPrivateUsage]

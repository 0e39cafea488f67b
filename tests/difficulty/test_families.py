from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from leanloop import Budget, Task
from leanloop.errors import StoreError
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.cache.vector import unit
from leanloop.plugins.difficulty.families import Families
from leanloop.plugins.difficulty.leaders import Leaders
from leanloop.plugins.difficulty.words import WordVectors
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.steps import aperform, perform

X, Y = np.eye(2, dtype=np.float32)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def leaders(store: MemoryOutcomes | SqliteOutcomes, most: int = 10, clock: Clock | None = None) -> Leaders:
    return Leaders(store, "test", near=0.8, most=most, clock=clock or Clock())


def test_what_is_near_joins_and_what_is_not_begins_another() -> None:
    group = leaders(MemoryOutcomes())
    first = perform(group.of(X, "a"))
    assert perform(group.of(unit([0.9, 0.43]), "a")) == first
    assert perform(group.of(Y, "a")) not in {first, None}


def test_agents_have_families_of_their_own() -> None:
    store = MemoryOutcomes()
    group = leaders(store)
    perform(group.of(X, "a"))
    perform(group.of(Y, "b"))
    assert [len(store.families(agent, "test 0.8")) for agent in ("a", "b")] == [1, 1]


def test_where_there_are_as_many_as_may_be_the_next_is_in_none() -> None:
    group = leaders(MemoryOutcomes(), most=1)
    perform(group.of(X, "a"))
    assert perform(group.of(Y, "a")) is None
    assert perform(group.of(X, "a")) is not None


def test_processes_on_one_file_find_the_same_families(tmp_path: Path) -> None:
    clock = Clock()
    one, other = (leaders(SqliteOutcomes(tmp_path / "o.db"), clock=clock) for _ in range(2))
    found = perform(one.of(X, "a"))
    assert perform(other.of(X, "a")) == found
    new = perform(one.of(Y, "a"))
    near = unit([0.43, 0.9])
    assert perform(other.of(Y, "a")) == new  # its name is taken, so it is read again
    clock.now += 10
    assert perform(other.of(near, "a")) == new


def test_a_family_of_another_width_or_cut_off_is_not_compared() -> None:
    store = MemoryOutcomes()
    store.put_family("a", "test 0.8", "broken", b"\0\0\0", 10)
    group = leaders(store)
    assert perform(group.of(X, "a")) not in {"broken", None}
    assert perform(group.of(np.eye(3, dtype=np.float32)[0], "a")) is not None


class Counting:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> Sequence[Sequence[float]]:
        self.asked += texts
        return [[1.0, 0.0] if text.startswith("x") else [0.0, 1.0] for text in texts]


def test_a_text_is_embedded_once() -> None:
    count, task = Counting(), Task(Budget(agent="a", limits=()))
    families = Families(CallableEmbedder(count, name="test"), MemoryOutcomes())
    first = perform(families.of("x one", task))
    assert perform(families.of("x one", task)) == first == perform(families.of("x two", task))
    assert count.asked == ["x one", "x two"]


def test_where_there_are_too_many_narrow_families_the_wide_one_is_left() -> None:
    store, task = MemoryOutcomes(), Task(Budget(agent="a", limits=()))
    for number in range(1_024):
        store.put_family("a", f"{WordVectors().fingerprint} 0.8", str(number), b"", 2_000)
    assert len(perform(Families(WordVectors(), store).of("one question", task))) == 1


def test_only_so_many_texts_are_remembered() -> None:
    count, task = Counting(), Task(Budget(agent="a", limits=()))
    families = Families(CallableEmbedder(count, name="test"), MemoryOutcomes())
    for number in [*range(1_025), 1_024, 0]:
        perform(families.of(f"x {number}", task))
    assert len(count.asked) == 1_026


def test_a_text_that_is_somewhat_like_a_known_one_shares_the_wide_family_alone() -> None:
    task = Task(Budget(agent="a", limits=()))
    families = Families(WordVectors(), MemoryOutcomes())
    one = perform(families.of("How many legs do 3 cows and 4 hens have together?", task))
    same = perform(families.of("How many legs do 7 cows and 2 hens have together?", task))
    like = perform(families.of("How many wheels do 3 cars and 4 bikes have together?", task))
    assert one == same
    assert like[0] == one[0]
    assert like[1] != one[1]


async def test_awaited_it_finds_the_same() -> None:
    store, task = MemoryOutcomes(), Task(Budget(agent="a", limits=()))
    found = perform(Families(WordVectors(), store).of("the same question", task))
    assert await aperform(Families(WordVectors(), store).of("the same question", task)) == found


def test_no_store_no_family(tmp_path: Path) -> None:
    (tmp_path / "o.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError):
        perform(leaders(SqliteOutcomes(tmp_path / "o.db")).of(X, "a"))

"""What every store of a cache does alike: plain and awaited, in memory, in a file, on real servers."""

# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pytest

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.store import EVERYTHING, CacheStore
from leanloop.plugins.cache.vector import Vector, unit

MB = 1_000_000
NOW = 1_800_000_000.0
TODAY = 400 * 86_400.0


class Clock(Protocol):
    now: float


class Place(Protocol):
    """tests/cache/conftest.py's."""

    clock: Clock
    events: list[CacheEvent]
    problems: list[str]

    def open(self) -> CacheStore: ...


Calls = Callable[..., Any]


def entry(key: str = "k", **changes: Any) -> Entry:
    fields: dict[str, Any] = {"reply": f"answer to {key}", "made_at": NOW, "ttl": 3_600.0}
    return Entry(key, **{**fields, **changes})


def vector(*numbers: float) -> Vector:
    return unit(numbers)


def test_what_was_put_is_found_by_every_process(place: Place, do: Calls) -> None:
    one, other = place.open(), place.open()
    kept = entry(normal="n", context="c", text="hi \ud800", tags=("a", "\ud800"), worth=7, label="gpt")
    assert do(one, "put", kept, max_bytes=MB)
    assert do(other, "find", ["k"]).entry == kept
    assert do(other, "find", ["k"]).fresh
    assert do(one, "find", iter(["x", "n"])).entry == kept
    assert do(one, "find", ["n"]) is None
    assert do(one, "find", ["x", "k"]) is None
    stats = one.stats()
    assert (stats.entries, stats.puts, stats.misses, stats.hits) == (1, 1, 2, {"exact": 2, "normal": 1})


def test_another_entry_takes_the_place_of_one_with_its_key(place: Place, do: Calls) -> None:
    store = place.open()
    do(store, "put", entry(reply="old", normal="m", context="c", vector=vector(1, 0)), max_bytes=MB)
    do(store, "put", entry(reply="new", normal="n", context="d", vector=vector(0, 1)), max_bytes=MB)
    assert do(store, "find", ["k"]).entry.reply == "new"
    assert do(store, "find", ["", "m"]) is None
    assert do(store, "nearest", "c", vector(1, 0), at_least=0.0) == []
    assert (store.stats().entries, store.stats().vectors) == (1, 1)


def test_an_entry_is_fresh_then_stale_then_gone(place: Place, do: Calls) -> None:
    store = place.open()
    do(store, "put", entry(ttl=10.0, stale=5.0, normal="n", context="c", vector=vector(1, 0)), max_bytes=MB)
    place.clock.now += 9.9
    assert do(store, "find", ["k"]).fresh
    place.clock.now += 0.2
    assert not do(store, "find", ["k"]).fresh
    assert not do(store, "nearest", "c", vector(1, 0), at_least=0.9)[0].fresh
    place.clock.now += 5
    assert do(store, "find", ["k", "n"]) is None
    assert do(store, "nearest", "c", vector(1, 0), at_least=0.9) == []
    assert not do(store, "put", entry(made_at=NOW - TODAY, ttl=10.0), max_bytes=MB)


def test_what_is_nearest_is_found_in_its_context_alone(place: Place, do: Calls) -> None:
    one, other = place.open(), place.open()
    assert do(other, "nearest", "c", vector(1, 0, 0), at_least=-1.0) == []
    for number, angle in enumerate((0.0, 0.1, 0.2, 0.3)):
        made = entry(f"c{number}", context="c", text="q", vector=vector(np.cos(angle), np.sin(angle), 0))
        do(one, "put", made, max_bytes=MB)
    do(one, "put", entry("d", context="d", vector=vector(1, 0, 0)), max_bytes=MB)
    do(one, "put", entry("without", context="c"), max_bytes=MB)
    near = do(other, "nearest", "c", vector(1, 0.01, 0), at_least=0.9, count=3)
    assert [found.entry.key for found in near] == ["c0", "c1", "c2"]
    assert [found.score for found in near] == pytest.approx([np.cos(0.01), np.cos(0.09), np.cos(0.19)], abs=1e-3)
    assert do(other, "nearest", "c", vector(-1, 0, 0), at_least=0.5) == []
    assert do(other, "nearest", "e", vector(1, 0, 0), at_least=-1.0) == []
    assert other.stats().hits == {"near": 3}


def test_what_was_forgotten_is_nowhere_any_more(place: Place, do: Calls) -> None:
    one, other = place.open(), place.open()
    for number in range(6):
        tags = ("even",) if number % 2 == 0 else ("odd", "\ud800")
        turned = vector(1, number / 100)
        made = entry(f"k{number}", normal=f"n{number}", context="c", vector=turned, tags=tags)
        do(one, "put", made, max_bytes=MB)
    assert len(do(other, "nearest", "c", vector(1, 0), at_least=0.0, count=6)) == 6
    do(one, "forget", tag="even")
    do(one, "forget", key="k1")
    assert do(other, "find", ["k0", "n0"]) is None
    assert do(other, "find", ["k1", "n1"]) is None
    assert {near.entry.key for near in do(other, "nearest", "c", vector(1, 0), at_least=0.0, count=6)} == {"k3", "k5"}
    assert {kept.key for kept in other.scan()} == {"k3", "k5"}
    do(other, "put", entry("k0", tags=("even",)), max_bytes=MB)
    assert do(one, "find", ["k0"])
    do(other, "forget", tag="\ud800")
    assert do(one, "find", ["k3"]) is None
    do(other, "forget", tag=EVERYTHING)
    assert list(one.scan()) == []
    assert do(one, "find", ["k0"]) is None


def test_an_answer_begun_before_its_tag_was_forgotten_is_not_kept(place: Place, do: Calls) -> None:
    store = place.open()
    before = do(store, "claim", ["k"], "me", 10.0)
    do(store, "forget", tag="weather")
    assert not do(store, "put", entry(tags=("weather",)), max_bytes=MB, generation=before.generation)
    assert do(store, "put", entry("other"), max_bytes=MB, generation=before.generation)
    after = do(store, "claim", ["k2"], "me", 10.0)
    assert do(store, "put", entry(tags=("weather",)), max_bytes=MB, generation=after.generation)
    assert do(store, "find", ["k"])


def test_what_saves_least_for_its_size_makes_room(place: Place, do: Calls) -> None:
    store = place.open()
    do(
        store,
        "put",
        entry("dear", reply="x" * 1_000, worth=100, normal="n", context="c", vector=vector(1, 0)),
        max_bytes=9_000,
    )
    do(store, "put", entry("used", reply="x" * 1_000, worth=3, context="c", vector=vector(0, 1)), max_bytes=9_000)
    for _ in range(9):
        assert do(store, "find", ["used"])
    for number in range(20):
        assert do(
            store, "put", entry(f"k{number}", reply="x" * 1_000, context="c", vector=vector(1, 1)), max_bytes=9_000
        )
    assert do(store, "find", ["dear"])
    assert do(store, "find", ["used"])
    assert do(store, "find", ["k0"]) is None
    assert do(store, "find", ["k19"])
    stats = store.stats()
    assert stats.bytes <= 9_000
    assert stats.vectors == stats.entries == len(list(store.scan())) == stats.puts - stats.evicted
    assert not do(store, "put", entry("large", reply="x" * 9_000), max_bytes=9_000)
    assert place.problems == ["too_large"]


def test_one_at_a_time_may_make_an_answer(place: Place, do: Calls) -> None:
    one, other = place.open(), place.open()
    assert do(one, "claim", ["k", "n"], "me", 30.0).granted
    assert do(one, "claim", ["k"], "me", 30.0).granted  # asked again after a dropped connection
    asked = do(other, "claim", ["k"], "you", 30.0)
    assert (asked.granted, asked.alone, asked.found) == (False, False, None)
    do(other, "release", "k", "you")
    one.renew(["k"], "me", 30.0)
    assert not do(other, "claim", ["k"], "you", 30.0).granted
    do(one, "put", entry(normal="n"), max_bytes=MB)
    assert do(other, "claim", ["k"], "you", 30.0).found.entry.key == "k"
    do(one, "release", "k", "me")
    do(one, "forget", key="k")
    assert do(other, "claim", ["k"], "you", 30.0).granted
    do(other, "release", "k", "you", alone=30.0)
    asked = do(one, "claim", ["k"], "me", 30.0)
    assert asked.alone
    assert not asked.granted


def test_a_stale_answer_may_be_made_anew_by_one(place: Place, do: Calls) -> None:
    store = place.open()
    do(store, "put", entry(ttl=10.0, stale=50.0), max_bytes=MB)
    place.clock.now += 20
    assert do(store, "claim", ["k"], "me", 30.0).granted
    assert not do(store, "claim", ["k"], "you", 30.0).granted


def test_vectors_that_cannot_be_compared_are_left_out_and_told(place: Place, do: Calls) -> None:
    store, other = place.open(), place.open()
    do(store, "put", entry("good", context="c", vector=vector(1, 0)), max_bytes=MB)
    assert do(store, "put", entry("nan", context="c", vector=np.array([np.nan, 1], np.float32)), max_bytes=MB)
    assert do(store, "put", entry("longer", context="c", vector=vector(1, 0, 0)), max_bytes=MB)
    assert do(store, "find", ["nan"])
    assert [near.entry.key for near in do(other, "nearest", "c", vector(1, 0), at_least=-1.0, count=9)] == ["good"]
    assert do(other, "find", ["longer"])
    assert set(place.problems) == {"not_finite", "dimension"}
    place.events.clear()
    assert do(other, "nearest", "c", vector(1, 0, 0), at_least=-1.0) == []
    assert place.problems == ["dimension"]


def test_all_entries_are_told_with_their_vectors(place: Place, do: Calls) -> None:
    store = place.open()
    for number in range(3):
        do(store, "put", entry(f"k{number}", context="c", vector=vector(number, 1)), max_bytes=MB)
    do(store, "put", entry("plain"), max_bytes=MB)
    found = {kept.key: kept.vector for kept in store.scan()}
    assert set(found) == {"k0", "k1", "k2", "plain"}
    assert found["plain"] is None
    for number in range(3):
        assert found[f"k{number}"] == pytest.approx(vector(number, 1), abs=1e-3)


def test_a_prompt_of_a_megabyte_is_an_entry_like_any_other(place: Place, do: Calls) -> None:
    store = place.open()
    large = entry(text="é" * 500_000, reply="{}")
    assert do(store, "put", large, max_bytes=100 * MB)
    assert do(store, "find", ["k"]).entry == large


def test_forty_forgotten_neighbours_do_not_hide_the_one_that_is_left(place: Place, do: Calls) -> None:
    store = place.open()
    for number in range(40):
        do(
            store,
            "put",
            entry(f"k{number}", context="c", vector=vector(1, number / 1_000), tags=("gone",)),
            max_bytes=MB,
        )
    do(store, "put", entry("left", context="c", vector=vector(1, 1)), max_bytes=MB)
    do(store, "forget", tag="gone")
    assert [near.entry.key for near in do(store, "nearest", "c", vector(1, 0), at_least=0.5)] == ["left"]

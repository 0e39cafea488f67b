"""A cache in one file: whole or nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leanloop.errors import StoreError
from leanloop.plugins.cache.cache_file import read_entries, write_entries
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.vector import unit

MB = 1_000_000
NOW = 1_800_000_000.0


def cache(events: list[CacheEvent] | None = None, *, now: float = NOW) -> MemoryCache:
    return MemoryCache((events if events is not None else []).append, clock=lambda: now)


def filled() -> MemoryCache:
    made = cache()
    for number in range(5):
        vector = unit([1.0, number]) if number else None
        entry = Entry(f"k{number}", "{}", NOW, 10.0 + number, 0.0, f"n{number}", "c", "é\ud800", ("t",), vector=vector)
        made.put(entry, max_bytes=MB)
    return made


def test_a_cache_is_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    one, other = filled(), cache()
    assert one.save(path) == 5
    assert other.load(path, max_bytes=MB) == 5
    assert sorted(one.scan(), key=str) == sorted(other.scan(), key=str)
    assert other.nearest("c", unit([1, 4]), at_least=0.99)[0].entry.key == "k4"
    later = cache(now=NOW + 12)
    assert later.load(path, max_bytes=MB) == 2
    assert cache().save(path) == 0
    assert cache().load(path, max_bytes=MB) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["cache"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(st.data())
def test_a_file_that_was_cut_off_or_changed_holds_nothing(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "cache"
    filled().save(path)
    whole = path.read_bytes()
    place = data.draw(st.integers(len(b"leanloop cache 1\n"), len(whole) - 1))
    changed = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    for damaged in (whole[:place], changed, whole + b"x"):
        path.write_bytes(damaged)
        events: list[CacheEvent] = []
        assert cache(events).load(path, max_bytes=MB) == 0
        assert [event.problem for event in events] == ["damaged"]


@pytest.mark.parametrize("cut", [0, 5, 16])
def test_a_file_that_ends_in_its_name_is_damaged(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cache"
    path.write_bytes(b"leanloop cache 1\n"[:cut])
    events: list[CacheEvent] = []
    assert list(read_entries(path, events.append)) == []
    assert [event.problem for event in events] == ["damaged"]


def test_a_file_of_a_newer_version_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    path.write_bytes(b"leanloop cache 2\nwhatever")
    events: list[CacheEvent] = []
    assert list(read_entries(path, events.append)) == []
    assert [event.problem for event in events] == ["newer"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes, and no cache.")
    with pytest.raises(StoreError, match="holds no cache; name one that leanloop cache export has written"):
        list(read_entries(path))
    with pytest.raises(StoreError, match=r"cannot be read from .*missing"):
        list(read_entries(tmp_path / "missing"))
    with pytest.raises(StoreError, match=r"cannot be written to .*nowhere"):
        write_entries(tmp_path / "nowhere" / "cache", [])


def test_what_fails_on_the_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    filled().save(path)
    before = path.read_bytes()

    def failing() -> object:
        yield Entry("k", "{}", NOW, 1.0)
        raise KeyError

    with pytest.raises(KeyError):
        write_entries(path, failing())  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["cache"]


def test_a_vector_that_cannot_be_compared_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Entry("k", "{}", NOW, 1.0, context="c", vector=np.array([np.nan], np.float32))
    with caplog.at_level(logging.WARNING, logger="leanloop"):
        assert write_entries(tmp_path / "cache", [broken]) == 1
    assert "(not_finite, entry k)" in caplog.text
    assert [entry.vector for entry in read_entries(tmp_path / "cache")] == [None]

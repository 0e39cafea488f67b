"""An entry as bytes: what is not whole, or not about what was asked, is not there."""

# pyright: reportUnknownMemberType=false
from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cache.entry import BadEntryError, Entry, decoded, encoded
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.reading import read_entry
from leanloop.plugins.cache.vector import packed_vector, unit

ENTRY = Entry("k", '{"text": "hi"}', 1_000.0, 60.0, 10.0, "n", "c", "question", ("t",), 5, "gpt")

TEXTS = st.text(st.characters(), max_size=10)


def written(**changes: object) -> bytes:
    fields = {**json.loads(encoded(ENTRY)[16:]), **changes}
    body = json.dumps(fields).encode()
    return blake2b(body, digest_size=8).hexdigest().encode() + body


@given(TEXTS, st.none() | TEXTS, st.lists(TEXTS).map(tuple), st.floats(0, 1e12), st.integers(1, 2**53))
def test_what_was_written_is_read(
    key: str, text: str | None, tags: tuple[str, ...], made_at: float, worth: int
) -> None:
    entry = Entry(key, key, made_at, 5.0, 0.0, text, text, text, tags, worth, key)
    assert decoded(encoded(entry)) == entry


@given(st.data())
def test_no_damage_goes_unnoticed(data: st.DataObject) -> None:
    whole = encoded(ENTRY)
    place = data.draw(st.integers(0, len(whole) - 1))
    cut = whole[:place]
    flipped = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    for damaged in (cut, flipped, whole + b" "):
        with pytest.raises(BadEntryError) as refusal:
            decoded(damaged)
        assert not refusal.value.newer


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_none(data: bytes) -> None:
    body = blake2b(data, digest_size=8).hexdigest().encode() + data
    for poisoned in (data, body):
        with pytest.raises(BadEntryError):
            decoded(poisoned)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": None},
        {"reply": {"text": "hi"}},
        {"reply": None},
        {"made_at": "now"},
        {"made_at": float("nan")},
        {"made_at": -1},
        {"ttl": float("inf")},
        {"stale": -5},
        {"tags": "t"},
        {"tags": {"t": 1}},
        {"worth": 1.5},
        {"label": None},
        {"text": 5},
        {"v": "1"},
        {"v": 0},
    ],
)
def test_a_poisoned_entry_is_damaged(changes: dict[str, object]) -> None:
    assert decoded(written()) == ENTRY
    with pytest.raises(BadEntryError) as refusal:
        decoded(written(**changes))
    assert not refusal.value.newer


def test_json_that_is_nested_too_deep_is_damaged() -> None:
    body = b"[" * 200_000
    with pytest.raises(BadEntryError):
        decoded(blake2b(body, digest_size=8).hexdigest().encode() + body)


@pytest.mark.parametrize(
    ("data", "asked", "problem"),
    [
        (written(), {"key": "other"}, "foreign"),
        (written(), {"normal": "other"}, "foreign"),
        (written(), {"context": "other"}, "foreign"),
        (written(v=2), {"key": "k"}, "newer"),
        (b"", {"key": "k"}, "damaged"),
    ],
)
def test_what_cannot_be_used_is_told_and_not_there(data: bytes, asked: dict[str, Any], problem: str) -> None:
    events: list[CacheEvent] = []
    assert read_entry(data, events.append, **asked) is None
    assert [event.problem for event in events] == [problem]
    assert "question" not in str(events)


def test_a_vector_that_cannot_be_used_is_left_out() -> None:
    events: list[CacheEvent] = []
    entry = read_entry(written(), events.append, key="k", packed=b"\0\0\0\0")
    assert entry == ENTRY
    assert entry is not None
    assert entry.vector is None
    assert [event.problem for event in events] == ["not_finite"]
    good = read_entry(written(), events.append, key="k", normal="n", context="c", packed=packed_vector(unit([3, 4])))
    assert good is not None
    assert good.vector == pytest.approx([0.6, 0.8], abs=1e-3)


def test_an_entry_is_fresh_stale_and_gone_to_the_moment() -> None:
    moments = (999.0, 1_000.0, 1_059.9, 1_060.0, 1_069.9, 1_070.0)
    assert [ENTRY.state(now) for now in moments] == ["fresh", "fresh", "fresh", "stale", "stale", "gone"]
    assert ENTRY.ends == 1_070.0

"""Notes stay where they were put, so that what was sent stays byte for byte."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from leanloop import Message
from leanloop.plugins.notes import Notes

TEXTS = st.text(alphabet="ab", max_size=2)
MESSAGES = st.builds(Message, st.sampled_from(["user", "assistant", "tool"]), TEXTS)


def says(*texts: str) -> tuple[Message, ...]:
    return tuple(Message("user", text) for text in texts)


def test_a_note_goes_behind_the_history_and_stays_there() -> None:
    notes = Notes()
    assert notes.add("k", "note", says("a", "b"))
    assert notes.apply(says("a", "b")) == says("a", "b", "note")
    assert notes.apply(says("a", "b", "c")) == says("a", "b", "note", "c")


def test_without_notes_the_history_is_the_very_same() -> None:
    history = says("a")
    assert Notes().apply(history) is history


def test_a_note_is_given_once() -> None:
    notes = Notes()
    assert notes.add("k", "note", says("a"))
    assert not notes.add("k", "again", says("a", "b"))
    assert notes.apply(says("a", "b")) == says("a", "note", "b")


def test_nothing_is_put_behind_nothing() -> None:
    notes = Notes()
    assert not notes.add("k", "note", ())
    assert notes.add("k", "note", says("a"))


def test_two_notes_at_one_place_keep_their_order() -> None:
    notes = Notes()
    notes.add("1", "first", says("a"))
    notes.add("2", "second", says("a"))
    assert notes.apply(says("a", "b")) == says("a", "first", "second", "b")


def test_a_note_whose_place_is_gone_is_dropped() -> None:
    notes = Notes()
    notes.add("1", "first", says("a", "b"))
    notes.add("2", "second", says("a", "b", "c"))
    assert notes.apply(says("a")) == says("a")
    assert notes.apply(says("a", "B", "c")) == says("a", "B", "c", "second")


def test_a_note_comes_back_with_its_place() -> None:
    notes = Notes()
    notes.add("1", "first", says("a", "b"))
    notes.apply(says("a"))
    assert notes.apply(says("a", "b")) == says("a", "b", "first")


@given(st.lists(st.tuples(st.lists(MESSAGES, max_size=3), st.booleans()), max_size=12))
def test_what_was_sent_is_the_beginning_of_all_that_is_sent_later(turns: list[tuple[list[Message], bool]]) -> None:
    notes = Notes()
    history: tuple[Message, ...] = ()
    sent: tuple[Message, ...] = ()
    for number, (new, noted) in enumerate(turns):
        history += tuple(new)
        if noted:
            notes.add(f"note {number}", f"note {number}", history)
        now = notes.apply(history)
        assert now[: len(sent)] == sent
        assert [message for message in now if not message.text.startswith("note")] == list(history)
        sent = now


@given(st.lists(MESSAGES, max_size=8), st.lists(st.integers(0, 8), max_size=4), st.lists(MESSAGES, max_size=8))
def test_an_edited_history_is_sent_whole_whatever_became_of_the_notes(
    history: list[Message], places: list[int], edited: list[Message]
) -> None:
    notes = Notes()
    for place in places:
        notes.add(f"note {place}", f"note {place}", tuple(history[:place]))
    now = notes.apply(tuple(edited))
    assert [message for message in now if not message.text.startswith("note")] == edited
    assert len(now) - len(edited) <= len(set(places))


def test_of_many_threads_one_gives_the_note() -> None:
    notes, given_by, gate = Notes(), list[bool](), threading.Barrier(8)

    def add() -> None:
        gate.wait()
        given_by.append(notes.add("k", "note", says("a")))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given_by) == [False] * 7 + [True]

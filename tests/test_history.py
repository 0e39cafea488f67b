"""A row of the ledger's history, as it is written and read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.account import AccountName
from leanloop.budgets.history import Entry, expiry
from leanloop.errors import StoreError

TEXT = st.text(st.characters(), max_size=20)  # half of a surrogate pair, too
AMOUNT = st.integers(-(2**53), 2**53)
ENTRIES = st.builds(
    Entry,
    kind=st.sampled_from(["call", "unknown", "expired", "raised", "reset"]),
    at=st.floats(0, 1e12),
    task=TEXT,
    agent=TEXT,
    tags=st.dictionaries(TEXT, TEXT, max_size=3),
    model=TEXT,
    price=TEXT,
    amounts=st.dictionaries(TEXT, AMOUNT, max_size=3),
    within=st.dictionaries(TEXT, TEXT, max_size=3),
    value=st.none() | AMOUNT,
    valued=TEXT,
    account=TEXT,
    note=TEXT,
)


@given(ENTRIES)
def test_what_was_written_is_read(entry: Entry) -> None:
    written = entry.to_json()
    assert "\n" not in written
    assert Entry.from_json(written, entry.at) == Entry.from_json(written.encode("ascii"), entry.at) == entry


def test_only_what_is_told_is_written() -> None:
    assert json.loads(Entry(value=0).to_json()) == {"kind": "call", "value": 0}


def test_what_a_later_version_wrote_beside_it_is_passed_over() -> None:
    assert Entry.from_json('{"kind": "reset", "at": 3, "shape": [1], "__class__": "x"}', 7.0) == Entry("reset", at=7.0)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("", "damaged: Expecting value"),
        ("{", "damaged"),
        (b"\xff\xfe{}\xff", "damaged"),
        ("[" * 100_000, "damaged"),
        ('"call"', "no JSON object"),
        ("[1]", "no JSON object"),
        ('{"kind": "paid"}', "its kind is 'paid'"),
        ('{"kind": ["call"]}', "its kind is"),
        ('{"kind": null}', "its kind is 'None'"),
        ('{"task": 7}', "its task is '7'"),
        ('{"note": {"a": 1}}', "its note is"),
        ('{"tags": {"user": 1}}', "its tags is"),
        ('{"tags": "user"}', "its tags is"),
        ('{"within": {"t1": 7}}', "its within is"),
        ('{"amounts": {"usd": 1.5}}', "its amounts is"),
        ('{"amounts": {"usd": true}}', "its amounts is"),
        ('{"amounts": [1]}', "its amounts is"),
        ('{"value": 1e400}', "its value is 'inf'"),
        ('{"value": false}', "its value is 'False'"),
        ('{"model": ["' + "x" * 10_000 + '"]}', "its model is"),
    ],
)
def test_a_damaged_row_says_so_in_few_words(row: str | bytes, says: str) -> None:
    with pytest.raises(StoreError, match=says) as caught:
        Entry.from_json(row, 0.0)
    assert len(str(caught.value)) < 200


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | TEXT, st.lists))
def test_a_field_of_any_shape_is_read_or_refused(value: object) -> None:
    for name in ("kind", "task", "tags", "within", "amounts", "value"):
        try:
            entry = Entry.from_json(json.dumps({name: value}), 0.0)
        except StoreError:
            continue
        assert Entry.from_json(entry.to_json(), 0.0) == entry


def test_an_ended_lease_is_booked_at_the_largest_amount_of_each_resource() -> None:
    lines = [("user=u:day:1", "usd", 9), ("task:7:a", "usd", 5), ("task:8", "tokens", 3), ("global", "usd", 2)]
    assert expiry("r", lines) == Entry("expired", task="7:a", amounts={"usd": 9, "tokens": 3}, note="r")
    assert expiry("r", lines, taken_back=True).amounts == {"usd": -9, "tokens": -3}
    assert expiry("r", []) == Entry("expired", note="r")


@given(st.text(st.characters(), min_size=1, max_size=20))
def test_an_ended_lease_names_its_task_as_the_calls_of_the_task_do(task: str) -> None:
    entry = expiry("r", [(str(AccountName("task", task)), "usd", 5)])
    assert entry.task == task
    assert Entry.from_json(entry.to_json(), 0.0) == entry


def test_a_tasks_name_that_is_none_of_ours_is_left_as_it_is() -> None:
    assert expiry("r", [("task:%FF", "usd", 5)]).task == "%FF"

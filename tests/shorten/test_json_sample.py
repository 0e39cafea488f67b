from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.json_form import shorten_json
from leanloop.plugins.shorten.shown import Room, Shown

count = counter_for("gpt-4o").text

ORDERS = [
    {
        "id": f"order-{number}",
        "customer": {"name": f"Customer {number}", "city": ("Oslo", "Rome", "Lima")[number % 3]},
        "total": number * 3,
        "state": "failed: card refused" if number == 321 else "paid",
    }
    for number in range(500)
]


def shortened(value: Any, tokens: int = 400, words: tuple[str, ...] = ()) -> tuple[Any, Shown]:
    text = value if isinstance(value, str) else json.dumps(value)
    shown = shorten_json(text, Room(tokens, count, words))
    assert shown is not None
    assert count(shown.text) <= tokens
    return json.loads(shown.text), shown


def test_json_that_fits_as_a_table_is_complete() -> None:
    table, shown = shortened(ORDERS[:12])
    assert shown.complete
    assert len(table["rows"]) == 12


def test_a_long_list_says_how_many_there_are_where_they_stand_and_what_is_in_them() -> None:
    table, shown = shortened({"orders": ORDERS}, 1_500)
    sample = table["orders"]
    assert not shown.complete
    assert sample["of"] == 500
    assert sample["shown"] == len(sample["rows"]) > 3
    assert sample["at"].startswith("0-")
    assert sample["at"].endswith("499")
    assert sample["overview"]["total"] == "0..1497"
    assert sample["overview"]["customer.city"] == "Oslo 167, Rome 167, Lima 166"
    assert shown.what == f"{sample['shown']} of 500 rows of $.orders"


@pytest.mark.parametrize("asked", [77, 250, 498])
def test_rows_that_answer_the_words_are_shown(asked: int) -> None:
    _, shown = shortened(ORDERS, 300, (f"order-{asked}",))
    assert f'"order-{asked}"' in shown.text


def test_the_one_row_with_an_error_is_shown() -> None:
    _, shown = shortened(ORDERS, 300)
    assert "card refused" in shown.text


def test_a_long_text_keeps_both_ends_and_says_how_much_is_missing() -> None:
    value, shown = shortened({"id": 7, "body": "begin " + "x y z " * 5_000 + " end"}, 200)
    assert value["id"] == 7
    assert value["body"].startswith("begin ")
    assert value["body"].endswith(" end")
    assert "characters]" in value["body"]
    assert shown.what == "part of the text $.body"


def test_small_members_stay_beside_a_large_one() -> None:
    value, _ = shortened({"next_page": "abc123", "orders": ORDERS, "error": None})
    assert value["next_page"] == "abc123"
    assert value["error"] is None


def test_a_list_of_many_unlike_objects_is_sampled_with_its_places() -> None:
    items = [{f"name{number % 90}": number, "text": "word " * 5} for number in range(400)]
    value, _ = shortened(items)
    assert value["of"] == 400
    assert value["items"][0] == items[0]
    assert value["overview"].startswith("400 objects (text, ")


def test_an_object_of_many_members_keeps_those_that_answer() -> None:
    value, shown = shortened({f"key{number}": f"value {number}" for number in range(2_000)}, 200, ("key1234",))
    assert value["key1234"] == "value 1234"
    assert "more members" in value["[...]"]
    assert "of 2,000 members of $" in shown.what


def test_a_member_of_the_name_of_the_mark_is_not_lost() -> None:
    value, _ = shortened({"[...]": 1} | {f"key{number}": f"value {number}" for number in range(2_000)}, 200)
    assert value["[...]"] == 1


def test_groups_of_rows_are_sampled_group_by_group() -> None:
    groups = [[{"id": f"a-{number}", "seats": number}, {"id": f"b-{number}", "seats": 1}] for number in range(200)]
    value, shown = shortened(groups, 200)
    assert value["of"] == 200
    assert value["groups"][0][0] == ["a-0", 0]
    assert "groups of rows" in shown.what


def test_rows_in_many_groups_are_sampled_with_the_groups_they_make() -> None:
    rows = [{"id": f"row-{number}", "name": f"a name of number {number}", "size": number} for number in range(60)]
    groups = [[rows[number], rows[(number + step) % 60]] for number in range(60) for step in (1, 2, 3)]
    value, shown = shortened(groups, 300)
    assert value["of_groups"] == 180
    assert value["shown_groups"] == len(value["groups"])
    assert all(str(number) in value["rows"] for group in value["groups"] for number in group)
    assert "groups of them" in shown.what


def test_named_rows_keep_their_names() -> None:
    value, _ = shortened({f"card-{number}": {"brand": f"b{number}", "digits": number} for number in range(500)}, 200)
    assert value["rows"]["card-0"] == ["b0", 0]
    assert value["of"] == 500


def test_json_lines_are_one_list_and_a_line_that_was_cut_off_is_left_out() -> None:
    text = "\n".join(map(json.dumps, ORDERS))
    value, shown = shortened(text[:-5])
    assert value["of"] == 499
    assert not shown.complete


def test_text_around_json_stays() -> None:
    shown = shorten_json(f"Status 200\n{json.dumps(ORDERS)}\nelapsed 3 ms", Room(300, count))
    assert shown is not None
    first, middle, last = shown.text.split("\n")
    assert (first, last) == ("Status 200", "elapsed 3 ms")
    assert json.loads(middle)["of"] == 500


def test_not_a_number_is_shown_as_text() -> None:
    value, shown = shortened("[NaN, 1, -Infinity]")
    assert value == ["NaN", 1, "-Infinity"]
    assert not shown.complete


def test_a_name_that_stands_twice_is_shown_twice() -> None:
    value, _ = shortened('{"a": 1, "a": 2, "a": 3}')
    assert value == {"a": 1, "a (2)": 2, "a (3)": 3}


@pytest.mark.parametrize("text", ["", "words", "[1, 2", '{"a": ', "[" * 100_000, '{"a":' * 100_000 + "1", '["\x00"]'])
def test_what_is_no_json_is_none_of_its_business(text: str) -> None:
    assert shorten_json(text, Room(100, count)) is None


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just("long " * 300),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner) | inner.map(lambda one: [one, one]),
    max_leaves=12,
)


@settings(max_examples=60)
@given(values, st.integers(1, 300), st.lists(st.text(max_size=5), max_size=3))
def test_what_is_shown_is_json_within_its_room(value: Any, tokens: int, words: list[str]) -> None:
    text = json.dumps(value)
    room = Room(tokens, count, tuple(words))
    shown = shorten_json(text, room)
    assert shown == shorten_json(text, room)
    if shown is not None:
        assert count(shown.text) <= tokens
        json.loads(shown.text)
        shown.text.encode()


@given(st.text(st.sampled_from('[]{}",:1.eE-+ \n\\u0aNI\ud800')), st.integers(1, 60))
def test_nothing_that_looks_like_json_raises(text: str, tokens: int) -> None:
    shown = shorten_json(text, Room(tokens, count))
    assert shown is None or count(shown.text) <= tokens


def test_what_a_command_wrote_is_shown_by_its_lines_with_its_errors() -> None:
    output = [f"step {number} {number * 7919 % 1000:x} is done by worker {number % 13}" for number in range(900)]
    output[444] = "ERROR: test_pay failed: 3 != 4"
    value, shown = shortened({"stdout": "\n".join(output), "exit_code": 1})
    assert value["exit_code"] == 1
    assert "ERROR: test_pay failed: 3 != 4" in value["stdout"].split("\n")
    assert value["stdout"].split("\n")[-1] == output[-1]
    assert shown.what == "part of the text $.stdout, by its own lines"


def test_a_row_that_speaks_of_an_error_comes_before_more_of_both_ends() -> None:
    rows = [{"name": f"web-{number}", "spec": "x" * 300, "state": "Running"} for number in range(80)]
    rows[55]["state"] = "CrashLoopBackOff"
    assert "CrashLoopBackOff" in shortened(rows, 500)[1].text

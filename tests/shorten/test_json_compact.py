from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.plugins.shorten.json_form import compact_json
from leanloop.plugins.shorten.json_read import read_json
from leanloop.plugins.shorten.json_table import tabled

ROWS = [{"id": number, "price": {"net": number * 2, "vat": 1.5}, "unit": "EUR"} for number in range(4)]


def restored(value: Any) -> Any:
    """What a table was made from: the description in json_table.py, read the other way round."""
    kind = cast("type[object]", type(value))
    if kind is list:
        return [restored(one) for one in value]
    if kind is not dict:
        return value
    if "columns" in value and "rows" in value and "groups" in value:
        return [[row_of(value, value["rows"][number_of(one)]) for one in group] for group in value["groups"]]
    if "columns" in value and "rows" in value:
        if type(value["rows"]) is dict:
            return {name: row_of(value, cells) for name, cells in value["rows"].items()}
        return [row_of(value, cells) for cells in value["rows"]]
    if "columns" in value and "groups" in value:
        return [[row_of(value, cells) for cells in group] for group in value["groups"]]
    return {name: restored(one) for name, one in value.items()}


def number_of(place: Any) -> str:
    kind = cast("type[object]", type(place))
    return str(place[1] if kind is list else place)


def row_of(table: dict[str, Any], cells: list[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    named = [*table.get("in_every_row", {}).items(), *zip(table["columns"], cells, strict=True)]
    for name, cell in named:
        if "absent" in table and cell == table["absent"] and isinstance(cell, str):
            continue
        *outer, last = name.split(".")
        inner = row
        for step in outer:
            inner = inner.setdefault(step, {})
        inner[last] = restored(cell)
    return row


def same(one: Any, other: Any) -> bool:
    """Equal, with true no 1, 1 no 1.0 and numbers as they were written."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def with_numbers_as_text(text: str) -> Any:
    def number(said: str) -> list[str]:
        return ["a number", said]

    return json.loads(text, parse_float=number, parse_int=number)


names = st.sampled_from(["id", "name", "price", "a.b", "columns", "rows", "-", ""]) | st.text(max_size=3)
plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["-", "~", "absent", "", "x"])
    | st.text(max_size=5)
)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=4), max_leaves=30
)
few: st.SearchStrategy[Any] = st.sampled_from(["-", "~", "x", 1, 1.0, True, None, -0.0, {}, []])
row = st.fixed_dictionaries(
    {"identifier": plain, "city": few, "price": st.fixed_dictionaries({"net": few}, optional={"gross": plain})},
    optional={
        "note": plain,
        "tags": st.lists(few, max_size=2),
        "columns": few,
        "nested": st.dictionaries(names, few, max_size=2),
    },
)
rows = st.lists(row, max_size=6)


@settings(max_examples=200)
@given(values | rows | st.lists(rows, max_size=4) | st.dictionaries(names, row, min_size=3, max_size=5))
def test_a_table_is_read_back_to_the_very_same_value(value: Any) -> None:
    text = json.dumps(value)
    document = read_json(text)
    assert document is not None
    written = document.write(tabled(document.value)) if document.tables else document.write(document.value)
    found = with_numbers_as_text(written)
    assert same(restored(found) if document.tables else found, with_numbers_as_text(text))


@settings(max_examples=100)
@given(rows, st.sampled_from([None, 1, 4]), st.booleans())
def test_what_is_compacted_says_the_same_in_fewer_characters(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    compact = compact_json(text)
    if compact is not None:
        assert len(compact) < len(text)
        document = read_json(text)
        assert document is not None
        found = with_numbers_as_text(compact)
        assert same(restored(found) if document.tables else found, with_numbers_as_text(text))
        compact.encode()


def test_rows_become_a_table_with_nested_objects_in_dotted_columns() -> None:
    assert json.loads(compact_json(json.dumps(ROWS)) or "") == {
        "in_every_row": {"price.vat": 1.5, "unit": "EUR"},
        "columns": ["id", "price.net"],
        "rows": [[0, 0], [1, 2], [2, 4], [3, 6]],
    }


def test_an_object_of_objects_becomes_a_table_with_named_rows() -> None:
    value = {f"card_{number}": {"source": "card", "brand": f"b{number}", "last_four": "1234"} for number in range(4)}
    table = json.loads(compact_json(json.dumps(value)) or "")
    assert table["rows"]["card_2"] == ["b2"]
    assert restored(table) == value


def test_lists_of_lists_of_rows_become_one_table_in_groups() -> None:
    value = [ROWS[:2], ROWS[2:], []]
    table = json.loads(compact_json(json.dumps(value)) or "")
    assert table["groups"] == [[[0, 0], [1, 2]], [[2, 4], [3, 6]], []]
    assert restored(table) == value


def test_rows_that_are_in_many_groups_are_written_once() -> None:
    flights = [
        {"number": f"HAT{number:03}", "origin": "ATL", "destination": "LGA", "price": 99 + number}
        for number in range(5)
    ]
    value = [[flights[0], flights[number]] for number in range(1, 5)] * 2
    table = json.loads(compact_json(json.dumps(value)) or "")
    assert table["rows"]["1"] == ["HAT000", 99]
    assert table["groups"][:2] == [[1, 2], [1, 3]]
    assert restored(table) == value


def test_a_member_that_some_rows_lack_is_no_null() -> None:
    value = [*ROWS, {**ROWS[0], "note": None}, {**ROWS[0], "note": "-"}]
    table = json.loads(compact_json(json.dumps(value)) or "")
    assert table["absent"] == "~"
    assert restored(table) == value


def test_numbers_stay_as_they_were_written() -> None:
    text = '{"a": [1.10, 1e5, -0, 1E+2, 123456789012345678901234567890, 0.1],    "b":           "1.10"}'
    assert compact_json(text) == '{"a":[1.10,1e5,-0,1E+2,123456789012345678901234567890,0.1],"b":"1.10"}'


def test_an_integer_of_any_length_stays() -> None:
    number = "9" * 10_000
    assert compact_json(f"[ {number},{' ' * 400}1 ]") == f"[{number},1]"


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2,                                 "b": 3}',
        "[NaN,                                          1, 2, 3]",
        "[Infinity,                                     1, 2, 3]",
        '{"a": 1,                                        "b": 3',
        "[" * 100_000,
        '{"a": ' * 100_000,
        "no JSON at all, but [some] brackets    and       blanks",
        '{"a":1,"b":[1,2,3]}',
        "",
        "   ",
        "[",
        '["\ue000", "\uf8f0", "\U000f1b0d",                          1.5]',
    ],
)
def test_what_cannot_be_promised_or_saves_nothing_is_left_as_it_is(text: str) -> None:
    assert compact_json(text) is None


def test_lone_surrogates_are_escaped_and_everything_else_is_written_out() -> None:
    text = '{"caf\\u00e9":              "\\ud800 \\ud83d\\ude00",        "x": 1}'
    compact = compact_json(text)
    assert compact == '{"café":"\\ud800 \U0001f600","x":1}'
    assert json.loads(compact) == json.loads(text)


def test_an_object_that_looks_like_a_table_already_stays_an_object() -> None:
    text = json.dumps({"columns": ["a"], "rows": [[1]], "others": ROWS})
    assert compact_json(text) == json.dumps(json.loads(text), separators=(",", ":"))


def test_names_with_dots_are_not_taken_apart() -> None:
    value = [{"app.kubernetes.io/name": f"n{number}", "kind": "pod"} for number in range(5)]
    assert json.loads(compact_json(json.dumps(value)) or "") == value


def test_json_lines_stay_lines() -> None:
    line = json.dumps({"level": "info", "message": "started", "at": [1, 2, 3, 4, 5]})
    compact = compact_json(f"{line}\n{line}\n")
    assert compact is not None
    assert [json.loads(one) for one in compact.split("\n")] == [json.loads(line)] * 2


def test_text_around_json_stays_as_it_is() -> None:
    text = f"Result: {json.dumps(ROWS)}\n\n  bash-$ "
    compact = compact_json(text)
    assert compact is not None
    assert compact.startswith("Result: {")
    assert compact.endswith("}\n\n  bash-$ ")
    assert restored(json.loads(compact.removeprefix("Result: ").removesuffix("\n\n  bash-$ "))) == ROWS

from __future__ import annotations

import csv

import pytest

from leanloop.budgets.tokens import counter_for
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.table import shorten_table

count = counter_for("gpt-4o").text

CITIES = ("Oslo", "Rome", "Lima")


def shortened(text: str, tokens: int = 300, words: tuple[str, ...] = ()) -> Shown:
    shown = shorten_table(text, Room(tokens, count, words))
    assert shown is not None
    assert count(shown.text) <= tokens
    return shown


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_the_header_both_ends_and_the_rows_that_answer_are_shown(separator: str) -> None:
    rows = [separator.join((str(number), f"name {number}", CITIES[number % 3])) for number in range(1_000)]
    shown = shortened("\n".join((separator.join(("id", "name", "city")), *rows)), 200, ("777",))
    lines = shown.text.split("\n")
    assert lines[0] == separator.join(("id", "name", "city"))
    assert rows[0] in lines
    assert rows[-1] in lines
    assert rows[777] in lines
    assert "of 1,000 rows" in shown.what


def test_what_is_left_out_is_counted_by_lines_and_rows() -> None:
    shown = shortened("id,name\n" + "\n".join(f"{number},n{number}" for number in range(1_000)), 100)
    marks = [line for line in shown.text.split("\n") if line.startswith("[…") and "rows" in line]
    assert marks
    assert all(line.endswith(" rows]") for line in marks)


def test_the_columns_are_summed_up_over_all_rows() -> None:
    text = "id,city,note\n" + "\n".join(f"{number},{CITIES[number % 3]}," for number in range(300))
    assert shortened(text).text.endswith(
        "[all rows: id: 0..299; city: Oslo 100, Rome 100, Lima 100; note: , 300 empty]"
    )


def test_a_quoted_cell_may_hold_line_breaks_and_separators() -> None:
    text = "id,text\n" + "\n".join(f'{number},"one, two\nthree {number}"' for number in range(400))
    shown = shortened(text)
    assert "of 400 rows" in shown.what
    assert '0,"one, two\nthree 0"' in shown.text
    assert '399,"one, two\nthree 399"' in shown.text


def test_blanks_that_only_align_go_first() -> None:
    text = " id   | name        \n------+-------------\n" + "\n".join(
        f" {number:4} | {'n':11} " for number in range(20)
    )
    shown = shortened(text, count(text) - 30)
    assert shown.complete
    assert "0|n\n1|n" in shown.text


def test_markdown_keeps_its_header_and_its_rule() -> None:
    rows = [f"| {number} | item {number} |" for number in range(500)]
    shown = shortened("\n".join(("| id | item |", "| -- | ---- |", *rows)), 100)
    assert shown.text.startswith("|id|item|\n")


def test_fixed_widths_are_a_table_too() -> None:
    rows = [f"{number:<8}  running   node-{number:<6}" for number in range(500)]
    shown = shortened("\n".join(("NAME      STATUS    NODE       ", *rows)), 150, ("node-444",))
    assert shown.text.startswith("NAME  STATUS  NODE\n")
    assert "node-444" in shown.text


@pytest.mark.parametrize(
    "text", ["", "a", "a,b\n1,2", "just\nsome\nlines\nof text", "a,b\n1\n2,3,4\n5", '"\n' * 50, "\n" * 100]
)
def test_what_is_no_table_is_none_of_its_business(text: str) -> None:
    assert shorten_table(text, Room(5, count)) is None


def test_a_cell_longer_than_csv_allows_breaks_nothing() -> None:
    text = "id,text\n" + "\n".join(f"{number},{'x' * (csv.field_size_limit() + 1)}" for number in range(4))
    shortened(text, 200)

from __future__ import annotations

import pytest

from leanloop.plugins.shorten.odd import odd_lines, odd_rows


def rows(*odd: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [*((str(n), "ready", str(100 + n % 7), f"{n % 10}%") for n in range(100)), *odd]


@pytest.mark.parametrize(
    "row", [("100", "adrift", "103", "4%"), ("101", "ready", "98000", "4%"), ("102", "ready", "103", "n/a")]
)
def test_a_row_with_a_value_next_to_no_other_has_is_odd(row: tuple[str, ...]) -> None:
    assert odd_rows(rows(row)) == [100]


def test_the_row_that_differs_in_most_comes_first() -> None:
    assert odd_rows(rows(("100", "adrift", "103", "4%"), ("101", "sunk", "98000", "4%"))) == [101, 100]


def test_no_row_is_odd_where_all_differ_or_none_does() -> None:
    assert odd_rows([(f"name{n}{n * n}",) for n in range(100)]) == odd_rows([("same",)] * 100) == odd_rows([]) == []
    assert odd_rows([(chr(97 + n % 26), str(n)) for n in range(500)]) == []


def test_among_a_few_rows_none_is_the_exception() -> None:
    assert odd_rows([("ready",)] * 8 + [("adrift",)]) == []


def test_a_long_tail_of_rare_values_makes_none_of_them_odd() -> None:
    assert odd_rows([("usual",)] * 180 + [(f"rare {chr(97 + n)}",) for n in range(20)]) == []


def test_a_line_of_another_form_or_length_is_odd() -> None:
    lines = [f"worker {n % 8} took job {1000 + n} in {n % 50} ms" for n in range(200)]
    assert odd_lines([*lines[:90], "worker 3 hands job 77 to the night shift", *lines[90:]])[:1] == [90]


def test_numbers_that_spread_wide_have_no_exception() -> None:
    assert odd_rows([(str(2**n),) for n in range(60)]) == []


@pytest.mark.parametrize("cell", ["nan", "inf", "1" * 400, "-", "١٢"])
def test_what_is_hardly_a_number_stops_nothing(cell: str) -> None:
    assert odd_rows([(str(1000 + n),) for n in range(100)] + [(cell,)]) in ([100], [])


def test_lines_of_many_characters_are_not_looked_at() -> None:
    assert odd_lines(["a b c"] * 1_000_000 + ["x y z"]) == []

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.adapters.advice.budget_file import budget_text
from leanloop.budgets.file import parse_budget
from leanloop.budgets.file_yaml import read_yaml

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\u2028\u2029"), max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=9).filter(lambda one: one != 0)
    | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES.filter(bool), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES.filter(bool), VALUES, min_size=1, max_size=5), st.lists(st.text(max_size=300), max_size=3))
def test_what_is_written_reads_as_it_was_whatever_the_comments_say(tree: dict[str, Any], lines: list[str]) -> None:
    text = budget_text(tree, lines, {next(iter(tree)): lines})
    assert read_yaml(text, file="f.yaml").tree == tree


def test_a_file_is_read_by_people() -> None:
    tree: dict[str, object] = {
        "agent": "support",
        "limits": [{"per": "task", "usd": Decimal("0.0175")}, {"per": "day", "tokens": 5_000}],
        "loop": False,
        "context": True,
        "cache": {"ttl": "1h", "tools": {"search": {"evicted_by": ["book", "book"]}}},
    }
    text = budget_text(tree, ["Head."], {"loop": ["It ended 3 of them.", "x" * 150 + "\n\x1b[31mred"]})
    assert text == (
        "# Head.\n"
        "agent: support\n"
        "limits:\n"
        "  - {per: task, usd: 0.0175}\n"
        "  - {per: day, tokens: 5000}\n"
        "\n"
        "# It ended 3 of them.\n"
        f"# {'x' * 108}\n"
        f"# {'x' * 42}\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31mred\n"
        "loop: off\n"
        "context: on\n"
        "cache: {ttl: 1h, tools: {search: {evicted_by: [book, book]}}}\n"
    )
    assert parse_budget(text, environ={}).agent == "support"


@pytest.mark.parametrize("usd", [1e-9, 0.000001, 1.23e-05, 1234.5, 1.0, 1000000.0])
def test_small_amounts_of_money_are_read_as_numbers(usd: float) -> None:
    text = budget_text({"agent": "a", "limits": [{"usd": usd}]})
    assert parse_budget(text, environ={}).limits[0].usd == Decimal(repr(usd))


def test_one_value_in_two_places_makes_no_anchor() -> None:
    shared = ["a"]
    assert "&" not in budget_text({"one": {"x": shared}, "two": {"x": shared}})

"""`leanloop check` says what a budget holds cognitive tools to."""

from __future__ import annotations

from typing import Any

import pytest

from leanloop import Budget
from leanloop.adapters.cli.check_scaffold import rows_of_scaffold
from leanloop.budgets.scaffold_rules import ScaffoldRules


def rows(**rules: Any) -> list[tuple[str, str]]:
    budget = Budget(agent="a", scaffold=ScaffoldRules.model_validate(rules))
    return [(what, holds) for _, what, holds in rows_of_scaffold(budget)]


def test_nothing_is_said_where_the_file_says_nothing() -> None:
    assert rows_of_scaffold(Budget(agent="a")) == []


def test_without_a_model_they_are_offered_to_none() -> None:
    assert rows() == [("cognitive tools", "are offered to no model: name some under models")]


def test_models_tools_and_caps_are_said() -> None:
    offered = (
        "backtracking: offered to m, where they help in more than 20 % of such calls, not where it reasons natively"
    )
    assert rows(models=["m"], tools=["backtracking"], above=0.2, form="text") == [
        ("cognitive tools", f"{offered}, by a protocol in the text"),
        ("a use of one", "is a call of its own, of at most 800 output tokens; 4 between two steps, 12 in a task"),
    ]


@pytest.mark.parametrize(
    ("tool", "says"),
    [("use_code", "use_code needs an executor: LeanLoop(run_code=...)"), ("weigh", "weigh comes from no installed")],
)
def test_what_is_needed_beside_the_file_is_said(tool: str, says: str) -> None:
    what, holds = rows(models=["m"], tools=[tool], not_with_thinking=False)[-1]
    assert (what, holds.startswith(says)) == ("but", True)

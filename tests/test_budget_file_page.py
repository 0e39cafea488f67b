"""The page on the budget file: one file with every key, tables that name every key, the defaults of its parts."""

from __future__ import annotations

import re
from pathlib import Path

from leanloop import Budget, Landing, Limit, Loop, parse_budget
from leanloop.budgets.degrade_step import DegradeStep
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.result_rules import ResultRules

PAGE = (Path(__file__).parent.parent / "docs" / "budget-file.md").read_text(encoding="utf-8")
PLAIN = re.sub(r"\]\([^)]+\)|[\[`]", "", PAGE)
"""Without marks of code and links."""

DEFAULTS = {row[0]: row[2] for line in PLAIN.splitlines() if len(row := line.strip("| ").split(" | ")) == 3}


def long_file() -> Budget:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return parse_budget(text, environ={})


def test_the_long_file_has_every_key() -> None:
    assert long_file().model_fields_set == set(Budget.model_fields)


def test_the_long_file_and_the_tables_name_every_key_beneath() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)

    named = set(re.findall(r"\b(\w+):", text)) | set(DEFAULTS)
    for model in (Budget, Limit, Landing, Loop, DegradeStep, ModelPriceEntry):
        assert set(model.model_fields) <= named, model.__name__


def test_the_tables_have_every_key_of_the_file_and_its_default() -> None:
    """Those of single keys are compared by tests/test_options.py."""
    budget = Budget(agent="a")

    assert set(Budget.model_fields) <= set(DEFAULTS)
    assert budget.limits == (Limit(cycles=25),)
    assert DEFAULTS["limits"] == "25 cycles per task"
    assert DEFAULTS["at_limit"] == budget.at_limit
    assert DEFAULTS["landing"] == f"{budget.landing.tokens:,} tokens"
    assert DEFAULTS["notify"] == ", ".join(f"{share:.0%}" for share in budget.notify)
    assert DEFAULTS["warn"] == ", ".join(f"{share:.0%}" for share in budget.warn)
    assert budget.loop == Loop()
    assert DEFAULTS["loop"] == f"{Loop().repeats} among {Loop().window}"
    assert DEFAULTS["results"] == f"{ResultRules().max_tokens:,} tokens each"

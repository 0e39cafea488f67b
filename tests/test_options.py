"""Pages of plugins: each says when not, which keys there are, with their defaults, and what it saved."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from leanloop import Budget, Landing, Limit, Loop
from leanloop.budgets.answer_rules import KnownAnswer
from leanloop.budgets.cache_rules import CacheRules, ToolCacheRules
from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.budgets.context_rules import ContextRules, PrefixRules, RetrievedRules, SummaryRules
from leanloop.budgets.degrade_step import DegradeStep
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.budgets.event_rules import EventRules
from leanloop.budgets.experiment_rules import ExperimentRules
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.result_rules import ResultRules, ToolResultRules
from leanloop.budgets.route_rules import RouteRules
from leanloop.budgets.scaffold_rules import ScaffoldRules
from leanloop.budgets.thinking_rules import ThinkingRules

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
RULES: dict[str, type[BaseModel]] = {
    "": Budget,
    "limits": Limit,
    "landing": Landing,
    "loop": Loop,
    "degrade": DegradeStep,
    "prices": ModelPriceEntry,
    "results": ResultRules,
    "results.tools": ToolResultRules,
    "context": ContextRules,
    "context.summary": SummaryRules,
    "prefix": PrefixRules,
    "retrieved": RetrievedRules,
    "cache": CacheRules,
    "cache.tools": ToolCacheRules,
    "difficulty": DifficultyRules,
    "thinking": ThinkingRules,
    "routes": RouteRules,
    "routes.cascade": CascadeRules,
    "answers": KnownAnswer,
    "scaffold": ScaffoldRules,
    "experiment": ExperimentRules,
    "events": EventRules,
}
"""What may stand under each key of a budget file."""

FIELDS = {f"{key}.{name}".lstrip("."): (model, name) for key, model in RULES.items() for name in model.model_fields}
BESIDE: dict[type[BaseModel], dict[str, object]] = {
    Budget: {"agent": "a"},
    DegradeStep: {"effort": "low"},
    Limit: {"usd": 1},
    RouteRules: {"cheap": "m"},
    ExperimentRules: {"of": "thinking"},
}
"""What must be given beside a key."""


def table_rows(page: str) -> list[tuple[str, str]]:
    """Key and default of each row of the tables of keys: their head begins with key, and ends with default."""
    rows: list[tuple[str, str]] = []
    tables = r"^\| key(?: of `([\w.]+)`)? \|.*\| default \|\n\| ---.*\n((?:\|.*\n)+)"
    for head, body in re.findall(tables, page, flags=re.MULTILINE):
        for line in body.splitlines():
            key, *_, default = line.strip("| ").split(" | ")
            rows.append((f"{head}.{key.strip('`')}".lstrip("."), default.strip("`")))
    return rows


def plugin_pages() -> list[str]:
    """What stands under Plugins in the navigation, but for their list."""
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("  - Plugins:\n")[2].partition("\n  - ")[0]
    return re.findall(r"^ +- [^:]+: (\S+\.md)$", nav, flags=re.MULTILINE)


SAID = [
    (str(page.relative_to(DOCS)), key, default)
    for page in sorted(DOCS.rglob("*.md"))
    for key, default in table_rows(page.read_text(encoding="utf-8"))
]


def test_every_key_of_a_budget_file_is_an_option_on_one_page() -> None:
    """A key under which others stand is named by these."""
    said = sorted(key for _, key, _ in SAID)

    assert said == sorted(key for key in FIELDS if key not in RULES or "." in key)


@pytest.mark.parametrize(("page", "key", "said"), SAID, ids=[f"{page}: {key}" for page, key, _ in SAID])
def test_a_default_on_a_page_is_the_default(page: str, key: str, said: str) -> None:
    model, name = FIELDS[key]
    field = model.model_fields[name]
    if field.is_required():
        assert said == "must be given"
        return
    default = field.get_default(call_default_factory=True)
    if default or default is False:
        given = model.model_validate({**BESIDE.get(model, {}), name: yaml.safe_load(said)})
        assert getattr(given, name) == default
    elif key == "routes.above":
        assert said == f"{RouteRules(cheap=('m',)).threshold('frontier'):.0%}"
    else:
        assert not re.search(r"[\d%]", said), "it has no figure by default"


@pytest.mark.parametrize("page", plugin_pages())
def test_the_page_of_a_plugin_says_when_not_which_options_and_what_it_saved(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    headings = re.findall(r"^##+ (.+)$", text, flags=re.MULTILINE)

    assert {"When not", "Options", "What it saved"} <= set(headings)
    saved = text.partition("## What it saved\n")[2].partition("\n## ")[0]
    benches = re.findall(r"`python (bench/\w+\.py)[^`]*`", saved)
    assert benches or "not measured on the public sets" in " ".join(saved.split())
    assert [bench for bench in benches if not (ROOT / bench).exists()] == []

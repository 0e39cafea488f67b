from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from agent_runs import agent_case, agent_run

from leanloop.adapters.advice.advice import advise
from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.case import Terms
from leanloop.adapters.advice.cases import sampled
from leanloop.adapters.advice.labelled_questions import labelled_rows
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.spelling import one_price, spelled_as
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.price_book import price_book
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.price_table import current_table, listed_name
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled

BUDGET = bare_budget("a")


def named(model: str, task: str = "one") -> Trace:
    run = agent_run(1, task=task)
    return replace(run, calls=tuple(RecordedCall(place, model) for place in (2, 4)))


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("openai/gpt-4o", "gpt-4o"),
        ("azure:gpt-4o", "gpt-4o"),
        ("openrouter/openai/gpt-4o", "gpt-4o"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),  # dearer, and listed by itself
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("ft:gpt-4o:acme", None),
        ("my-own", None),
        ("", None),
    ],
)
def test_a_model_has_one_name_however_it_is_spelled(spelled: str, name: str | None) -> None:
    assert listed_name(spelled, current_table()) == name


def test_runs_of_one_model_and_price_are_taken_together_by_the_most_frequent_spelling() -> None:
    names = ["openai/gpt-4o", "gpt-4o", "gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-mini", "my-own"]
    sample = sampled([named(name, str(place)) for place, name in enumerate(names)])
    found = [case.model for case in sample.cases("gpt-4o", price_book(BUDGET))]
    assert found == ["gpt-4o"] * 4 + ["gpt-4o-mini", "gpt-4o"]


def test_one_model_at_two_prices_stays_two() -> None:
    own = ModelPriceEntry(input=Decimal(1), output=Decimal(1))
    prices = price_book(BUDGET.model_copy(update={"prices": {"azure/gpt-4o": own}}))
    names = Counter(["gpt-4o", "gpt-4o", "azure/gpt-4o"])
    assert one_price(names, prices) == {"gpt-4o": "gpt-4o", "azure/gpt-4o": "azure/gpt-4o"}


def test_labelled_rows_are_spelled_as_the_runs_are() -> None:
    known = Counter(["openai/gpt-4o"])
    assert spelled_as(["gpt-4o", "gpt-4o-mini", "openai/gpt-4o-mini"], known) == {
        "gpt-4o": "openai/gpt-4o",
        "gpt-4o-mini": "gpt-4o-mini",
        "openai/gpt-4o-mini": "gpt-4o-mini",
    }
    rows = (Labelled("q", Setting("gpt-4o-2024-08-06", "high"), 1.0),)
    runs = Runs([agent_case(1, model="openai/gpt-4o")], Terms(BUDGET, labelled=rows))
    assert [row.setting for row in labelled_rows(runs)] == [Setting("openai/gpt-4o", "high")]


def test_runs_priced_as_another_model_are_named() -> None:
    runs = [named(f"own-{number}", str(number)) for number in range(5)]
    cases = sampled(runs).cases("gpt-4o", price_book(BUDGET))
    [note] = [note for note in advise(cases, Terms(BUDGET), features=()).notes if "no price" in note]
    assert note == (
        "Runs of 'own-0', 'own-1', 'own-2' and 2 more, of which no price is known, are taken for gpt-4o's: name their "
        "prices under prices in the file given with --budget."
    )

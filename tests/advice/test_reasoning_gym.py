"""Advice on the public set whose answers by four models were recorded, against what the benches find on it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from benches import DATA, bench_module

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.case import Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.cheaper_model import cheaper_model
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import saving_of
from leanloop.budgets.route_rules import RouteRules
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled, labelled_in
from leanloop.plugins.trial.pairs import Tried
from leanloop.plugins.trial.rehearsal import Rehearsal, questions_of
from leanloop.plugins.trial.threshold import setting_at

DEAR, CHEAP, WEAK = "deepseek-r1", "llama-4-maverick", "gemma-3-27b-it"
BUDGET = bare_budget("a")
EVERY = 6
"""Of the questions every sixth is labelled; the others are what a threshold is judged by."""


@pytest.fixture(scope="module")
def questions() -> Sequence[Any]:
    found = bench_module("_questions").questions_in(DATA)
    if found is None:
        pytest.skip("the set reasoning-gym is absent")
    return found  # type: ignore[no-any-return]


def labelled(questions: Sequence[Any], cheap: str, folder: Path, every: int = EVERY) -> tuple[Labelled, ...]:
    """Rows of a cheaper model and the dearer one, written to a file and read back."""
    lines = [
        {"id": place, "setting": model, "score": one.scores[model], "step": one.family, "cost": cost}
        for place, one in enumerate(questions)
        if place % every == 0
        for model, cost in ((cheap, 0.0001), (DEAR, 0.0017))
    ]
    file = folder / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return tuple(labelled_in(file))


def test_families_that_the_cheaper_model_does_as_well_go_to_it_and_the_others_lose_no_more_than_allowed(
    questions: Sequence[Any], tmp_path: Path
) -> None:
    most = 0.04
    found = cheaper_model(Runs([], Terms(BUDGET, most, labelled(questions, CHEAP, tmp_path))))

    assert isinstance(found, Change)
    assert found.successes_lost is not None
    assert found.successes_lost[1] <= most
    assert saving_of(found).share.low > 0.3
    # On the questions that nobody labelled, sent by what the labelled ones say of their families:
    learned = Rehearsal((Setting(CHEAP), Setting(DEAR)), wary=True).learned(
        questions_of(tried(questions[::EVERY]), BUDGET)
    )
    rest = [one for place, one in enumerate(questions) if place % EVERY]
    above = RouteRules.model_validate(found.keys["routes"]).threshold("frontier")
    goes = [setting_at(learned.case(one), above) for one in questions_of(tried(rest), BUDGET)]
    right = sum(one.scores[DEAR] for one in rest)
    lost = right - sum(one.scores[DEAR if place else CHEAP] for one, place in zip(rest, goes, strict=True))
    assert lost / right <= most
    # Families in which the dearer model makes good what the other fails stay with it; those it adds nothing to do not.
    gain = Counter[str]()
    for one in questions:
        gain[one.family] += one.gain(CHEAP, DEAR) / 50
    cheap = {one.family for one, place in zip(rest, goes, strict=True) if place == 0}
    assert [family for family in cheap if gain[family] > 0.6] == []
    never = {one.family for one in questions} - set(+gain)
    assert len(cheap & never) > len(never) / 2
    assert any(note.startswith(f"{CHEAP} takes ") for note in found.notes)


def test_a_model_that_the_dearer_one_mostly_makes_good_spares_little(questions: Sequence[Any], tmp_path: Path) -> None:
    weak = cheaper_model(Runs([], Terms(BUDGET, 0.04, labelled(questions, WEAK, tmp_path))))
    few = cheaper_model(Runs([], Terms(BUDGET, 0.02, labelled(questions, WEAK, tmp_path, every=23))))

    assert isinstance(weak, Change)
    assert saving_of(weak).share.high < 0.3  # the better one spares at least that
    assert isinstance(few, Unmeasured)  # of 201 questions


def tried(questions: Sequence[Any]) -> list[Tried]:
    """The questions with the first recorded answers of both models."""
    return [
        Tried(str(place), (one.scores[CHEAP], one.scores[DEAR]), (None, None), one.family)
        for place, one in enumerate(questions)
    ]

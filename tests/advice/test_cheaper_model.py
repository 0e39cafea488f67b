from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import agent_case
from labelled_sets import labelled_steps
from typer.testing import CliRunner

from leanloop.adapters.advice import labelled_questions
from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.budget_file import budget_text
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.cheaper_model import cheaper_model
from leanloop.adapters.advice.ranking import ranked
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.cli.app import app
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.route_rules import RouteRules
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled

TERMS = Terms(bare_budget("a"), lose_at_most=0.05)
COSTS: Mapping[str, int | None] = {"gpt-4o-mini": 1_000, "gpt-4o": 16_000}
RIGHT: Mapping[str, Sequence[str]] = {"gpt-4o-mini": ["easy"], "gpt-4o": ["easy", "hard"]}
STEPS = {"easy": 150, "hard": 60}


def labelled(
    steps: Mapping[str, int] = STEPS,
    right: Mapping[str, Sequence[str]] = RIGHT,
    costs: Mapping[str, int | None] = COSTS,
) -> tuple[Labelled, ...]:
    return labelled_steps(steps, right, costs)


def tried(rows: tuple[Labelled, ...] = (), cases: Sequence[Case] = (), **terms: object) -> Change | Unmeasured:
    return cheaper_model(Runs(cases, replace(TERMS, labelled=rows, **terms)))  # type: ignore[arg-type]


def change(rows: tuple[Labelled, ...], cases: Sequence[Case] = ()) -> Change:
    found = tried(rows, cases)
    assert isinstance(found, Change), found
    return found


def routed(found: Change) -> tuple[str, str]:
    rules = RouteRules.model_validate(found.keys["routes"])
    return rules.cheap[0], rules.frontier[0]


def unmeasured(rows: tuple[Labelled, ...], cases: Sequence[Case] = (), **terms: object) -> Unmeasured:
    found = tried(rows, cases, **terms)
    assert isinstance(found, Unmeasured)
    return found


def test_the_steps_that_a_cheaper_model_does_as_well_go_to_it() -> None:
    found = change(labelled(), [agent_case(2)])

    assert "gpt-4o-mini takes 1 of 2 steps: 'easy' (150 of 150). The others stay with gpt-4o." in found.notes
    after = {effect.group: effect.after for effect in found.effects}
    assert {after[f"/easy {number}"] for number in range(150)} == {1_000}
    assert {after[f"/hard {number}"] for number in range(60)} == {16_000}
    assert found.successes_lost is not None
    assert found.successes_lost[0] == 0.0
    assert found.successes_lost[1] <= 0.05
    [one] = ranked([found], TERMS)
    assert one.advised


def test_the_keys_load_and_pass_the_check(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(budget_text({"agent": "a", **change(labelled()).keys}))

    result = CliRunner().invoke(app, ["check", str(file)])

    assert result.exit_code == 0, result.output
    assert "gpt-4o-mini" in result.output


def test_what_saves_is_measured_on_questions_with_no_part_in_the_threshold() -> None:
    # Each question is of a step of its own: what is learned from the others says nothing of it.
    steps = {f"s{number}": 1 for number in range(200)}
    alone = labelled(steps, {"gpt-4o-mini": list(steps)[::2], "gpt-4o": list(steps)})

    found = unmeasured(alone)

    assert "it is not sure for any threshold" in found.why


def test_few_questions_are_never_enough() -> None:
    found = unmeasured(labelled({"easy": 30, "hard": 10}))

    assert "questions that were answered by gpt-4o-mini and gpt-4o, at the very least; the set has 40" in found.why


def test_a_cheaper_model_that_is_right_nowhere_takes_nothing() -> None:
    assert isinstance(tried(labelled(right={"gpt-4o-mini": [], "gpt-4o": ["easy", "hard"]})), Unmeasured)


def test_where_nothing_is_right_there_is_nothing_to_lose() -> None:
    assert (
        "has answered none of 210 questions rightly"
        in unmeasured(labelled(right={"gpt-4o-mini": [], "gpt-4o": []})).why
    )


def test_where_both_always_do_as_well_the_set_says_nothing() -> None:
    same = labelled(right={"gpt-4o-mini": ["easy", "hard"], "gpt-4o": ["easy", "hard"]})

    assert "were answered as well by gpt-4o-mini as by gpt-4o" in unmeasured(same).why


def test_of_several_the_one_that_saves_most_is_taken_and_the_others_are_told() -> None:
    names = {"gpt-4.1-nano": 500, "gpt-4o-mini": 1_000, "gpt-4.1-mini": 4_000, "gpt-4o": 16_000}
    right = {"gpt-4.1-nano": [], "gpt-4o-mini": ["easy"], "gpt-4.1-mini": ["easy"], "gpt-4o": ["easy", "hard"]}
    found = change(labelled(STEPS, right, names))

    assert routed(found) == ("gpt-4o-mini", "gpt-4o")
    assert "for the 3 cheaper settings that were tried together" in found.how
    assert any(note.startswith("gpt-4.1-mini would save ") for note in found.notes)
    assert any(note.startswith("Not taken: with gpt-4.1-nano") for note in found.notes)


def test_no_more_than_four_are_tried() -> None:
    names = {f"m{number}": 1_000 + number for number in range(6)} | {"gpt-4o": 16_000}
    right = {name: ["easy"] for name in names} | {"gpt-4o": ["easy", "hard"]}

    assert "for the 4 cheaper settings" in change(labelled(STEPS, right, names)).how


def test_the_runs_own_model_is_what_questions_go_to_now() -> None:
    costs = {**COSTS, "o1": 100_000}
    rows = labelled(right={**RIGHT, "o1": ["easy", "hard"]}, costs=costs)

    assert routed(change(rows, [agent_case(2, model="gpt-4o")])) == ("gpt-4o-mini", "gpt-4o")
    assert routed(change(rows))[1] == "o1"


def test_rows_about_another_model_than_the_runs_say_so() -> None:
    found = change(labelled(), [agent_case(2, model="claude-sonnet-4-5")])

    assert "The rows are not about the runs' own model (claude-sonnet-4-5)." in found.notes


def test_a_model_without_a_price_is_told() -> None:
    found = change(labelled(right={"mine": ["easy"], "gpt-4o": ["easy", "hard"]}, costs={"mine": 1, "gpt-4o": 100}))

    assert any(note.startswith("No price is known for mine:") for note in found.notes)


def test_where_the_runs_model_is_the_cheapest_that_is_said() -> None:
    found = unmeasured(labelled(), [agent_case(2, model="gpt-4o-mini")])

    assert found.why == "none of the labelled rows is of a model that costs less than gpt-4o-mini"
    assert found.notes[0].startswith("With gpt-4o-mini these 3 calls cost")


def test_questions_without_a_step_are_told_apart_by_their_text() -> None:
    texts = {"easy": "What is the capital of France?", "hard": "Prove that 17 * 3 = ? and calculate 5 + 6 + 7"}
    rows = tuple(replace(row, step="", question=texts[row.step]) for row in labelled())

    assert "No row says its step, so questions are told apart by what their text is like." in change(rows).notes


def test_rows_without_a_cost_cost_what_a_call_of_the_runs_would() -> None:
    rows = labelled(costs={"gpt-4o-mini": None, "gpt-4o": None})

    found = change(rows, [agent_case(2)])

    assert {effect.before for effect in found.effects} == {max(effect.before for effect in found.effects)}
    assert found.effects[0].before / found.effects[0].after == pytest.approx(16.7, rel=0.01)
    assert found.notes[-1].startswith("Not all rows have a cost")


@pytest.mark.parametrize("cases", [[], [agent_case(2)]])
def test_without_a_cost_or_a_price_it_is_told_which_steps_and_nothing_is_advised(cases: list[Case]) -> None:
    rows = labelled(right={"mine": ["easy"], "yours": ["easy", "hard"]}, costs={"mine": None, "yours": None})

    found = unmeasured(rows, cases)

    assert "not every row has its cost" in found.why
    assert any(note.startswith("mine takes 1 of 2 steps: 'easy' (150 of 150)") for note in found.notes)


def test_rows_of_other_agents_are_left_out() -> None:
    others = tuple(replace(row, agent="b") for row in labelled())

    assert "not in a recording" in unmeasured(others).why


def test_of_too_many_questions_a_sample_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled_questions, "MOST_QUESTIONS", 200)

    found = change(labelled({"easy": 300, "hard": 100}))

    assert len(found.effects) == 200
    assert found.effects == change(labelled({"easy": 300, "hard": 100})).effects


def test_settings_that_differ_in_effort_as_well_are_not_compared() -> None:
    rows = tuple(
        replace(row, setting=Setting("gpt-4o", "high")) if row.setting.model == "gpt-4o" else row for row in labelled()
    )

    assert "costs less than gpt-4o@high" in unmeasured(rows).why


def test_names_that_no_budget_file_can_hold_are_passed_over() -> None:
    for name in ("mini\x1b[31m", "mini ", "x" * 300, "gpt-4o"):
        rows = tuple(
            replace(row, setting=Setting(name, row.setting.effort)) if "mini" in row.setting.model else row
            for row in labelled()
        )
        assert isinstance(tried(rows), Unmeasured), name


def test_steps_of_hostile_names_are_escaped_and_counted_no_further_than_can_be_read() -> None:
    steps = {f"\x1b[31m{number}{'x' * 200}": 10 for number in range(40)} | {"hard": 60}
    found = change(labelled(steps, {"gpt-4o-mini": list(steps)[:-1], "gpt-4o": list(steps)}))

    [note] = [note for note in found.notes if "steps:" in note]
    assert note.isprintable()
    assert "and 16 more" in note


def test_of_runs_of_one_model_prices_are_told_and_nothing_is_advised() -> None:
    found = unmeasured((), [agent_case(3, task=str(number)) for number in range(4)])

    assert "leanloop evaluate QUESTIONS --models gpt-4o,CHEAPER" in found.why
    assert found.notes[0].startswith("With gpt-4o these 16 calls cost")
    assert found.notes[1].startswith("With gpt-4o-mini they would cost 94% less for as many tokens: $")
    assert len(found.notes) == 4


def test_a_model_that_is_priced_in_the_file_is_compared_whoever_provides_it() -> None:
    cheap = ModelPriceEntry.model_validate({"input": 0.01, "output": 0.01})
    budget = TERMS.budget.model_copy(update={"prices": {"gpt-4o at home": cheap, "gpt-4o": cheap}})
    alone = TERMS.budget.model_copy(update={"prices": {"mine": cheap}})

    assert "has no cheaper model" in unmeasured((), [agent_case(2)], budget=budget).notes[1]
    assert "has no cheaper model" in unmeasured((), [agent_case(2, model="mine")], budget=alone).notes[1]


def test_models_that_cost_nothing_have_no_cheaper_one() -> None:
    free = ModelPriceEntry.model_validate({"input": 0, "output": 0})
    budget = TERMS.budget.model_copy(update={"prices": {"mine": free}})

    assert unmeasured((), [agent_case(2, model="mine")], budget=budget).notes == ()


def test_without_runs_or_rows_the_way_to_measure_is_said() -> None:
    assert "--models MODEL,CHEAPER" in unmeasured(()).why


def test_tasks_run_with_two_models_are_compared() -> None:
    both = [agent_case(2, task=str(n), model=model) for n in range(80) for model in ("gpt-4o", "gpt-4o-mini")]

    assert change((), both).keys == {"routes": {"frontier": "gpt-4o-mini"}}
    assert "no cheaper model is sure" in unmeasured((), both[:20]).why


def test_a_file_that_routes_is_left_alone() -> None:
    budget = TERMS.budget.model_copy(update={"routes": RouteRules(cheap=("gpt-4o-mini",))})

    assert "leanloop tune routes" in unmeasured(labelled(), budget=budget).why

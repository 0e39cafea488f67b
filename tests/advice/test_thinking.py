from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from agent_runs import agent_case
from labelled_sets import labelled_steps
from typer.testing import CliRunner

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.budget_file import budget_text
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.thinking import thinking
from leanloop.adapters.cli.app import app
from leanloop.adapters.traces.trace import RecordedCall
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.budgets.usage import Usage
from leanloop.plugins.trial.labelled import Labelled

TERMS = Terms(bare_budget("a"), lose_at_most=0.05)
STEPS = {"easy": 150, "hard": 60}
COSTS: Mapping[str, int | None] = {"gpt-5.1@none": 1_000, "gpt-5.1@high": 9_000}
RIGHT: Mapping[str, Sequence[str]] = {"gpt-5.1@none": ["easy"], "gpt-5.1@high": ["easy", "hard"]}


def labelled(
    right: Mapping[str, Sequence[str]] = RIGHT, costs: Mapping[str, int | None] = COSTS
) -> tuple[Labelled, ...]:
    return labelled_steps(STEPS, right, costs)


def tried(rows: tuple[Labelled, ...] = (), cases: Sequence[Case] = (), **terms: object) -> Change | Unmeasured:
    return thinking(Runs(cases, replace(TERMS, labelled=rows, **terms)))  # type: ignore[arg-type]


def reasoned(model: str = "gpt-5.1") -> Case:
    case = agent_case(1, model=model)
    usage = Usage(100, 1_000, reasoning=900)
    return replace(case, trace=replace(case.trace, calls=(RecordedCall(2, usage=usage), RecordedCall(4, usage=usage))))


def test_only_steps_that_need_it_are_thought_about(tmp_path: Path) -> None:
    found = tried(labelled())

    assert isinstance(found, Change)
    assert "gpt-5.1@none takes 1 of 2 steps: 'easy' (150 of 150). The others stay with gpt-5.1@high." in found.notes
    assert sum(effect.after for effect in found.effects) == 150 * 1_000 + 60 * 9_000
    assert found.successes_lost is not None
    assert found.successes_lost[1] <= 0.05
    file = tmp_path / "a.yaml"
    file.write_text(budget_text({"agent": "a", **found.keys}))
    result = CliRunner().invoke(app, ["check", str(file)])
    assert result.exit_code == 0, result.output
    assert "high where more than" in result.output


def test_of_several_efforts_the_one_that_saves_most_is_below() -> None:
    costs = {**COSTS, "gpt-5.1@low": 2_000, "gpt-5.1@medium": 5_000}
    right = {**RIGHT, "gpt-5.1@none": [], "gpt-5.1@low": ["easy"], "gpt-5.1@medium": ["easy"]}
    found = tried(labelled_steps(STEPS, right, costs))

    assert isinstance(found, Change)
    rules = ThinkingRules.model_validate(found.keys["thinking"])
    assert (rules.effort, rules.below) == ("high", "low")


def test_the_runs_own_model_goes_before_others_with_several_efforts() -> None:
    costs = {**COSTS, "o3@low": 1_000, "o3@high": 9_000, "o4-mini@low": 1_000}
    right = {**RIGHT, "o3@low": ["easy"], "o3@high": ["easy", "hard"], "o4-mini@low": []}
    rows = labelled(right, costs)

    for model in ("o3", "gpt-5.1"):
        found = tried(rows, [reasoned(model)])
        assert isinstance(found, Change)
        assert f"that {model}@" in found.how
    found = tried(rows, [reasoned("o4-mini")])  # tried with one effort only
    assert isinstance(found, Change)


def test_where_less_thinking_loses_everywhere_what_was_thought_is_told() -> None:
    found = tried(labelled(right={"gpt-5.1@none": [], "gpt-5.1@high": ["easy", "hard"]}), [reasoned()])

    assert isinstance(found, Unmeasured)
    assert found.notes[-1].startswith("Thinking cost")


def test_less_thinking_that_costs_no_less_is_none() -> None:
    found = tried(labelled(costs={"gpt-5.1@none": 9_000, "gpt-5.1@high": 9_000}))

    assert isinstance(found, Unmeasured)
    assert "gpt-5.1@none costs no less than gpt-5.1@high on the 210 questions" in found.why


def test_rows_without_a_cost_tell_which_steps_and_advise_nothing() -> None:
    found = tried(labelled(costs=dict.fromkeys(COSTS)))

    assert isinstance(found, Unmeasured)
    assert "not every row has its cost" in found.why
    assert any("takes 1 of 2 steps: 'easy'" in note for note in found.notes)


@pytest.mark.parametrize("rows", [(), labelled({"gpt-5.1": ["easy"]}, {"gpt-5.1": 1}), labelled()[::2]])
def test_of_runs_alone_what_was_thought_is_told_and_how_to_measure_less(rows: tuple[Labelled, ...]) -> None:
    found = tried(rows, [reasoned()])

    assert isinstance(found, Unmeasured)
    assert "leanloop evaluate QUESTIONS --models gpt-5.1 --thinking off,high" in found.why
    assert found.notes[0].startswith("Thinking cost $0.018 (")


@pytest.mark.parametrize("model", ["gpt-4o", "openai:gpt-4o", "openai/gpt-4o"])
def test_a_model_that_is_not_known_to_reason_is_no_case_for_it(model: str) -> None:
    found = tried((), [agent_case(1, model=model)])

    assert isinstance(found, Unmeasured)
    assert found.why == f"{model} is not known to reason"


def test_a_model_that_reasons_unrecorded_or_none_at_all_says_how_to_measure_it() -> None:
    for cases in ([agent_case(1, model="openai:gpt-5.1")], []):
        found = tried((), cases)
        assert isinstance(found, Unmeasured)
        assert "leanloop evaluate" in found.why


def test_a_file_that_has_the_gate_is_left_alone() -> None:
    found = tried(labelled(), budget=TERMS.budget.model_copy(update={"thinking": ThinkingRules()}))

    assert isinstance(found, Unmeasured)
    assert "leanloop tune gate" in found.why

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agent_runs import agent_case

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.paired_runs import paired_runs
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import saving_of
from leanloop.adapters.advice.tree import budget_of
from leanloop.budgets.price_entry import ModelPriceEntry

TERMS = Terms(bare_budget("a"), lose_at_most=0.05)


def runs(tasks: int, lost: int = 0, cheap: str = "gpt-4o-mini", dear: str = "gpt-4o", right: bool = True) -> list[Case]:
    """Each task with both models; the cheaper one fails the first `lost`."""

    def both() -> Iterator[Case]:
        for number in range(tasks):
            yield agent_case(2, task=str(number), model=dear, success=right)
            yield agent_case(2, task=str(number), model=cheap, success=right and number >= lost)
        yield agent_case(2, task="alone", model=dear)

    return list(both())


def tried(cases: list[Case], terms: Terms = TERMS) -> Change | Unmeasured | None:
    return paired_runs("cheaper model", Runs(cases, terms))


def test_a_model_that_does_as_well_on_the_same_tasks_is_a_change() -> None:
    found = tried(runs(80))

    assert isinstance(found, Change)
    assert found.successes_lost is not None
    assert found.successes_lost[0] == 0
    assert 0.02 < found.successes_lost[1] <= 0.05
    assert len(found.effects) == 80
    saving = saving_of(found)
    assert 0.9 < saving.share.low <= saving.share.estimate < 0.95  # the one costs a 17th of the other
    assert budget_of({"agent": "a", **found.keys}).routes is not None
    assert "gpt-4o-mini in place of gpt-4o on 80 tasks" in found.notes[0]


def test_few_tasks_are_never_enough_however_well_they_went() -> None:
    found = tried(runs(20))

    assert isinstance(found, Unmeasured)
    assert "without any difference that takes 52 tasks" in found.why
    assert "0.0% of the successes lost, at most" in found.notes[0]


def test_a_model_that_loses_too_much_is_told_and_is_no_change() -> None:
    found = tried(runs(80, lost=16))

    assert isinstance(found, Unmeasured)
    assert "20.0% of the successes lost" in found.notes[0]


def test_runs_that_nobody_judged_or_of_one_model_say_nothing() -> None:
    assert tried([replace(case, model="gpt-4o") for case in runs(80)]) is None
    assert tried([agent_case(2, task="1", model=model, success=None) for model in ("gpt-4o", "gpt-4o-mini")]) is None
    assert tried([agent_case(2, task=model, model=model) for model in ("gpt-4o", "gpt-4o-mini")]) is None
    assert tried([]) is None


def test_a_dearer_model_and_one_beside_which_nothing_succeeded_are_told() -> None:
    dearer = tried(runs(80, cheap="gpt-4o", dear="gpt-4o-mini"))
    nothing = tried(runs(80, right=False)[:-1])

    assert isinstance(dearer, Unmeasured)
    assert "gpt-4o costs no less than gpt-4o-mini on the 80 tasks" in dearer.notes[0]
    assert isinstance(nothing, Unmeasured)
    assert "gpt-4o succeeded in none of the 80 tasks" in nothing.notes[0]


def test_of_several_models_the_one_that_saves_most_is_taken_at_a_bound_that_holds_for_all() -> None:
    third = [agent_case(2, task=str(number), model="gpt-4.1-nano") for number in range(80)]
    found, alone = tried(runs(80) + third), tried(runs(80))

    assert isinstance(found, Change)
    assert isinstance(alone, Change)
    assert found.keys == {"routes": {"frontier": "gpt-4.1-nano"}}
    assert found.successes_lost is not None
    assert alone.successes_lost is not None
    assert found.successes_lost[1] > alone.successes_lost[1]


def test_a_model_whose_name_no_file_can_hold_is_passed_over() -> None:
    assert tried(runs(80, cheap="gpt-4o-mini ")) is None


def test_models_that_cost_nothing_and_losses_that_cannot_be_allowed_do_no_harm() -> None:
    free = ModelPriceEntry.model_validate({"input": 0, "output": 0})
    prices = {"gpt-4o": free, "gpt-4o-mini": free}
    found = tried(runs(80), replace(TERMS, budget=TERMS.budget.model_copy(update={"prices": prices})))
    none = tried(runs(80), replace(TERMS, lose_at_most=0.0))

    assert isinstance(found, Unmeasured)
    assert isinstance(none, Unmeasured)
    assert none.why == "no cheaper model is sure to lose at most 0 of the successes"

"""Budget, loop guard and prefix caching as features, and what is said against a change."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from agent_runs import agent_case
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.budget_limit import CANDIDATES, budget_limit
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.limit_trial import Candidate, LimitTrial
from leanloop.adapters.advice.loop_guard import loop_guard
from leanloop.adapters.advice.prefix_caching import is_cached, prefix_caching
from leanloop.adapters.advice.ranking import doubts, ranked
from leanloop.adapters.advice.recorded import against_the_record
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import saving_of
from leanloop.adapters.traces.trace import RecordedCall
from leanloop.budgets.budget import Loop
from leanloop.budgets.context_rules import PrefixRules
from leanloop.budgets.limit import Limit
from leanloop.budgets.price_entry import ModelPriceEntry
from leanloop.budgets.usage import Usage

TERMS = Terms(bare_budget("a"))
LONG = " word" * 1_500


def changed(found: Change | Unmeasured) -> Change:
    assert isinstance(found, Change), found
    return found


def short_and_endless(successes: int = 40, failures: int = 20) -> list[Case]:
    """Successes of 2 to 5 steps, and failures of 30."""
    draw = random.Random(3)
    done = [agent_case(draw.randint(2, 5), task=f"s{n}") for n in range(successes)]
    return done + [agent_case(30, task=f"f{n}", success=False) for n in range(failures)]


# The budget


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50), st.sampled_from(CANDIDATES))
def test_a_candidate_leaves_at_most_its_share_above_it(costs: list[int], candidate: Candidate) -> None:
    limit = candidate.of(costs)
    assert sum(cost > limit for cost in costs) <= (100 - candidate.percentile) / 100 * len(costs)
    assert limit <= max(1, 1.01 * candidate.room * max(costs) + 1)


def test_a_limit_ends_what_successes_never_cost() -> None:
    found = changed(budget_limit(Runs(short_and_endless(), TERMS)))
    saving = saving_of(found)

    assert (saving.losses.lost, saving.losses.of, saving.runs) == (0, 40, 60)
    assert saving.share.low > 0.5
    assert list(found.keys) == ["limits"]
    assert "success" in found.notes[0]


def test_more_losses_allowed_is_a_tighter_limit() -> None:
    cases = [agent_case(n, task=str(n)) for n in range(1, 21)]
    strict, loose = (
        saving_of(changed(budget_limit(Runs(cases, replace(TERMS, lose_at_most=most))))) for most in (0.0, 0.3)
    )
    assert strict.losses.share == 0 < loose.losses.share
    assert loose.after < strict.after


def test_a_limit_is_never_judged_on_the_runs_it_is_fitted_to() -> None:
    """Each success dearer than the one before: the dearest of four fifths does not hold the dearest of all."""
    cases = [agent_case(n, task=str(n)) for n in range(1, 31)]
    trial = LimitTrial(Runs(cases, TERMS), "tokens")
    fitted = [case for case in cases if case.group != "30"]
    limit = trial.limit(Candidate(100), fitted)
    assert trial.effect(cases[-1], limit).ended
    assert not trial.effect(cases[-1], 10 * limit).ended


def test_without_a_judge_each_run_counts_as_a_success() -> None:
    cases = [agent_case(3, task=str(n), success=None) for n in range(12)] + [agent_case(40, task="x", success=None)]
    found = changed(budget_limit(Runs(cases, TERMS)))
    losses = saving_of(found).losses
    assert (losses.of, losses.assumed) == (13, True)
    assert "run" in found.notes[0]
    assert "success" not in found.notes[0]


@pytest.mark.parametrize("limit", [Limit(usd=Decimal(1)), Limit(tokens=9)])
def test_a_limit_that_is_there_stays(limit: Limit) -> None:
    terms = Terms(bare_budget("a").with_limits(limit))
    found = budget_limit(Runs(short_and_endless(), terms))
    assert isinstance(found, Unmeasured)
    assert "limits what a task may spend" in found.why


def test_other_limits_hold_before_and_after() -> None:
    terms = Terms(bare_budget("a").with_limits(Limit(cycles=10)))
    found = changed(budget_limit(Runs(short_and_endless(), terms)))
    assert saving_of(found).before < saving_of(changed(budget_limit(Runs(short_and_endless(), TERMS)))).before


@pytest.mark.parametrize("cases", [[agent_case(3)], [agent_case(3), agent_case(9)]])
def test_runs_of_one_task_fit_no_limit(cases: list[Case]) -> None:
    found = budget_limit(Runs(cases, TERMS))
    assert isinstance(found, Unmeasured)
    assert "of one task" in found.why


def test_what_costs_nothing_needs_no_limit() -> None:
    budget = bare_budget("a").model_copy(
        update={"prices": {"free": ModelPriceEntry(input=Decimal(0), output=Decimal(0))}}
    )
    found = budget_limit(Runs([agent_case(3, task=str(n), model="free") for n in range(6)], Terms(budget)))
    assert isinstance(found, Unmeasured)
    assert "cost nothing" in found.why


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from([True, False, None])), min_size=1, max_size=8))
def test_whatever_the_runs_are_a_limit_is_found_or_it_is_said_why_not(runs: list[tuple[int, bool | None]]) -> None:
    cases = [agent_case(steps, task=str(n), success=success) for n, (steps, success) in enumerate(runs)]
    found = budget_limit(Runs(cases, TERMS))
    if isinstance(found, Change):
        assert sorted(effect.group for effect in found.effects) == sorted(case.group for case in cases)


# The loop guard


def test_the_guard_ends_circles_and_touches_nothing_else() -> None:
    cases = [agent_case(5, task=f"s{n}") for n in range(10)]
    cases += [agent_case(20, task=f"f{n}", success=False, equal=True) for n in range(10)]
    found = changed(loop_guard(Runs(cases, TERMS)))
    saving = saving_of(found)

    assert (saving.losses.lost, saving.losses.of) == (0, 10)
    assert saving.share.low > 0.2
    assert found.notes == (
        "Of 10 successful runs 0 were told of a loop or answered from before, and 0 were ended.",
        "Of 10 failed runs 10 were told of a loop or answered from before, and 10 were ended.",
    )


def test_a_guard_that_is_on_is_not_measured_and_neither_is_one_of_no_tool() -> None:
    on = loop_guard(Runs([agent_case(3)], Terms(bare_budget("a").model_copy(update={"loop": Loop()}))))
    assert on == Unmeasured("loop guard", "the budget file has it on")
    talk = loop_guard(Runs([agent_case(0)], TERMS))
    assert isinstance(talk, Unmeasured)
    assert "no run has a result of a tool" in talk.why


# Prefix caching


def claude(number: int, *usages: Usage) -> Case:
    case = agent_case(4, task=str(number), system=LONG, model="claude-sonnet-4-5")
    calls = tuple(RecordedCall(2 * n + 2, "claude-sonnet-4-5", usage) for n, usage in enumerate(usages))
    return replace(case, trace=replace(case.trace, calls=calls)) if calls else case


def test_asking_for_the_cache_saves_where_it_must_be_asked_for() -> None:
    saving = saving_of(changed(prefix_caching(Runs([claude(n) for n in range(6)], TERMS))))
    assert saving.share.low > 0.5
    assert saving.losses.share == 0


def test_a_provider_that_caches_by_itself_needs_no_asking() -> None:
    found = prefix_caching(Runs([agent_case(4, task=str(n), system=LONG) for n in range(6)], TERMS))
    assert isinstance(found, Unmeasured)
    assert "caches these runs' prompts already; as counted that saves 3" in found.why


def test_who_asks_already_is_not_told_to() -> None:
    usages = [Usage(2_000, 10, cached_input=1_500)] * 5
    found = prefix_caching(Runs([claude(n, *usages) for n in range(6)], TERMS))
    assert isinstance(found, Unmeasured)
    assert found.notes[0].startswith("By the recorded usage of 6 runs 75.0% of the input was read from the cache; as")

    asks = bare_budget("a").model_copy(update={"prefix": PrefixRules()})
    assert is_cached(claude(1), asks)
    assert not is_cached(claude(1), TERMS.budget)


# What is said against a change, and for it


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        ([Effect(str(n), 100, 50, success=True) for n in range(20)], None),
        ([Effect(str(n), 0, 0) for n in range(20)], "these runs cost nothing"),
        ([Effect(str(n), 100, 50) for n in range(4)], "4 of the 5 tasks"),
        ([Effect(str(n), 100, 120) for n in range(20)], "it costs money"),
        ([Effect(str(n), 100, 100) for n in range(20)], "it saves nothing"),
        ([Effect(str(n), 100, 80 + 40 * (n % 2)) for n in range(20)], "0 lies within the interval"),
        ([Effect(str(n), 100, 50, success=True, ended=n < 1) for n in range(20)], "5.0% of successes lost, more than"),
        ([Effect(str(n), 100, 50, ended=n < 1) for n in range(20)], "lost, each run taken for one, more than 1.00%"),
        ([Effect(str(n), 100, 50, used=10, missing=1) for n in range(20)], "10.0% of the values that were used"),
    ],
)
def test_a_change_is_not_advised_without_saying_why(effects: list[Effect], said: str | None) -> None:
    found = list(doubts(saving_of(Change("x", {}, effects, "")), 0.01))
    assert found == [] if said is None else said in found[0]


def test_what_surely_saves_more_stands_above() -> None:
    def change(name: str, *after: int) -> Change:
        return Change(name, {}, [Effect(str(n), 100, cost, success=True) for n, cost in enumerate(after)], "")

    changes = [change("dear", *[101] * 10), change("some", *[80] * 10), change("most", *[20] * 10)]
    found = ranked([*changes, change("doubtful", *[0, 190] * 5)], TERMS)
    assert [one.change.feature for one in found] == ["most", "some", "dear", "doubtful"]
    assert [one.advised for one in found] == [True, True, False, False]


def test_the_counted_bill_stands_beside_the_recorded_one() -> None:
    by_usage = claude(1, *[Usage(1_000, 10)] * 5)
    costs = tuple(RecordedCall(2 * n + 2, cost=1_000_000) for n in range(5))
    by_cost = replace(by_usage, trace=replace(by_usage.trace, calls=costs))
    half = replace(by_usage, trace=replace(by_usage.trace, calls=(*costs[:4], RecordedCall(10))))

    said = against_the_record(Runs([by_usage, by_cost, half, agent_case(1)], TERMS))
    assert said is not None
    assert said.startswith("The bill of 2 runs: $0.02075 as recorded, $")
    assert against_the_record(Runs([half, agent_case(1)], TERMS)) is None
    free = replace(by_usage, trace=replace(by_usage.trace, calls=(RecordedCall(2, cost=0),)))
    assert "as counted here. " in (against_the_record(Runs([free], TERMS)) or "")


def test_what_saves_less_than_it_loses_is_not_advised() -> None:
    effects = [Effect(str(n), 1_000, 990 if n else 0, success=True, ended=n == 0) for n in range(100)]
    effects += [Effect(f"f{n}", 10_000, 10_000, success=False) for n in range(20)]
    found = list(doubts(saving_of(Change("x", {}, effects, "")), 0.01))
    assert any(
        doubt.startswith("a success would cost more: 1.0% of them are lost for 0.7% of the bill") for doubt in found
    )


def test_a_saving_that_would_be_shown_as_nothing_is_not_advised() -> None:
    def after(amount: int) -> list[str]:
        return list(doubts(saving_of(Change("x", {}, [Effect(str(n), 10_000, amount) for n in range(50)], "")), 0.01))

    assert after(9_999) == ["it may save less than 0.05% of the bill"]
    assert after(9_990) == []


def test_a_limit_in_dollars_that_loses_too_much_does_not_hide_one_in_tokens() -> None:
    """Of a prompt that is read from the cache a reservation needs many times what it costs: no limit in usd holds."""
    long = "found " * 1_500
    cases = [agent_case(3, task=str(n), model="claude-sonnet-4-5", text=long) for n in range(10)]
    cases += [agent_case(18, task=f"f{n}", model="claude-sonnet-4-5", text=long, success=False) for n in range(3)]
    runs = Runs(cases, TERMS)
    assert not LimitTrial(runs, "usd").tightest(CANDIDATES, cases)[1]

    found = changed(budget_limit(runs))
    saving = saving_of(found)
    assert "'tokens'" in str(found.keys["limits"])
    assert saving.losses.lost == 0
    assert saving.share.estimate > 0.5

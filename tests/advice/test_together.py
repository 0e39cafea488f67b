from __future__ import annotations

from dataclasses import replace

import pytest
from agent_runs import agent_case
from pydantic import JsonValue

from leanloop.adapters.advice.advice import advise
from leanloop.adapters.advice.bare import bare_budget, bare_tree
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.loop_guard import loop_guard
from leanloop.adapters.advice.ranking import Ranked
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import saving_of
from leanloop.adapters.advice.together import Together, put_together
from leanloop.adapters.advice.tree import budget_of, changed
from leanloop.adapters.cli.advise_tables import summary
from leanloop.adapters.traces.trace import RecordedCall
from leanloop.budgets.limit import Limit

TERMS = Terms(bare_budget("a"))
LOOP: dict[str, JsonValue] = {"loop": {"repeats": 3, "window": 8}}


def runs(circles: int = 10) -> list[Case]:
    done = [agent_case(3, task=f"s{n}") for n in range(20)]
    return done + [agent_case(25, task=f"f{n}", success=False, equal=True) for n in range(circles)]


def advised(feature: str, keys: dict[str, JsonValue], against: tuple[str, ...] = ()) -> Ranked:
    change = Change(feature, keys, [Effect(str(n), 100, 50, success=True) for n in range(9)], "how")
    return Ranked(change, saving_of(change), against)


def limit(**amounts: JsonValue) -> dict[str, JsonValue]:
    return {"limits": [{"per": "task", **amounts}]}


def put(*ranked: Ranked, cases: list[Case] | None = None) -> Together:
    return put_together(None, ranked, Runs(runs() if cases is None else cases, TERMS))


def test_what_is_advised_is_replayed_as_one_file() -> None:
    found = put(advised("loop guard", LOOP), advised("budget", limit(cycles=5)))

    assert [one.change.feature for one in found.taken] == ["loop guard", "budget"]
    assert found.saving is not None
    assert found.saving.share.estimate > 0.3
    assert budget_of(found.tree).limits == (Limit(cycles=5),)


def test_what_saves_nothing_more_is_left_out_and_says_so() -> None:
    found = put(advised("loop guard", LOOP), advised("budget", limit(cycles=100)))

    assert [(one.advised, one.alone) for one in found.ranked] == [(True, False), (False, True)]
    assert found.ranked[1].against == ("it saves nothing beyond what is advised above it",)
    assert "limits" not in found.tree  # the default of 25 cycles does these runs no harm


def test_what_another_brought_along_is_in_the_file_already() -> None:
    both: dict[str, JsonValue] = {**LOOP, "landing": {"tokens": 100}}
    found = put(advised("both", both), advised("loop guard", LOOP))
    assert found.ranked[1].against == ("it is in the file already, with what is advised above it",)
    assert found.ranked[1].alone


def test_what_loses_too_much_beside_the_others_is_left_out() -> None:
    found = put(advised("loop guard", LOOP), advised("budget", limit(cycles=2)))

    assert [one.alone for one in found.ranked] == [False, True]
    assert "with what is advised above it: 100.0% of successes lost" in found.ranked[1].against[0]


def test_what_no_replay_shows_is_in_the_file_and_not_in_the_figure() -> None:
    found = put(advised("cache", {"cache": {"ttl": "1h"}}))

    assert found.unseen == ("cache",)
    assert found.saving is None
    assert found.tree["cache"] == {"ttl": "1h"}


def test_what_is_not_advised_is_not_in_the_file() -> None:
    found = put(advised("loop guard", LOOP, against=("no",)))
    assert found.taken == ()
    assert found.saving is None


def test_a_default_that_does_no_harm_is_left_on_and_another_is_switched_off() -> None:
    harmless = put(cases=runs(0))
    assert "loop" not in harmless.tree

    loses = put(cases=[agent_case(25, task=f"s{n}", equal=True) for n in range(9)])
    assert loses.tree["loop"] is False


def test_no_limit_at_all_is_written_only_where_the_default_would_end_successes() -> None:
    assert "limits" not in put(cases=runs(24)).tree
    assert put(cases=[agent_case(30, task=f"s{n}") for n in range(9)]).tree["limits"] == []


def test_a_guard_that_only_costs_a_little_beside_the_others_is_left_on() -> None:
    circles = [agent_case(30, task=f"f{n}", equal=True, success=False, text="long " * 90) for n in range(5)]
    cases = [*runs(0), *circles]
    budget, guard = advised("budget", limit(cycles=6)), advised("loop guard", LOOP)
    assert put(budget, cases=cases).tree["loop"] is False  # what it tells the model costs more than nothing

    found = put(budget, guard, cases=cases)
    assert found.ranked[1].alone
    assert "loop" not in found.tree


def test_a_file_of_the_user_keeps_what_it_says() -> None:
    own: dict[str, object] = {"agent": "a", "loop": False, "limits": [{"per": "day", "usd": 3}]}
    terms = Terms(budget_of(own))
    found = put_together(own, [advised("budget", limit(cycles=10))], Runs(runs(), terms))
    assert found.tree == {**own, "limits": [{"per": "day", "usd": 3}, {"per": "task", "cycles": 10}]}


def test_prefix_caching_is_worth_what_it_saves_of_a_bill_without() -> None:
    long = " word" * 1_500
    cases = [agent_case(4, task=str(n), system=long, model="claude-sonnet-4-5") for n in range(6)]
    found = put(advised("prefix caching", {"prefix": {"breakpoints": True}}), cases=cases)
    assert found.saving is not None
    assert found.saving.share.low > 0.5
    assert "prefix" in found.tree


def test_a_model_without_a_price_has_no_place_beside_a_limit_in_dollars() -> None:
    routes: dict[str, JsonValue] = {"routes": {"cheap": "nobody-s-model", "frontier": "gpt-4o"}}
    found = put(advised("loop guard", LOOP), advised("budget", limit(usd=1)), advised("cheaper model", routes))
    assert not found.ranked[1].advised  # it saves nothing
    assert found.ranked[2].advised

    found = put(advised("budget", limit(usd=0.01)), advised("cheaper model", routes))
    assert found.ranked[1].against == ("beside a limit in dollars nobody-s-model needs a price: name it under prices",)
    priced = put(
        advised("budget", limit(usd=0.01)),
        advised("cheaper model", {"routes": {"cheap": "gpt-4o-mini", "frontier": "gpt-4o"}}),
    )
    assert [one.advised for one in priced.ranked] == [True, True]


@pytest.mark.parametrize(
    ("own", "keys", "file"),
    [
        ({}, {"loop": {"repeats": 4}}, {"loop": {"repeats": 4}}),
        ({"loop": False}, {"loop": {"repeats": 4}}, {"loop": {"repeats": 4}}),
        ({"cache": {"ttl": "1h"}}, {"cache": {"semantic": "off"}}, {"cache": {"ttl": "1h", "semantic": "off"}}),
        ({"results": 500}, {"results": {"max_tokens": 900}}, {"results": {"max_tokens": 900}}),
        ({}, {"limits": [{"usd": 1}]}, {"limits": [{"per": "task", "cycles": 25}, {"usd": 1}]}),
        ({"limits": []}, {"limits": [{"usd": 1}]}, {"limits": [{"usd": 1}]}),
        ({"limits": [{"cycles": 3}]}, {"limits": [{"usd": 1}]}, {"limits": [{"cycles": 3}, {"usd": 1}]}),
    ],
)
def test_keys_are_laid_over_a_file(own: dict[str, object], keys: dict[str, object], file: dict[str, object]) -> None:
    before = dict(own)
    assert changed(own, [keys]) == file
    assert own == before


def test_the_bare_budget_has_nothing_on() -> None:
    budget = budget_of(bare_tree("a"))
    assert budget == bare_budget("a")
    assert (budget.limits, budget.loop, budget.results, budget.context, budget.cache) == ((), None, None, None, None)


# All of it


def test_runs_of_models_without_a_price_are_left_out_and_named() -> None:
    cases = [*runs(), agent_case(3, task="x", model="nobody-s-model")]
    advice = advise(cases, TERMS, features=(loop_guard,))
    assert (advice.runs, advice.models) == (30, ("gpt-4o",))
    assert advice.notes[0].startswith("1 runs were left out: no price is known for nobody-s-model. Name it under")


def test_without_any_price_nothing_is_measured_and_that_is_said() -> None:
    advice = advise([agent_case(3, model="nobody-s-model")], TERMS)
    assert (advice.runs, advice.together.ranked, advice.unmeasured) == (0, (), ())
    assert list(summary(advice)) == ["Nothing is advised: nothing could be measured."]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_equal_runs_are_one_task_of_which_nothing_is_claimed(count: int) -> None:
    advice = advise([agent_case(20, equal=True, success=False)] * count, TERMS, features=(loop_guard,))
    assert not advice.together.taken
    assert "1 of the 5 tasks" in advice.together.ranked[0].against[0]
    assert "No run is known to be a success" in advice.notes[-1]


def test_features_are_told_of_as_they_are_tried() -> None:
    seen: list[str] = []
    advise(runs(1), TERMS, features=(loop_guard,), progress=seen.append)
    assert seen == ["loop guard", "all together"]


def test_what_was_not_measured_and_the_recorded_bill_are_told() -> None:
    case = agent_case(1)
    case = replace(case, trace=replace(case.trace, calls=(RecordedCall(2, cost=10**6), RecordedCall(4, cost=10**6))))
    on = replace(TERMS, budget=TERMS.budget.model_copy(update={"loop": budget_of({"agent": "a"}).loop}))
    advice = advise([case], on, features=(loop_guard,))
    assert advice.unmeasured == (Unmeasured("loop guard", "the budget file has it on"),)
    assert advice.notes[0].startswith("The bill of 1 runs: $0.002 as recorded")
    assert (advice.successes, advice.failures, advice.tasks) == (1, 0, 1)

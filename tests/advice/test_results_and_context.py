"""Advice on shortened results and cleared context, on made-up runs and on the shared sets."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.cases import sampled
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.context import context
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.grid import Setting, Trials, Tried
from leanloop.adapters.advice.ranking import doubts
from leanloop.adapters.advice.results import results
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import Saving, saving_of
from leanloop.adapters.traces.openai import parse_trace, traces_in
from leanloop.budgets.budget import Budget
from leanloop.budgets.context_rules import ContextRules
from leanloop.budgets.price_book import price_book
from leanloop.budgets.result_rules import ResultRules

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MODEL = "claude-sonnet-4-5"
TERMS = Terms(bare_budget("helper"))


def case(task: str, steps: int, lines: int, *, use: bool = False, tool: str = "look") -> Case:
    """A run whose tool gives so many lines in each step; with `use` its last answer names one in their midst."""
    messages: list[dict[str, object]] = [{"role": "user", "content": f"Task {task}"}]
    for step in range(steps):
        call = {"id": f"c{step}", "name": tool, "arguments": json.dumps({"at": step})}
        text = "".join(f"order ZX-{step}-{number} of {task} was packed and sent\n" for number in range(lines))
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "content": text, "tool_call_id": f"c{step}"})
    messages.append({"role": "assistant", "content": f"It was ZX-0-{lines // 2}." if use else "done"})
    line = json.dumps({"id": task, "meta": {"reward": 1.0}, "messages": messages})
    return Case(parse_trace(line.encode(), "t.jsonl", 1), MODEL, task)


def long_results() -> list[Case]:
    return [case(f"t{number}", 6, 150, use=number % 2 == 0) for number in range(12)]


def many_results() -> list[Case]:
    return [case(f"t{number}", 40, 20) for number in range(8)]


def change(found: Change | Unmeasured) -> Change:
    assert isinstance(found, Change), found
    return found


def test_long_results_are_shortened_to_what_saves_most_and_what_is_read_back_is_paid() -> None:
    found = change(results(Runs(long_results(), TERMS)))
    assert found.keys == {"results": {"max_tokens": 500}}
    saving = saving_of(found)
    assert saving.share.low > 0.2
    assert (saving.used, saving.missing) == (6, 0)
    assert not list(doubts(saving, 0.01))
    assert [note.partition(" ")[0] for note in found.notes] == ["results:"] * 3
    assert "results: {max_tokens: 500} saves" in found.notes[-1]
    assert "6 calls read back, 0 of 6 used values lost." in found.notes[-1]


def test_short_results_are_not_advised_to_be_shortened() -> None:
    found = change(results(Runs([case(f"t{number}", 2, 1) for number in range(8)], TERMS)))
    saving = saving_of(found)
    assert saving.share.high < 0
    assert "it costs money" in list(doubts(saving, 0.01))
    assert "costs" in found.notes[0]


def test_many_results_are_cleared_where_shortening_finds_nothing_to_shorten() -> None:
    cases = many_results()
    shortened, cleared = saving_of(change(results(Runs(cases, TERMS)))), change(context(Runs(cases, TERMS)))
    assert shortened.share.high < 0
    assert saving_of(cleared).share.low > 0.1
    assert set(cleared.keys) == {"results", "context"}


def test_clearing_is_measured_beyond_what_shortening_saves() -> None:
    cases = long_results()
    shortened, cleared = saving_of(change(results(Runs(cases, TERMS)))), saving_of(change(context(Runs(cases, TERMS))))
    assert cleared.before == shortened.after
    assert abs(cleared.share.estimate) < 0.1 < shortened.share.estimate


def test_a_file_that_shortens_already_is_tried_with_other_limits_and_without() -> None:
    terms = Terms(Budget(agent="a", limits=(), loop=None, results=ResultRules(max_tokens=1_000)))
    found = change(results(Runs(long_results(), terms)))
    assert [note.partition(" saves")[0].partition(" costs")[0] for note in found.notes] == [
        "results: {max_tokens: 4000}",
        "results: {max_tokens: 500}",
        "results: off",
    ]
    assert found.keys == {"results": {"max_tokens": 500}}
    short = change(results(Runs([case(f"t{number}", 2, 1) for number in range(8)], terms)))
    assert (short.feature, short.keys) == ("results left whole", {"results": False})
    assert saving_of(short).share.low > 0
    assert set(change(context(Runs(many_results(), terms))).keys) == {"context"}


def test_what_cannot_be_measured_is_said() -> None:
    def why(found: Change | Unmeasured) -> str:
        assert isinstance(found, Unmeasured), found
        return found.why

    told = parse_trace(
        b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}', "t", 1
    )
    for feature in (results, context):
        assert why(feature(Runs([Case(told, MODEL, "a")], TERMS))) == "no run has a result of a tool"
        assert "all runs are of one task" in why(feature(Runs([case("one", 3, 50)] * 3, TERMS)))
        assert "a tool named read_result" in why(feature(Runs([case("one", 3, 50, tool="read_result")], TERMS)))
    on = Terms(Budget(agent="a", context=ContextRules()))
    assert why(context(Runs(many_results(), on))) == "the budget file has it on"


def effects(*after: int, missing: int = 0) -> list[Effect]:
    return [Effect(f"t{number}", 200, cost, used=10, missing=missing) for number, cost in enumerate(after)]


def test_what_one_run_alone_likes_is_not_chosen_for_it() -> None:
    trials = Trials(Runs([case(f"t{number}", 1, 1) for number in range(10)], TERMS))
    lucky = Tried(Setting({}, TERMS.budget, "best on the first run alone"), effects(0, *[200] * 9))
    steady = Tried(Setting({}, TERMS.budget, "better on all others"), effects(*[190] * 10))
    assert trials.best([lucky, steady]) is lucky
    assert sorted(place for _, held_out in trials.folds for place in held_out) == list(range(10))
    for fitted, held_out in trials.folds:
        assert not set(fitted) & set(held_out)
        assert trials.best([lucky, steady], fitted) is (steady if 0 in held_out else lucky)


def test_of_settings_that_lose_too_much_the_one_that_loses_least_is_taken() -> None:
    trials = Trials(Runs([case(f"t{number}", 1, 1) for number in range(6)], TERMS))
    runs = [
        Tried(Setting({}, TERMS.budget, ""), effects(*[after] * 6, missing=missing))
        for missing, after in ((5, 10), (1, 100), (2, 20))
    ]
    assert trials.best(runs) is runs[1]


def test_a_setting_of_runs_that_cost_nothing_is_told_all_the_same() -> None:
    setting = Setting({}, TERMS.budget, "results: off")
    assert Tried(setting).told() == "results: off saves 0.0% of the bill, 0 calls read back."


# What bench/context_cost.py and bench/evidence.py find on the shared sets, on a sample of each


def shared(name: str, most: int) -> list[Case]:
    path = DATA / name / "trajectories.jsonl"
    if not path.is_file():
        pytest.skip(f"{path.parent.name} is not there")
    runs = list(traces_in(path))
    drawn = random.Random(0).sample(runs, min(most, len(runs)))
    return sampled(drawn, None).cases(MODEL, price_book(TERMS.budget))


def measured(found: Change | Unmeasured) -> tuple[Saving, list[str]]:
    saving = saving_of(change(found))
    return saving, list(doubts(saving, 0.01))


def test_on_tau_bench_shortening_pays_by_json_in_fewer_tokens_and_loses_nothing() -> None:
    saving, against = measured(results(Runs(shared("tau-bench", 30), TERMS)))
    assert not against
    assert 0.03 < saving.share.estimate < 0.12  # the bench, with read_result counted: 0.065
    assert saving.used > 200
    assert saving.missing == 0


def test_on_swe_agent_runs_shortening_pays_at_500_tokens_and_not_at_4_000() -> None:
    found = change(results(Runs(shared("swe-agent-demos", 22), TERMS)))
    saving, against = measured(found)
    assert not against
    assert found.keys == {"results": {"max_tokens": 500}}
    assert 0.05 < saving.share.estimate < 0.2  # the bench: 0.11
    assert "max_tokens: 4000} costs" in found.notes[0]
    assert (saving.used, saving.missing) == (99, 0)


def test_on_intercode_bash_whose_runs_are_short_neither_pays() -> None:
    cases = shared("intercode-bash", 60)
    for feature in (results, context):
        saving, against = measured(feature(Runs(cases, TERMS)))
        assert saving.share.estimate < 0  # read_result is described in prompts of a few hundred tokens
        assert against

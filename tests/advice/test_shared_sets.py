"""What is advised on the shared sets is what the benches found on them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from benches import DATA, bench_module

from leanloop.adapters.advice.advice import advise
from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.budget_limit import budget_limit
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.cases import sampled
from leanloop.adapters.advice.change import Change
from leanloop.adapters.advice.loop_guard import loop_guard
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import saving_of
from leanloop.adapters.traces.openai import traces_in
from leanloop.budgets.price_book import price_book

TERMS = Terms(bare_budget("a"))
SETS = ("tau-bench", "swe-agent-demos", "intercode-bash")
_MOST = {"tau-bench": 60, "intercode-bash": 150}
"""So many runs of a set are enough to see it."""


def path_of(name: str) -> Path:
    path = DATA / name / "trajectories.jsonl"
    if not path.is_file():
        pytest.skip(f"the set {name} is absent")
    return path


@cache
def cases_of(name: str, *, whole: bool = False) -> list[Case]:
    most = None if whole else _MOST.get(name)
    return sampled(traces_in(path_of(name)), most).cases("gpt-4o", price_book(TERMS.budget))


def changed(found: object) -> Change:
    assert isinstance(found, Change)
    return found


@pytest.mark.parametrize("name", SETS)
def test_the_95th_percentile_is_that_of_the_bench(name: str) -> None:
    """In tokens, as the bench has it; a limit of advice is rounded up to three digits, which moves a run or two."""
    bench: Any = bench_module("percentile_budget")
    runs = [bench.measured(case.trace) for case in cases_of(name)]
    tokens = bench.percentile([sum(run.calls) for run in runs if run.success])
    result = bench.apply(bench.under(tokens), runs)

    note = changed(budget_limit(Runs(cases_of(name), TERMS))).notes[1]
    said = re.search(r"([\d,]+) tokens, ([\d.]+)% of tokens .* saved and (\d+) of (\d+) lost", note)
    assert said is not None
    limit, saved, lost, successes = (float(part.replace(",", "")) for part in said.groups())
    assert tokens <= limit <= 1.01 * tokens
    assert saved == pytest.approx(100 * result.saved, abs=1)
    assert lost == pytest.approx(result.lost, abs=1)
    assert successes == sum(bool(run.success) for run in runs)


@pytest.mark.parametrize("name", SETS)
def test_the_loop_guard_touches_what_it_does_in_the_bench(name: str) -> None:
    bench: Any = bench_module("loops")
    counts = bench.count(bench.leanloop(), [case.trace for case in cases_of(name)])

    found = changed(loop_guard(Runs(cases_of(name), TERMS)))
    notes = " ".join(found.notes)
    for kind, word in (("success", "successful"), ("failure", "failed")):
        if counts[kind]:
            told = f"{counts[f'touched_{kind}']} were told of a loop or answered from before"
            assert f"Of {counts[kind]} {word} runs {told}, and {counts[f'stopped_{kind}']} were ended." in notes
    assert saving_of(found).losses.lost == counts["stopped_success"]


def test_on_short_runs_that_fail_at_length_a_limit_and_the_guard_are_worth_it() -> None:
    """InterCode: failures go on for ten turns, and a fifth of them in circles."""
    advice = advise(cases_of("intercode-bash"), TERMS, features=(budget_limit, loop_guard))

    first, second = advice.together.ranked
    assert (first.change.feature, first.advised) == ("budget", True)
    assert first.saving.share.low > 0
    assert first.saving.losses.share <= 0.01
    assert second.change.feature == "loop guard"
    assert second.saving.share.estimate > 0  # of more runs surely
    assert advice.together.saving is not None
    assert advice.together.saving.losses.share <= 0.01


def test_where_no_run_goes_in_circles_no_guard_is_advised() -> None:
    """tau-bench: three failures of 116 are told, none is ended."""
    advice = advise(cases_of("tau-bench"), TERMS, features=(loop_guard,))
    assert advice.together.ranked[0].against == ("it saves nothing",)
    assert not advice.together.taken


def test_where_failures_cost_more_than_any_success_a_limit_saves_and_loses_none() -> None:
    saving = saving_of(changed(budget_limit(Runs(cases_of("tau-bench", whole=True), TERMS))))
    assert 0.02 < saving.share.low < saving.share.estimate < 0.15
    assert saving.losses.share <= 0.01


def test_twenty_runs_are_too_few_for_a_limit() -> None:
    """SWE-agent's demonstrations: all successful, so that what a limit saves it loses."""
    advice = advise(cases_of("swe-agent-demos"), TERMS, features=(budget_limit, loop_guard))
    assert not advice.together.taken
    assert "limits" not in advice.together.tree  # the default of 25 cycles does no harm

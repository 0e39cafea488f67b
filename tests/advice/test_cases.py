from __future__ import annotations

from dataclasses import replace

import pytest
from agent_runs import agent_run
from hypothesis import given
from hypothesis import strategies as st

from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.cases import sampled
from leanloop.adapters.advice.folds import cross_fitted
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.price_book import price_book
from leanloop.errors import TraceError

PRICES = price_book(Budget(agent="a"))


def cases_of(*runs: Trace, model: str = "gpt-4o") -> list[Case]:
    return sampled(runs).cases(model, PRICES)


@given(st.integers(0, 60), st.integers(1, 30), st.integers(0, 5))
def test_a_sample_is_as_large_as_asked_in_order_and_the_same_for_the_same_seed(runs: int, most: int, seed: int) -> None:
    made = [Trace(str(n), (Message("assistant", "x"),)) for n in range(runs)]
    sample = sampled(iter(made), most, seed)

    names = [int(run.id) for run in sample.runs]
    assert names == sorted(set(names))
    assert len(names) == min(runs, most)
    assert sample.read == runs
    assert sample.runs == sampled(iter(made), most, seed).runs
    assert sampled(iter(made), None).runs == made


def test_each_run_is_drawn_equally_often() -> None:
    made = [Trace(str(n), (Message("assistant", "x"),)) for n in range(20)]
    drawn = [run.id for seed in range(600) for run in sampled(made, 5, seed).runs]
    counts = [drawn.count(run.id) for run in made]
    assert min(counts) > 100
    assert max(counts) < 200


def test_what_is_no_run_is_counted_and_a_run_without_a_call_is_left_out() -> None:
    bad = TraceError("is bad", file="f", line=3)
    sample = sampled([bad, Trace("told", (Message("user", "hi"),)), agent_run(1)])
    assert (sample.read, sample.empty, sample.bad.count, sample.bad.first) == (1, 1, 1, ["f:3: is bad"])


def test_runs_that_begin_with_the_same_words_are_of_one_task() -> None:
    one, longer, other = cases_of(agent_run(1, task="a"), agent_run(4, task="a"), agent_run(1, task="b"))
    assert one.group == longer.group != other.group


def test_a_date_in_the_system_prompt_makes_no_other_task() -> None:
    monday, friday = cases_of(
        agent_run(1, system="Today is 2026-03-02. Help."), agent_run(1, system="Today is 2026-03-06. Help.")
    )
    assert monday.group == friday.group


def test_lengths_are_a_part_of_what_is_hashed() -> None:
    reply = Message("assistant", "x")
    one = Trace("1", (Message("user", "ab"), Message("user", "c"), reply))
    two = Trace("2", (Message("user", "a"), Message("user", "bc"), reply))
    assert len({case.group for case in cases_of(one, two)}) == 2


def test_calls_before_the_first_reply_are_a_part_of_the_task() -> None:
    """A conversation that goes on: what was asked and answered before was told to the run."""
    told = [Message("assistant", "", (ToolRequest("c", "look", arguments),)) for arguments in ("{}", "[]")]
    reply = Message("assistant", "x")
    one, two = cases_of(*(Trace(str(n), (call, reply), calls=(RecordedCall(1),)) for n, call in enumerate(told)))
    assert one.group != two.group


def test_a_lone_surrogate_is_no_harm() -> None:
    (case,) = cases_of(Trace("1", (Message("user", "\ud800"), Message("assistant", "x"))))
    assert case.group


def test_runs_of_one_trace_are_of_one_task() -> None:
    first, part = agent_run(1, task="a"), agent_run(1, task="b")
    one, two = cases_of(replace(first, of="t"), replace(part, of="t"))
    assert one.group == two.group


@pytest.mark.parametrize(
    ("recorded", "taken"),
    [
        ((), "gpt-4o"),
        ((None, None), "gpt-4o"),
        (("gpt-4.1-mini", "gpt-4.1-mini", "gpt-4.1"), "gpt-4.1-mini"),
        (("my-own-thing", "my-own-thing", "gpt-4.1"), "gpt-4.1"),
        (("my-own-thing",), "gpt-4o"),
    ],
)
def test_a_run_is_its_recorded_model_s_where_that_has_a_price(recorded: tuple[str | None, ...], taken: str) -> None:
    calls = tuple(RecordedCall(2, model) for model in recorded)
    (case,) = cases_of(replace(agent_run(1), calls=calls))
    assert case.model == taken


@given(st.lists(st.sampled_from("abcdefg"), max_size=40), st.integers(0, 3))
def test_each_case_is_measured_once_on_what_was_fitted_to_other_tasks(groups: list[str], seed: int) -> None:
    cases = [Case(Trace(str(n), ()), "m", group) for n, group in enumerate(groups)]
    measured: list[Case] = []
    for fitted, held_out in cross_fitted(cases, seed):
        assert fitted
        assert not {case.group for case in fitted} & {case.group for case in held_out}
        assert len(fitted) + len(held_out) == len(cases)
        measured += held_out
    expected = len(cases) if len(set(groups)) > 1 else 0
    assert len(measured) == len({case.trace.id for case in measured}) == expected

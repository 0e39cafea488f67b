from __future__ import annotations

from dataclasses import replace

from agent_runs import agent_case

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.phases import by_phase, calls_by_phase, thought
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.message import Message
from leanloop.budgets.prices import PriceBook
from leanloop.budgets.usage import Usage

BUDGET = bare_budget("a")
BOOK = PriceBook({})


def test_each_call_stands_somewhere_in_the_loop() -> None:
    calls = calls_by_phase([agent_case(2)], BUDGET)

    assert [call.phase for call in calls] == ["first of a turn", "after a tool result", "last answer"]
    assert all(call.usage.estimated for call in calls)


def test_a_run_cut_off_before_its_answer_has_none() -> None:
    case = agent_case(1)
    cut = replace(case, trace=replace(case.trace, messages=case.trace.messages[:3]))
    alone = replace(case, trace=Trace("one", (Message("assistant", "Hello."), Message("assistant", "Well?"))))

    assert [call.phase for call in calls_by_phase([cut], BUDGET)] == ["first of a turn"]
    assert [call.phase for call in calls_by_phase([alone], BUDGET)] == ["first of a turn", "last answer"]


def test_what_the_provider_reported_is_taken_and_what_cannot_be_is_not() -> None:
    case = agent_case(1)
    reported, impossible = Usage(100, 50, reasoning=20), Usage(10, 5, cached_input=99)
    calls = (RecordedCall(2, usage=reported), RecordedCall(4, usage=impossible))
    found = calls_by_phase([replace(case, trace=replace(case.trace, calls=calls))], BUDGET)

    assert [call.usage.estimated for call in found] == [False, True]
    assert found[0].usage == reported


def test_nothing_is_read_from_a_cache_that_nobody_asked_for() -> None:
    by_itself, asked_for = (
        calls_by_phase([agent_case(6, model=model, text="found " * 400)], BUDGET)
        for model in ("gpt-4o", "claude-sonnet-4-5")
    )

    assert sum(call.usage.cached_input for call in by_itself) > 0
    assert sum(call.usage.cached_input + call.usage.cache_write for call in asked_for) == 0


def test_costs_are_added_up_by_phase() -> None:
    calls = calls_by_phase([agent_case(3), agent_case(3)], BUDGET)
    price = BOOK.price("gpt-4o")

    costs = by_phase(calls, price)

    assert sum(costs.values()) == sum(price.cost(call.usage) for call in calls)
    assert costs["after a tool result"] > costs["last answer"] > 0


def test_what_thinking_cost_is_told_by_phase() -> None:
    case = agent_case(1, model="o3")
    calls = (RecordedCall(2, usage=Usage(0, 1_000, reasoning=900)), RecordedCall(4, usage=Usage(0, 1_000)))
    [found] = thought(calls_by_phase([replace(case, trace=replace(case.trace, calls=calls))], BUDGET), BUDGET)

    assert found.startswith("Thinking cost $0.0072 (45.0% of the bill): first of a turn $0.0072 for 900 tokens.")


def test_where_nothing_was_thought_nothing_is_told() -> None:
    assert thought(calls_by_phase([agent_case(1)], BUDGET), BUDGET) == ()
    assert thought([], BUDGET) == ()

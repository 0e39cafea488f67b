from __future__ import annotations

import re
from dataclasses import replace

import pytest

from leanloop.adapters.advice.advice import advise
from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.advice.saving import Saving, saving_of
from leanloop.adapters.advice.volatile_prompt import volatile_prompt
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.context_rules import PrefixRules
from leanloop.budgets.message import Message, ToolRequest

TERMS = Terms(bare_budget("a"))
RULES = " rule" * 2_000


def trace_in_parts(
    name: str, system: str = "It is 2026-03-02 10:{minute:02}.\n" + RULES, model: str = "gpt-4o"
) -> list[Case]:
    """A trace of six calls, each with a system prompt of its own, so that each is read as a run."""
    history = [Message("user", f"Task {name}")]
    parts: list[Case] = []
    for number in range(6):
        request = (ToolRequest(f"c{number}", "look", f'{{"at": {number}}}'),) if number < 5 else ()
        reply = Message("assistant", "" if request else "done", request)
        messages = (Message("system", system.format(minute=number)), *history, reply)
        calls = (RecordedCall(len(messages) - 1),)
        parts.append(Case(Trace(f"{name}/{number}", messages, 1.0, None, calls, name), model, name))
        history += [reply, Message("tool", f"result {number} " * 50, (), f"c{number}")]
    return parts


def runs(system: str = "It is 2026-03-02 10:{minute:02}.\n" + RULES, model: str = "gpt-4o") -> list[Case]:
    return [case for number in range(6) for case in trace_in_parts(f"t{number}", system, model)]


def saving(cases: list[Case]) -> Saving:
    found = volatile_prompt(Runs(cases, TERMS))
    assert isinstance(found, Change), found
    assert found.keys == {"prefix": {"volatile": "behind"}}
    return saving_of(found)


def test_a_time_at_the_top_of_the_system_prompt_costs_the_whole_prefix() -> None:
    found = saving(runs())
    assert 0.3 < found.share.low < 0.5
    assert (found.tasks, found.runs, found.losses.lost) == (6, 6, 0)


def test_a_time_at_its_end_costs_little() -> None:
    assert 0 < saving(runs(RULES + "\nIt is 2026-03-02 10:{minute:02}.")).share.high < 0.1


def test_a_time_in_a_line_too_long_to_be_moved_is_told_of_with_what_it_costs(caplog: pytest.LogCaptureFixture) -> None:
    one_line = "It is 2026-03-02 10:{minute:02}." + RULES
    found = volatile_prompt(Runs(runs(one_line), TERMS))
    assert isinstance(found, Unmeasured)
    assert "has to stand in a line of its own" in found.why
    [share] = re.findall(r"([0-9.]+)% of the bill", found.why)
    assert abs(float(share) / 100 - saving(runs()).share.estimate) < 0.02
    assert not caplog.records  # a replay is no news


def test_without_a_cache_there_is_no_prefix_to_keep() -> None:
    assert saving(runs(model="claude-sonnet-4-5")).share.high <= 0


@pytest.mark.parametrize("system", [RULES, "{minute} is all that {minute} two of {minute} these have in common."[:8]])
def test_a_prompt_that_stays_or_is_another_one_altogether_is_left_alone(system: str) -> None:
    found = volatile_prompt(Runs(runs(system), TERMS))
    assert isinstance(found, Unmeasured)
    assert "no trace in these runs has a system prompt that changes" in found.why


def dated(number: int, began: float | None = None, model: str = "gpt-4o") -> Case:
    """A task of one call, with a date of its own."""
    case = trace_in_parts(f"t{number}", f"On 2026-03-{number + 10}.\n{RULES}", model)[0]
    calls = (replace(case.trace.calls[0], began=began),)
    return replace(case, trace=replace(case.trace, calls=calls, of=None))


def test_without_times_it_is_told_what_prompts_that_differ_between_tasks_may_cost() -> None:
    found = volatile_prompt(Runs([dated(number) for number in range(8)], TERMS))
    assert isinstance(found, Unmeasured)
    [note] = found.notes
    assert note.startswith("8 system prompts differ from others in a date")
    [share] = re.findall(r"([0-9.]+)% of the bill", note)
    assert 30 < float(share) < 50  # seven of eight find nearly all of their prompt, at half the price


def test_with_times_prompts_that_differ_between_close_tasks_are_measured() -> None:
    close = saving([dated(number, 1e9 + 299 * number) for number in range(8)])
    apart = saving([dated(number, 1e9 + 301 * number) for number in range(8)])
    mixed = saving([dated(number, 1e9 + (299, 301)[number % 2] * number) for number in range(8)])
    assert 0 < close.share.low < 0.3 < close.share.estimate < 0.5
    assert apart.share.high <= 0 < mixed.share.estimate < close.share.estimate


def test_tasks_of_another_model_or_prompt_share_nothing() -> None:
    others = [dated(number, 1e9 + number, ("gpt-4o", "gpt-4o-mini")[number % 2]) for number in range(2)]
    assert saving(others).share.estimate <= 0


def test_messages_that_are_no_system_prompt_are_no_change_of_one() -> None:
    told = [
        Case(Trace(str(n), (Message("user", str(n)), Message("assistant", "x")), of="t"), "gpt-4o", "t") for n in (1, 2)
    ]
    empty = [Case(Trace(str(n), (Message("assistant", "x"),), of="u"), "gpt-4o", "u") for n in (1, 2)]
    assert isinstance(volatile_prompt(Runs([*told, *empty], TERMS)), Unmeasured)


def test_what_is_on_is_not_measured() -> None:
    budget = bare_budget("a").model_copy(update={"prefix": PrefixRules(volatile="behind")})
    assert volatile_prompt(Runs(runs(), Terms(budget))) == Unmeasured(
        "volatile text behind", "the budget file has it on"
    )


def test_it_stands_in_the_file_and_not_in_the_figure_of_the_replay() -> None:
    advice = advise(runs(), TERMS, features=(volatile_prompt,))
    assert advice.together.unseen == ("volatile text behind",)
    assert advice.together.tree["prefix"] == {"volatile": "behind"}

"""A budget knows where it was written, and what is said of it while a task runs names that line."""

from __future__ import annotations

import pickle

import pytest

from leanloop import (
    Budget,
    BudgetExceeded,
    Limit,
    LoopDetected,
    Message,
    ModelCall,
    ModelReply,
    Task,
    ToolRequest,
    ToolSpec,
    Usage,
)
from leanloop.budgets.file import Format, parse_budget
from leanloop.budgets.origin import Origin
from leanloop.plugins.drive_sync import run
from leanloop.plugins.stack import Stack

FILE = """\
agent: support
limits:
  - per: task
    tokens: 9_000
    tool_calls: {search: 3}
  - {per: day, scope: user, tokens: 500}
loop: {repeats: 2, window: 4}
at_limit: raise
"""


def parsed(text: str = FILE, *, file: str = "budgets/support.yaml", form: Format = "yaml", **environ: str) -> Budget:
    return parse_budget(text, file=file, format=form, environ=environ)


def answered(call: ModelCall) -> ModelReply:
    return ModelReply(Message("assistant", f"You asked {call.model}."), Usage(10, 5))


def stopped(budget: Budget, call: ModelCall | None = None) -> str:
    task = Task(budget, tags={"user": "u1"})
    call = call or ModelCall("gpt-4o-mini", (Message("user", "word " * 5_000),), max_output=100)
    for _ in range(4):
        try:
            run(Stack().model_flow(call, task), answered)
        except (BudgetExceeded, LoopDetected) as error:
            return str(error)
    pytest.fail("nothing stopped the task")


def test_a_place_is_a_line_of_the_file_or_the_nearest_one_around() -> None:
    origin = parsed().origin
    assert origin.place("at_limit") == "budgets/support.yaml:8"
    assert origin.place("limits", 0, "tool_calls", "search") == "budgets/support.yaml:5"
    assert origin.place("limits", 1, "usd") == "budgets/support.yaml:6"
    assert origin.place("landing", "tokens") is None
    assert Budget(agent="a").origin.place("limits") is None


def test_a_refusal_names_the_line_of_its_limit() -> None:
    assert stopped(parsed()).endswith(" needed to go on. Raise tokens in budgets/support.yaml:6.")


def test_a_refusal_names_the_variable_that_set_its_limit() -> None:
    said = stopped(parsed(LEANLOOP__LIMITS__TASK__MODEL_CALLS="0"))
    assert said.endswith(" needed to go on. Raise model_calls in LEANLOOP__LIMITS__TASK__MODEL_CALLS.")


def test_a_limit_given_in_code_has_no_line() -> None:
    said = stopped(parsed().with_limits(Limit(per="day", scope="user", tokens=400)))
    assert said.endswith("Raise tokens under limits in the budget of agent 'support'.")


def test_a_limit_that_was_raised_meanwhile_is_still_found() -> None:
    origin, limits = parsed().origin, parsed().limits
    assert origin.place_of_limit(limits, "task:t1", "tokens", 9_000) == "budgets/support.yaml:4"
    assert origin.place_of_limit(limits, "task:t1", "tool_calls:search", 3) == "budgets/support.yaml:5"
    assert origin.place_of_limit(limits, "user=u1:day:2026-11-22", "tokens", 500) == "budgets/support.yaml:6"
    assert origin.place_of_limit(limits, "user=u1:rolling-day:2026-11-22T14:00:00", "tokens", 500) is None
    assert origin.place_of_limit(limits, "task:t1", "tokens", 8_000) is None


def test_a_limit_of_a_toml_file_has_its_line() -> None:
    budget = parsed('agent = "a"\nat_limit = "raise"\n[[limits]]\nper = "task"\ntokens = 500\n', form="toml")
    assert stopped(budget).endswith("Raise tokens in budgets/support.yaml:5.")


def test_a_loop_names_the_line_of_its_rules() -> None:
    steps: list[Message] = [Message("user", "Go.")]
    for n in range(5):
        request = ToolRequest(f"call_{n}", "search", '{"q": "x"}')
        steps += [Message("assistant", "", tool_calls=(request,)), Message("tool", "none", tool_call_id=f"call_{n}")]
    call = ModelCall("gpt-4o-mini", tuple(steps), tools=(ToolSpec("search"),), max_output=10)
    text = FILE.replace("tokens: 500", "tokens: 500_000")
    assert stopped(parsed(text), call) == (
        "The task went in circles: search was called 4 times for the same result. If that is meant, name the tool "
        "under loop: {allow: [...]}, or raise loop: {repeats: 2} in budgets/support.yaml:7."
    )
    said = stopped(Budget(agent="a", at_limit="raise"), call)
    assert said.endswith("or raise loop: {repeats: 3} in the budget of agent 'a'.")


def test_budgets_that_say_the_same_are_equal_wherever_they_were_written() -> None:
    one, other = parsed(), parsed("\n\n" + FILE, file="other.yaml")
    assert one == other
    assert one.origin == other.origin == Origin()
    assert pickle.loads(pickle.dumps(one)).origin.place("loop") == "budgets/support.yaml:7"
    assert "support.yaml" not in repr(one) + one.model_dump_json()

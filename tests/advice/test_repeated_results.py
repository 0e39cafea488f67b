from __future__ import annotations

import json
import re

import pytest

from leanloop.adapters.advice.repeated_results import only_reads, repeated_results
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.file import parse_budget
from leanloop.budgets.message import Message, ToolRequest

Step = tuple[str, str, str]
"""A tool, its arguments and its result."""


def run(*steps: Step, failed: bool = False) -> Trace:
    messages = [Message("user", "Do it.")]
    for place, (name, arguments, result) in enumerate(steps):
        messages.append(Message("assistant", "", (ToolRequest(f"c{place}", name, arguments),)))
        messages.append(Message("tool", result, tool_call_id=f"c{place}", is_error=failed))
    return Trace("one", tuple(messages))


READ: Step = ("get_user", '{"id": 1}', "Ann")
WRITE: Step = ("rename_user", '{"id": 1}', "done")


def test_a_tool_that_reads_the_same_again_is_told_with_its_key() -> None:
    [note] = repeated_results([run(*[READ] * 4), run(WRITE)])

    assert "'get_user' was called 4 times, 3 of them again" in note
    key = re.search(r"write (cache: .*)\.$", note)
    assert key is not None
    rules = parse_budget(f"agent: a\n{key[1]}\n").cache
    assert rules is not None
    assert rules.tools["get_user"].evicted_by == ("rename_user",)


def test_what_was_read_before_something_may_have_written_is_not_the_same_again() -> None:
    [note] = repeated_results([run(*[READ, WRITE] * 5)])

    assert "'rename_user' (4 of 4)" in note
    assert "get_user" not in note


def test_another_run_is_another_world() -> None:
    assert repeated_results([run(READ) for _ in range(10)]) == ()


def test_other_arguments_are_another_call_and_their_order_is_not() -> None:
    other = [("get_user", json.dumps({"id": number}), "Ann") for number in range(9)]
    assert repeated_results([run(*other)]) == ()
    ordered = ['{"a": 1, "b": 2}', '{"b": 2, "a": 1}', '{ "a":1,"b":2}', '{"b":2,"a":1}']
    assert "3 of them again" in repeated_results([run(*(("get_user", one, "Ann") for one in ordered))])[0]


def test_a_tool_that_may_write_is_told_without_a_key() -> None:
    [note] = repeated_results([run(*[("bash", "ls", "a.txt")] * 5)])

    assert "'bash' (4 of 4)" in note
    assert "not to be given again" in note
    assert "cache:" not in note


def test_a_tool_that_once_gave_something_else_is_told_without_a_key() -> None:
    [note] = repeated_results([run(*[READ] * 4, ("get_user", '{"id": 1}', "Bob"))])

    assert "'get_user' (3 of 4)" in note
    assert "cache:" not in note


def test_errors_and_results_of_nothing_count_for_nothing() -> None:
    assert repeated_results([run(*[READ] * 5, failed=True)]) == ()
    assert repeated_results([Trace("one", (Message("tool", "x", tool_call_id="c9"), Message("tool", "x")))]) == ()


def test_of_many_tools_the_most_repeated_are_named() -> None:
    many = [run(*[(f"tool{number}", "{}", "x")] * 5) for number in range(9)]
    [note] = repeated_results(many)

    assert note.count("(4 of 4)") == 5
    assert "and 4 other tools" in note


def test_a_key_too_long_to_read_says_what_belongs_there() -> None:
    writers = [run((f"write_{number}_{'x' * 90}", "{}", "ok")) for number in range(30)]
    [note] = repeated_results([run(*[READ] * 4), *writers])

    assert "evicted_by: [every tool that may change what it reads]" in note
    assert len(note) < 500


def test_names_of_tools_cannot_style_the_terminal() -> None:
    notes = repeated_results([run(*[("get_\x1b[31m", "{}", "x")] * 5, *[("\x1b[31mwrite", "{}", "x")] * 5)])

    assert len(notes) == 2
    assert all(note.isprintable() for note in notes)


@pytest.mark.parametrize("name", ["get_user", "getUser", "search-flights", "list_all_airports", "GETUser", "read"])
def test_names_that_say_that_a_tool_reads(name: str) -> None:
    assert only_reads(name)


@pytest.mark.parametrize(
    "name",
    [
        "book",
        "getOrCreateUser",
        "find_and_replace",
        "get_next_job",
        "get_current_time",
        "get_weather",
        "bash",
        "",
        "42",
    ],
)
def test_names_that_say_more_or_nothing(name: str) -> None:
    assert not only_reads(name)

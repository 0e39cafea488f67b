"""Finding repetition in a history."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop import Message, ModelCall, ToolRequest, ToolSpec
from leanloop.budgets.budget import Loop
from leanloop.plugins.loop import find_loops
from leanloop.plugins.repeats import (
    REPEATED,
    Step,
    cycle_in,
    last_steps,
    may_repeat,
    same_arguments,
    since_news,
    will_change,
)


def step(name: str = "search", arguments: str = "{}", result: str = "found", *, error: bool = False) -> Step:
    return Step(ToolRequest("1", name, arguments), Message("tool", result, tool_call_id="1", name=name, is_error=error))


def history(*turns: list[Step]) -> tuple[Message, ...]:
    """Each turn an assistant message with its calls, and their results."""
    messages = [Message("user", "go")]
    for turn, steps in enumerate(turns):
        requests = [ToolRequest(f"{turn}-{n}", s.request.name, s.request.arguments) for n, s in enumerate(steps)]
        messages.append(Message("assistant", "", tuple(requests)))
        messages += [
            Message("tool", s.answer.text, tool_call_id=r.id, name=r.name, is_error=s.answer.is_error)
            for r, s in zip(requests, steps, strict=True)
        ]
    return tuple(messages)


def names(steps: list[Step]) -> list[str]:
    return [step.request.name for step in steps]


# Steps.


def test_steps_are_calls_with_their_results_oldest_first() -> None:
    steps, newest = last_steps(history([step("a")], [step("b"), step("c")]), 9)
    assert names(steps) == ["a", "b", "c"]
    assert newest == 2


def test_only_the_last_steps_are_taken() -> None:
    steps, newest = last_steps(history([step("a")], [step("b")], [step("c"), step("d"), step("e")]), 2)
    assert names(steps) == ["d", "e"]
    assert newest == 2


def test_steps_before_the_last_question_do_not_count() -> None:
    messages = (*history([step("a")]), *history([step("b")]))
    assert names(last_steps(messages, 9)[0]) == ["b"]


def test_a_call_without_a_result_and_a_result_without_a_call_are_no_steps() -> None:
    messages = history([step("a"), step("b")])[:-1]
    orphans = (Message("tool", "x", tool_call_id="9"), Message("tool", "y"))
    assert names(last_steps((*messages, *orphans), 9)[0]) == ["a"]


def test_what_was_said_after_the_last_result_makes_no_newer_step() -> None:
    assert last_steps((*history([step("a")]), Message("assistant", "Hm.")), 9)[1] == 1


def test_an_id_used_again_belongs_to_the_call_before_its_result() -> None:
    once = history([step("a", result="1")])[1:]
    again = history([step("b", result="2")])[1:]
    steps, _ = last_steps((Message("user", "go"), *once, *again), 9)
    assert [(s.request.name, s.answer.text) for s in steps] == [("a", "1"), ("b", "2")]


def test_nothing_has_no_steps() -> None:
    assert last_steps((), 5) == ([], 0)


# Arguments.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
        ('{"a": "é"}', '{"a": "\\u00e9"}'),
        (" 1 ", "1"),
        ("no json", "no json"),
    ],
)
def test_spelling_makes_no_difference(one: str, other: str) -> None:
    assert same_arguments(one) == same_arguments(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("{}", '{"a": null}'), ("[1, 2]", "[2, 1]"), ('"1"', "1"), ("1", "1.0"), ("true", "1"), ("", "{}"), ("{", "{ ")],
)
def test_another_value_does(one: str, other: str) -> None:
    assert same_arguments(one) != same_arguments(other)


@pytest.mark.parametrize(
    "arguments",
    [
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        "9" * 10_000,
        "NaN",
        "\x00",
        "\ud800",
        '{"a": "' + "x" * 1_000_000 + '"}',
    ],
    ids=["open", "deep", "deep objects", "digits", "nan", "nul", "surrogate", "long"],
)
def test_hostile_arguments_are_compared_as_they_are(arguments: str) -> None:
    assert same_arguments(arguments) == same_arguments(arguments)
    assert same_arguments(arguments) != same_arguments("{}")
    assert step(arguments=arguments).same(step(arguments=arguments))
    assert not step(arguments=arguments).same_call(step(arguments=arguments + "1"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
)


@given(JSON, JSON)
def test_arguments_are_the_same_where_their_values_are(one: object, other: object) -> None:
    pretty, plain = json.dumps(one, indent=3), json.dumps(one, ensure_ascii=False)
    assert same_arguments(pretty) == same_arguments(plain)
    if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
        assert same_arguments(pretty) != same_arguments(json.dumps(other))


# Equality.


def test_two_steps_are_the_same_where_call_and_result_are() -> None:
    assert step().same(step())
    assert not step().same(step(result="another"))
    assert not step().same(step("read"))
    assert not step().same(step(arguments='{"q": 1}'))
    assert not step().same(step(error=True))


def test_a_result_given_again_is_that_result() -> None:
    again = step(result=f"{REPEATED} It gave the same result 3 times; this is that result:\nfound\nmore")
    assert again.replayed
    assert again.result == "found\nmore"
    assert again.same(step(result="found\nmore"))
    assert step(result="found\nmore").same(again)
    assert not again.same(step(result="found"))


# Turns.


def test_two_calls_in_turns_are_a_cycle() -> None:
    a, b = step("a"), step("b")
    assert cycle_in([a, b, a, b], 2, 4) == [a, b]
    assert cycle_in([b, a, b, a, b], 2, 4) == [a, b]
    assert not cycle_in([a, b, a, b], 3, 4)
    assert not cycle_in([a, b, b, a], 2, 4)
    assert not cycle_in([a, a, a, a], 2, 4)
    assert not cycle_in([a, b, a, step("b", result="new")], 2, 4)
    assert not cycle_in([], 2, 4)


def test_three_and_four_calls_in_turns_are_a_cycle_up_to_the_longest_looked_for() -> None:
    a, b, c, d = map(step, "abcd")
    assert cycle_in([d, a, b, c, a, b, c], 2, 4) == [a, b, c]
    assert cycle_in([a, b, c, d, a, b, c, d], 2, 4) == [a, b, c, d]
    assert not cycle_in([a, b, c, d, a, b, c, d], 2, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"x": 1}', '{"x": 1.0}'),
        ('{"x": 1}', '{"x":1e0}'),
        ('{"q": "a b"}', '{"q": " a  b "}'),
        ('{"x": 1, "q": {"y": "a"}}', '{"q": {"y": "a "}, "x": 1}'),
    ],
)
def test_calls_that_differ_in_spelling_only_are_the_same(one: str, other: str) -> None:
    assert step(arguments=one).same_call(step(arguments=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"x": 1}', '{"x": 1.5}'),
        ('{"x": 1}', '{"x": "1"}'),
        ('{"q": "ab"}', '{"q": "a b"}'),
        ('{"q": "Ab"}', '{"q": "ab"}'),
        ('{"x": 9007199254740993}', '{"x": 9007199254740992}'),
    ],
)
def test_calls_that_say_something_else_are_others(one: str, other: str) -> None:
    assert not step(arguments=one).same_call(step(arguments=other))


def test_a_call_made_once_is_news_and_one_made_again_or_failed_is_none() -> None:
    test, edit, edit_2, failed = (
        step("test"),
        step("edit", '{"x":1}'),
        step("edit", '{"x":2}'),
        step("edit", error=True),
    )
    assert since_news([test, edit, test, edit_2, test], test) == [test]
    assert since_news([test, failed, test], test) == [test, failed, test]
    assert since_news([edit, test, edit, test], test) == [edit, test, edit, test]


@pytest.mark.parametrize(
    "result", ["503 Service Unavailable", "status: PENDING", "Rate limit reached, try again in 5 s"]
)
def test_a_result_may_say_that_it_will_change(result: str) -> None:
    assert will_change(result)


@pytest.mark.parametrize("result", ["404 not found", "permission denied", "12 rows, 1503 bytes", "", "a" * 1_000_000])
def test_most_results_do_not(result: str) -> None:
    assert not will_change(result)


# The quick look.


TURNS = st.lists(
    st.lists(
        st.builds(
            step,
            st.sampled_from(["a", "b", "gone"]),
            st.sampled_from(["{}", '{"q": 1}', "bad"]),
            st.sampled_from(["x", "y", "z", f"{REPEATED}:\nx"]),
            error=st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    max_size=14,
)


@settings(deadline=None)
@given(TURNS, st.integers(2, 4), st.integers(0, 6), st.integers(0, 2))
def test_the_quick_look_misses_nothing(turns: list[list[Step]], repeats: int, more: int, between: int) -> None:
    messages = history(*turns)
    if between:  # other messages among the steps, as middleware puts them
        messages = tuple(m for one in messages for m in (one, *[Message("system", "note")] * between))
    call = ModelCall("m", messages, tools=(ToolSpec("a"), ToolSpec("b")))
    count = repeats + more
    if not may_repeat(messages, count):
        steps, _ = last_steps(messages, count)
        assert len({s.result for s in steps}) == len(steps)
        assert not any(s.answer.is_error for s in steps)
        if count >= 2 * (repeats + 2):
            assert not find_loops(call, Loop(repeats=repeats, window=count))


def test_results_are_found_behind_any_number_of_other_messages() -> None:
    said = (Message("assistant", "Hm."),) * 50
    failed = Message("tool", "no", tool_call_id="1", is_error=True)
    assert may_repeat((Message("user", "go"), failed, *said), 2)
    assert not may_repeat((failed, Message("user", "go"), *said), 2)

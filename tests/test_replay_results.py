"""Recorded runs whose tool results are shortened and cleared, with the calls that read back what was out of sight."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.adapters.traces.openai import parse_trace
from leanloop.adapters.traces.out_of_sight import Missing, Sight, asking
from leanloop.adapters.traces.reading_back import MOST_IN_BETWEEN, ReadingBack, can_read_back
from leanloop.adapters.traces.replay import Replayed, Replayer
from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.adapters.traces.used_values import MOST, said, stands_in, used, values_in
from leanloop.budgets.budget import Budget, Loop
from leanloop.budgets.context_rules import ContextRules
from leanloop.budgets.limit import Limit
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.result_rules import ResultRules

Record = Mapping[str, object]

FILLER = "nothing to see here, move along\n" * 40
HIDDEN = "".join(f"order ZX-{number} was packed and sent in the end\n" for number in range(4_000, 6_000))
"""A long result; what is shown of it has its beginning and its end, and not the order in its midst."""


def user(text: str = "go") -> Record:
    return {"role": "user", "content": text}


def asks(name: str = "look", **arguments: object) -> Record:
    return {"role": "assistant", "content": "", "tool_calls": [{"name": name, "arguments": json.dumps(arguments)}]}


def tool(text: str, **fields: object) -> Record:
    return {"role": "tool", "content": text, **fields}


def says(text: str = "done") -> Record:
    return {"role": "assistant", "content": text}


def trace(*messages: Record) -> Trace:
    return parse_trace(json.dumps({"id": "run", "messages": messages}).encode(), "t.jsonl", 1)


def budget(results: ResultRules | None = None, context: ContextRules | None = None, **fields: Any) -> Budget:
    given: dict[str, Any] = {"limits": (), "loop": None, **fields}
    return Budget(agent="helper", results=results or ResultRules(max_tokens=300), context=context, **given)


def replayed(run: Trace, held: Budget | None = None) -> Replayed:
    return Replayer(held or budget()).replay(run)


# Values


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see src/app/main.py", ["src/app/main.py"]),
        ("mail ann.lee@example.com now", ["ann.lee@example.com"]),
        ("flight HAT001 on 2024-05-17", ["hat001", "2024-05-17"]),
        ("Yusuf Rossi agreed", ["yusuf rossi"]),
        ("set 'max size of it' here", ["max size of it"]),
        ('open "lib/util.c" and go', ["lib/util.c", "lib/util.c"]),  # as quoted, and as the path that it is
        ("a plain sentence with no such thing.", []),
    ],
)
def test_a_value_is_what_a_text_hardly_has_by_chance(text: str, found: list[str]) -> None:
    assert list(values_in(text)) == found


@pytest.mark.parametrize(
    ("value", "text", "stands"),
    [
        ("4711", "order 4711.", True),
        ("4711", "order 47110", False),
        ("4711", "no 147110, but 4711", True),
        ("-x", "a-x", True),
        ("a b", "xa b", False),
    ],
)
def test_a_value_stands_where_it_is_no_part_of_a_longer_word(value: str, text: str, stands: bool) -> None:
    assert stands_in(value, text) is stands


def test_the_values_of_a_call_are_those_of_its_arguments_not_of_their_json() -> None:
    def values(arguments: str) -> tuple[str, ...]:
        return used(Message("assistant", "", (ToolRequest("1", "run", arguments),)))

    assert "in der größe.txt" in values(json.dumps({"a": [{"path": "in der größe.txt"}]}))
    assert values(json.dumps({"code": 'print("src/a.py")\nx_1'})) == ("src/a.py", "x_1")
    assert values("not json, but src/a.py") == ("src/a.py",)
    assert said(Message("assistant", "", (ToolRequest("1", "run", "[" * 100_000),))).strip() == "[" * 100_000


def test_of_one_message_so_many_values_are_looked_at() -> None:
    assert len(used(Message("assistant", " ".join(f"id_{n}" for n in range(2 * MOST))))) == MOST


# Sight


def test_what_an_agent_had_from_a_tool_is_what_nobody_had_said_before() -> None:
    sight = Sight()
    sight.told(Message("user", "about order ZX-4711"))
    sight.gave(Message("tool", "ZX-4711 goes to Yusuf Rossi", (), "1"), ToolRequest("1", "look", "{}"))
    assert sight.took(Message("assistant", "ZX-4711 of Yusuf Rossi, tracked as AB-12")) == ["yusuf rossi"]
    assert sight.took(Message("assistant", "Yusuf Rossi it is")) == []


def test_a_value_is_missing_where_it_stands_nowhere_in_what_is_sent() -> None:
    sight = Sight()
    first, second = (Message("tool", f"ZX-4711, {word}", (), word) for word in ("one", "two"))
    for message in (first, second):
        sight.gave(message, ToolRequest(message.tool_call_id or "", "look", "{}"))
    short = Message("tool", "[cleared]", (), "two")
    assert sight.missing(["zx-4711"], [first, short]) is None
    assert sight.missing(["zx-4711"], [short, Message("user", "ZX-4711?")]) is None
    missing = sight.missing(["zx-4711"], [short])
    assert missing is not None
    assert (missing.value, missing.given.result) == ("zx-4711", second)  # the latest that has it


def test_a_run_is_searched_so_far_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.adapters.traces.out_of_sight._SEARCHED", 100)
    sight = Sight()
    sight.gave(Message("tool", f"ZX-4711 {'x' * 200}", (), "1"), ToolRequest("1", "look", "{}"))
    assert sight.missing(["zx-4711"], []) is None
    assert sight.took(Message("assistant", "ZX-4711")) == []


def test_a_value_of_one_pattern_in_a_text_of_it_is_looked_for_once_a_word() -> None:
    assert not stands_in("a1" * 1_000, "a1" * 1_000_000)
    assert stands_in("a1" * 1_000, "a1" * 100_000 + " " + "a1" * 1_000)


@pytest.mark.parametrize(("places", "found"), [(1, ["x1"]), (100, [])])
def test_places_where_a_value_only_seems_to_stand_count_as_well(
    places: int, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leanloop.adapters.traces.out_of_sight._SEARCHED", 20_000)
    sight = Sight()
    sight.gave(Message("tool", f"{'x1' * places}y x1", (), "1"), ToolRequest("1", "look", "{}"))
    assert sight.took(Message("assistant", "x1")) == found


def test_what_is_missing_is_searched_for_by_the_handle_above_it_or_had_from_the_tool_again() -> None:
    sight = Sight()
    whole = Message("tool", "ZX-4711", (), "1")
    sight.gave(whole, ToolRequest("1", "look", '{"a": 1}'))
    found = sight.missing(["zx-4711"], [])
    assert found is not None
    line = Message("tool", '[cleared with 1 below: read_result("raaaaaaaaaaaa")]', (), "0")
    also = Message("tool", "[cleared]", (), "1")
    named = asking("x", found, [line, also])
    assert (named.id, named.name, json.loads(named.arguments)) == (
        "x",
        "read_result",
        {"handle": "raaaaaaaaaaaa", "search": "zx-4711"},
    )
    assert asking("x", found, [also, line]) == ToolRequest("x", "look", '{"a": 1}')  # that line is about another
    assert asking("x", found, []) == ToolRequest("x", "look", '{"a": 1}')


def test_of_results_with_one_id_the_right_one_is_read_back() -> None:
    sight = Sight()
    for text in ("AB-12", "ZX-4711"):
        sight.gave(Message("tool", text, (), "1"), ToolRequest("1", "look", "{}"))
    found = sight.missing(["zx-4711"], [])
    assert isinstance(found, Missing)
    sent = [Message("tool", f'read_result("r{letter * 12}"', (), "1") for letter in "ab"]
    assert json.loads(asking("x", found, sent).arguments)["handle"] == "r" + "b" * 12


# Runs


def test_a_value_in_what_is_not_shown_is_read_back_by_a_call_that_is_paid() -> None:
    run = trace(user(), asks(), tool(HIDDEN), says("It is ZX-4711."))
    found = replayed(run)
    assert (found.readbacks, found.used, found.missing, found.outcome) == (1, 1, 0, "completed")
    assert found.budgeted.calls == found.bare.calls + 1
    assert found.budgeted.usage.output > found.bare.usage.output
    assert found.budgeted.usage.input < found.bare.usage.input // 4
    unused = replayed(trace(user(), asks(), tool(HIDDEN), says("It is done.")))
    assert (unused.readbacks, unused.used) == (0, 0)


def test_what_is_read_back_stays_in_the_history() -> None:
    run = trace(user(), asks(), tool(HIDDEN), says("It is ZX-4711."), user("and?"), says("As I said, ZX-4711."))
    found = replayed(run)
    assert (found.readbacks, found.used, found.missing) == (1, 1, 0)


def test_a_value_that_reading_does_not_show_is_counted_as_missing() -> None:
    none = ResultRules(max_tokens=300, reads=0)
    found = replayed(trace(user(), asks(), tool(HIDDEN), says("It is ZX-4711.")), budget(none))
    assert (found.readbacks, found.used, found.missing) == (1, 1, 1)


def test_results_within_their_limit_change_nothing_but_the_description_in_each_prompt() -> None:
    run = trace(user(), asks(), tool("order ZX-4711"), says("It is ZX-4711."))
    found = replayed(run)
    more = found.budgeted.usage.input - found.bare.usage.input
    assert found.budgeted.calls == found.bare.calls == 2
    assert 2 * 50 < more < 2 * 200
    assert (found.readbacks, found.used, found.missing) == (0, 1, 0)


def test_an_agent_without_tools_is_offered_nothing() -> None:
    found = replayed(trace(user(), says("hello"), user(), says()))
    assert found.bare == found.budgeted


def test_a_run_that_calls_a_read_result_of_its_own_is_taken_as_it_is() -> None:
    run = trace(user(), asks("read_result", handle="x"), tool(HIDDEN), says("It is ZX-4711."))
    found = replayed(run, budget(context=ContextRules(keep=0)))
    assert found.bare == found.budgeted
    assert not can_read_back(run, budget())


def test_cleared_results_are_read_back_too() -> None:
    pages = [part for n in range(12) for part in (asks(at=n), tool(f"{FILLER}page {n} has id PG-{n}00\n{FILLER}"))]
    run = trace(user(), *pages, says("The first was PG-000."))
    rules = ContextRules(keep=1, at_tokens=1_500)
    found = replayed(run, budget(ResultRules(max_tokens=4_000), rules))
    assert (found.readbacks, found.used, found.missing) == (1, 1, 0)
    assert found.budgeted.usage.input < found.bare.usage.input
    kept = replayed(run, budget(ResultRules(max_tokens=4_000)))
    assert (kept.readbacks, kept.used) == (0, 1)


@pytest.mark.parametrize("length", [200, 201, 600, 601, 2_000])
def test_a_value_too_long_to_be_searched_for_is_found_by_its_middle_or_by_its_line(length: int) -> None:
    long = ("01" * length)[:length]
    pages = HIDDEN.replace("order ZX-5000", f"key {long}")
    found = replayed(trace(user(), asks(), tool(pages), says(f"It is {long}.")))
    assert (found.readbacks, found.used, found.missing) == (1, 1, 0)


@pytest.mark.parametrize("length", [200, 201, 600])
def test_a_long_value_is_found_in_a_batch_that_was_cleared_together(length: int) -> None:
    long = ("01" * length)[:length]
    pages = [part for n in range(12) for part in (asks(at=n), tool(f"{FILLER}page {n}\n{FILLER}"))]
    pages[7] = tool(f"{FILLER}the key is {long} here\n{FILLER}")
    run = trace(user(), *pages, says(f"It is {long}."))
    found = replayed(run, budget(ResultRules(max_tokens=4_000), ContextRules(keep=1, at_tokens=1_500)))
    assert (found.readbacks, found.used, found.missing) == (1, 1, 0)


def test_results_told_before_the_run_are_read_back_by_their_call_or_by_none() -> None:
    told = trace(user(), asks(at=1), tool(f"PG-100\n{FILLER}"), asks(at=2), tool(FILLER), user("?"), says("PG-100"))
    run = Trace(told.id, told.messages, calls=(RecordedCall(len(told.messages) - 1),))
    reading = ReadingBack(run)
    for message in told.messages[:-1]:
        reading.saw(message)
    reading.saw(Message("tool", "XY-99", (), "nobody asked"))
    reading.begin(Message("assistant", "PG-100 and XY-99"))
    again = reading.asks([])
    assert again is not None
    assert (again.request.name, json.loads(again.request.arguments)) == ("look", {"at": 1})
    reading.answered(again, again.source)
    other = reading.asks([])
    assert other is not None
    assert other.request == ToolRequest("between_2", "tool", "{}")
    assert (reading.readbacks, reading.used, reading.missing) == (1, 2, 0)


def test_so_many_calls_are_put_in_before_one_reply_and_the_rest_is_missing() -> None:
    names = " ".join(f"ZX-{number}" for number in range(4_500, 5_500, 25))
    run = trace(user(), asks(), tool(HIDDEN), says(names))
    found = replayed(run, budget(ResultRules(max_tokens=300, read_tokens=100, reads=1_000)))
    assert found.readbacks == MOST_IN_BETWEEN
    assert found.used == 40
    assert 0 < found.missing <= found.used - found.readbacks


def test_a_limit_can_end_a_run_at_a_call_that_was_put_in() -> None:
    run = trace(user(), asks(), tool(HIDDEN), says("It is ZX-4711."))
    found = replayed(run, budget(limits=(Limit(cycles=2),)))
    assert (found.outcome, found.why, found.at_call) == ("landed", "cycles", 2)
    assert found.readbacks == 0
    three = replayed(run, budget(limits=(Limit(cycles=3),)))
    assert (three.outcome, three.at_call, three.readbacks) == ("landed", 2, 1)


def test_a_call_that_was_put_in_may_be_refused_or_cut_like_any_other() -> None:
    run = trace(user(), asks(), tool(HIDDEN), says("It is ZX-4711."))
    refused = replayed(run, budget(limits=(Limit(tool_calls={"read_result": 0}),)))
    assert (refused.readbacks, refused.missing) == (1, 1)
    cut = replayed(run, budget(max_output=10))
    assert (cut.outcome, cut.why, cut.readbacks) == ("landed", "output cap", 0)


def test_what_a_refused_tool_would_have_given_is_not_read_back() -> None:
    run = trace(user(), asks(), tool(HIDDEN), says("It is ZX-4711."))
    found = replayed(run, budget(limits=(Limit(tool_calls={"look": 0}),)))
    assert (found.refused, found.readbacks, found.used) == (1, 0, 0)


def test_an_error_of_a_tool_is_not_taken_for_a_tool_that_is_not_there() -> None:
    failing = [part for n in range(4) for part in (asks(at=n), tool(f"no such file {n}", is_error=True))]
    found = replayed(trace(user(), *failing, says()), Budget(agent="a", limits=()))
    assert (found.outcome, found.loop_notes) == ("completed", 0)


# Any run at all

texts = st.one_of(
    st.sampled_from(
        ["", "ZX-4711", "src/a.py", HIDDEN, FILLER, '{"a": [1, 2]}', 'read_result("raaaaaaaaaaaa")', "\x00"]
    ),
    st.text(max_size=30),
)
arguments = st.one_of(st.sampled_from(["{}", "not json", '{"a": "src/a.py"}', "[[[", "null"]), st.text(max_size=20))
requests = st.builds(ToolRequest, st.sampled_from("12"), st.sampled_from(["look", "run", ""]), arguments)
messages = st.one_of(
    st.builds(Message, st.sampled_from(["user", "system"]), texts),
    st.builds(Message, st.just("assistant"), texts, st.lists(requests, max_size=2).map(tuple)),
    st.builds(
        Message, st.just("tool"), texts, st.just(()), st.sampled_from(["1", "2", "3", "", None]), is_error=st.booleans()
    ),
)
traces = st.lists(messages, max_size=12).map(lambda found: Trace("run", tuple(found)))
rules = st.builds(ResultRules, max_tokens=st.integers(1, 600), read_tokens=st.integers(1, 300), reads=st.integers(0, 3))
contexts = st.none() | st.builds(ContextRules, keep=st.integers(0, 2), at_tokens=st.none() | st.integers(1, 2_000))


@settings(deadline=None, max_examples=60)
@given(traces, rules, contexts, st.booleans())
def test_any_run_can_be_replayed_and_what_is_put_in_is_bounded(
    run: Trace, results: ResultRules, context: ContextRules | None, loop: bool
) -> None:
    held = Budget(agent="a", limits=(), results=results, context=context, loop=Loop() if loop else None)
    found = replayed(run, held)
    assert found.missing <= found.used
    assert found.readbacks <= MOST_IN_BETWEEN * found.bare.calls
    if found.outcome in ("completed", "told"):
        assert found.budgeted.calls == found.bare.calls + found.readbacks


@settings(deadline=None, max_examples=40)
@given(traces, contexts)
def test_with_results_off_a_run_is_replayed_as_if_nothing_was_said_of_them(
    run: Trace, context: ContextRules | None
) -> None:
    off = Budget(agent="a", limits=(), results=None)
    assert replayed(run, off.model_copy(update={"context": context})) == replayed(run, off)
    whole = replayed(run, off)
    assert (whole.readbacks, whole.used, whole.missing) == (0, 0, 0)


# The command


def command(folder: Path, *arguments: str) -> str:
    (folder / "b.yaml").write_text(
        "agent: helper\nlimits: []\nresults: {max_tokens: 300, reads: 0}\n", encoding="utf-8"
    )
    runs = [[user(), asks(), tool(HIDDEN), says("It is ZX-4711.")], [user(), asks(), tool("AB-12"), says("AB-12")]]
    lines = (json.dumps({"messages": run}) + "\n" for run in runs)
    (folder / "t.jsonl").write_text("".join(lines), encoding="utf-8")
    given = ["replay", str(folder / "t.jsonl"), "--budget", str(folder / "b.yaml"), *arguments]
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_tells_what_was_read_back_and_what_stayed_out_of_sight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert (
        "a call that gets it was put in, 1 in all; of 2 values that agents took from results, 1 (50.00%) stayed out of "
        "sight all the same."
    ) in command(tmp_path)
    told = json.loads(command(tmp_path, "--json"))
    assert told["read_back"] == {"calls": 1, "values_used": 2, "values_out_of_sight": 1}
    assert told["not_replayed"] == []

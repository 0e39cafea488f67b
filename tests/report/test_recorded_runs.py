"""Recorded runs of every format as a report: real shapes, and what a record does not say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from event_rows import MONDAY, settled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recorded_runs import Row, langchain_runs, lines, llama_index_events, otlp, pydantic_ai_spans, span
from report_figures import figures, some
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.adapters.report.files import EventFile
from leanloop.adapters.report.gather import gather
from leanloop.adapters.report.mended import copy_lines
from leanloop.adapters.report.page import as_page
from leanloop.adapters.report.run_files import Rewriting, format_of
from leanloop.adapters.traces.form import TraceFormat
from leanloop.budgets.prices import PriceBook
from leanloop.budgets.usage import Usage

Put = Callable[..., str]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def written(data: str | bytes, name: str = "runs.jsonl") -> str:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return str(path)

    return written


ASKS: Row = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "a"}'}}],
}
FOUND: Row = {"role": "tool", "tool_call_id": "c1", "content": "found a"}
CHAT: list[Row] = [{"role": "user", "content": "find a"}, ASKS, FOUND, {"role": "assistant", "content": "it is a"}]


def run(name: str = "r1", messages: list[Row] | None = None, **more: Any) -> str:
    return lines([{"id": name, "messages": messages or CHAT, **more}])


# What each format tells


def test_an_agent_of_langchain_is_told_with_its_agent_tags_tokens_and_times(put: Put) -> None:
    runs = langchain_runs(name="researcher", metadata={"user_id": "u1"}, tags=["prod"])
    for one in runs:
        one["extra"].setdefault("metadata", {})["ls_model_name"] = "gpt-4o"

    report = gather([put(lines(runs))])
    found = figures(report)

    cost = PriceBook({}).price("gpt-4o").cost(Usage(10, 3, 4, 0, 1))
    assert some(found["spend"][0], "calls", "input_tokens", "cached_input_tokens", "output_tokens", "usd") == (
        2, 20, 8, 6, 2 * cost
    )  # fmt: skip
    assert [some(row, "agent", "calls") for row in found["spend_by_agent"]] == [("researcher", 2)]
    assert [some(row, "model", "calls") for row in found["spend_by_model"]] == [("gpt-4o", 2)]
    assert [some(row, "tag", "value") for row in found["spend_by_tag"]] == [("prod", "yes"), ("user_id", "u1")]
    assert sorted(row["phase"] for row in found["spend_by_phase"]) == ["plan", "result"]
    assert len(found["spend_over_time_by_model"]) >= 1
    assert [some(row, "what", "name") for row in found["task_1"]] == [
        ("call", "gpt-4o"), ("tool", "search"), ("call", "gpt-4o")
    ]  # fmt: skip
    assert all(row["begins"] is not None and row["seconds"] is not None for row in found["task_1"])
    assert found["dearest_tasks"][0]["agent"] == "researcher"
    assert some(found["files"][0], "read_as", "counted") == ("langsmith", 4)
    assert report.notes == [
        "What 2 of 2 calls cost is not recorded and was reckoned by today's price list (genai-prices)."
    ]


def test_runs_of_langsmith_that_failed_or_hide_their_texts_count_too(put: Put) -> None:
    base = {"trace_id": "t", "run_type": "llm", "extra": {"metadata": {"ls_model_name": "gpt-4o"}}}
    failed = base | {"id": "a", "error": "RateLimitError('Bearer sk-1')\nTraceback", "outputs": None}
    hidden = base | {"id": "b", "inputs": {}, "outputs": {}, "prompt_tokens": 100, "completion_tokens": 10}
    odd = base | {"id": "c", "error": {"message": "sk-1"}}
    pending = base | {"id": "d", "outputs": None}
    tool = {"id": "e", "trace_id": "t", "run_type": "tool", "name": "search", "inputs": {"input": "a"}, "error": "x"}

    report = gather([put(lines([failed, hidden, odd, pending, tool, tool | {"id": "f"}]))])
    found = figures(report)

    assert some(found["spend"][0], "calls", "input_tokens", "failed_calls", "tasks") == (3, 100, 2, 1)
    assert {some(row, "name", "error") for row in found["errors"]} == {
        ("gpt-4o", "RateLimitError"), ("gpt-4o", "error"), ("search", "failed")
    }  # fmt: skip
    assert [some(row, "tool", "times", "errors") for row in found["repeated_calls"]] == [("search", 2, 2)]
    assert "Tokens of 2 of 3 calls are neither recorded nor to be counted." in report.notes
    assert "sk-1" not in as_page(report)


def test_a_cost_that_is_recorded_is_taken_as_it_is(put: Put) -> None:
    runs = langchain_runs()
    for one in runs:
        if one["run_type"] in ("llm", "chat_model"):
            one["total_cost"] = "0.25"

    report = gather([put(json.dumps(runs, indent=1))])

    assert figures(report)["spend"][0]["usd"] == 500_000_000
    assert report.notes == []


@pytest.mark.parametrize("texts", [True, False], ids=["with texts", "without texts"])
def test_genai_spans_are_told_whether_or_not_they_hold_texts(put: Put, *, texts: bool) -> None:
    spans = pydantic_ai_spans(texts=texts)

    found = figures(gather([put(json.dumps(otlp(*spans, service__name="shop")))]))

    assert some(found["spend"][0], "calls", "input_tokens") == (2, found["spend"][0]["input_tokens"])
    assert found["spend"][0]["input_tokens"] > 50
    assert [row["agent"] for row in found["spend_by_agent"]] == ["finder"]
    assert [some(row, "tag", "value") for row in found["spend_by_tag"]] == [("service", "shop")]
    assert [row["what"] for row in found["task_1"]] == ["call", "tool", "call"]
    assert found["repeated_calls"] == []


def test_spans_without_messages_still_count_and_so_do_failed_calls_and_embeddings(put: Put) -> None:
    tokens: Row = {"gen_ai__usage__input_tokens": 1_000, "gen_ai__request__model": "gpt-4o"}
    found = figures(
        gather([
            put(
                json.dumps(
                    otlp(
                        span(at=1, gen_ai__usage__output_tokens=100, leanloop__phase="landing", **tokens),
                        span(at=2, error__type="RateLimitError", gen_ai__request__model="gpt-4o"),
                        span("embeddings", at=3, **tokens | {"gen_ai__request__model": "text-embedding-3-small"}),
                        span("execute_tool", at=4, gen_ai__tool__name="search", error__type="Timeout"),
                        span("invoke_agent", at=5, gen_ai__agent__name="chief"),
                    )
                )
            )
        ])
    )  # fmt: skip

    assert some(found["spend"][0], "calls", "input_tokens", "failed_calls", "tasks") == (3, 2_000, 1, 1)
    assert {row["phase"] for row in found["spend_by_phase"]} == {"landing", "embedding", "(none)"}
    assert [row["agent"] for row in found["spend_by_agent"]] == ["chief"]
    assert {some(row, "what", "name", "error") for row in found["errors"]} == {
        ("call", "gpt-4o", "RateLimitError"), ("tool", "search", "failed")
    }  # fmt: skip
    assert found["dearest_tasks"][0]["began"] == 1.0
    assert [some(row, "begins", "seconds") for row in found["task_1"]] == [(0, 0.5), (1, 0.5), (2, 0.5), (3, 0.5)]


def test_what_our_own_spans_say_a_call_cost_is_taken(put: Put) -> None:
    own = span(leanloop__cost_usd=0.5, gen_ai__usage__input_tokens=1, gen_ai__usage__output_tokens=1)

    assert figures(gather([put(json.dumps(otlp(own)))]))["spend"][0]["usd"] == 500_000_000


def test_a_call_that_two_instrumentations_tell_of_counts_once(put: Put) -> None:
    tokens: Row = {"gen_ai__usage__input_tokens": 7, "gen_ai__usage__output_tokens": 1}
    outer = span(at=1, **tokens) | {"endTimeUnixNano": str(3 * 10**9)}

    found = figures(
        gather([put(json.dumps(otlp(outer, span(at=2, **tokens), span(at=2, **tokens) | {"spanId": "x"})))])
    )

    assert found["spend"][0]["input_tokens"] in (7, 14)


def test_events_of_llama_index_are_told_with_counted_tokens(put: Put) -> None:
    report = gather([put(lines(llama_index_events(user="u1")))])
    found = figures(report)

    assert found["spend"][0]["calls"] == 2
    assert found["spend"][0]["input_tokens"] > 20
    assert [some(row, "tag", "value") for row in found["spend_by_tag"]] == [("user", "u1")]
    assert [some(row, "what", "name") for row in found["task_1"]] == [
        ("call", "unknown"), ("tool", "search"), ("call", "unknown")
    ]  # fmt: skip
    assert found["spend_over_time_by_model"] != []
    assert report.notes[0] == (
        "Tokens of 2 of 2 calls were not reported and are counted, as if no prefix had been cached."
    )


def test_messages_alone_are_told_without_times_or_money_that_nobody_knows(put: Put) -> None:
    report = gather([put(run())])
    found = figures(report)

    assert some(found["spend"][0], "calls", "usd", "unpriced_calls", "tasks", "first", "last") == (
        2, None, 2, 1, None, None
    )  # fmt: skip
    assert found["spend_over_time_by_agent"] == found["spend_over_time_by_model"] == found["hours_of_week"] == []
    assert [some(row, "begins", "seconds", "what", "name") for row in found["task_1"]] == [
        (None, None, "call", "(none)"), (None, None, "tool", "search"), (None, None, "call", "(none)")
    ]  # fmt: skip
    assert [some(row, "stopped_by", "tasks", "median_cycles", "longest") for row in found["ends"]] == [
        ("by itself", 1, 2, None)
    ]  # fmt: skip
    assert report.notes == [
        "Tokens of 2 of 2 calls were not reported and are counted, as if no prefix had been cached.",
        "What 2 of 2 calls cost is not known: they are in no sum of money.",
        "When 2 of 2 calls were made is not recorded: they are in all sums, and in nothing over time.",
    ]
    assert 'class="axis"' not in as_page(report)


def test_a_model_that_is_named_by_hand_gives_tokens_a_price(put: Put) -> None:
    [row] = figures(gather([put(run())], model="gpt-4o"))["spend_by_model"]

    usage = Usage(row["input_tokens"], row["output_tokens"])
    price = PriceBook({}).price("gpt-4o")
    assert row["model"] == "gpt-4o"
    assert price.cost(usage) <= row["usd"] <= price.cost(usage) + 2  # each call is rounded up


# Runs as tasks


def test_a_tool_that_was_asked_the_same_again_is_a_loop_and_a_failed_one_an_error(put: Put) -> None:
    again = [dict(one) for _ in range(3) for one in (ASKS, FOUND | {"is_error": True})]

    found = figures(gather([put(run(messages=[CHAT[0], *again]))]))

    assert [some(row, "tool", "times", "errors", "seconds") for row in found["repeated_calls"]] == [
        ("search", 3, 3, None)
    ]  # fmt: skip
    assert [some(row, "what", "name", "times") for row in found["errors"]] == [("tool", "search", 3)]


def test_turns_before_the_run_are_not_billed_to_it(put: Put) -> None:
    """A record that tells calls from what was only told to the model: the first reply stood in the prompt."""
    first = {"id": "r", "trace_id": "t", "run_type": "llm", "outputs": {"choices": [{"message": CHAT[-1]}]}}

    found = figures(gather([put(lines([first | {"inputs": {"messages": CHAT[:3]}}]))]))

    assert found["spend"][0]["calls"] == 1
    assert [row["what"] for row in found["task_1"]] == ["call"]


def test_a_call_with_the_messages_of_one_before_is_a_retry(put: Put) -> None:
    def model_run(name: str, reply: str, at: int) -> Row:
        message = {"role": "assistant", "content": reply}
        times = {"start_time": f"2026-11-23T00:00:0{at}", "end_time": f"2026-11-23T00:00:0{at + 1}"}
        asked = {"inputs": {"messages": CHAT[:1]}, "outputs": {"choices": [{"message": message}]}}
        return {"id": name, "trace_id": "t", "run_type": "llm", **asked, **times}

    found = figures(gather([put(lines([model_run("a", "no", 0), model_run("b", "yes", 2)]))]))

    assert sorted(row["phase"] for row in found["spend_by_phase"]) == ["plan", "retry"]
    assert some(found["dearest_tasks"][0], "task", "calls", "began") == ("t", 2, MONDAY)
    assert found["spend"][0]["tasks"] == 1


def test_runs_of_one_id_are_told_apart_and_a_copy_counts_once(put: Put) -> None:
    other = [CHAT[0], {"role": "assistant", "content": "no"}]
    data = run() + run(messages=other) + run()

    both = figures(gather([put(data), put(run(), "copy.jsonl")]))

    assert both["spend"][0]["calls"] == 3
    assert sorted(row["task"] for row in both["dearest_tasks"]) == ["r1", "r1 (2)"]
    assert [some(row, "counted", "again") for row in both["files"]] == [(6, 4), (0, 4)]


def test_runs_without_an_id_are_named_by_file_and_line(put: Put) -> None:
    bare = json.dumps({"messages": CHAT[:1] + CHAT[-1:]}) + "\n"

    found = figures(gather([put(bare * 2), put(bare, "b.jsonl")]))

    assert sorted(row["task"] for row in found["dearest_tasks"]) == [
        "b.jsonl, line 1", "runs.jsonl, line 1", "runs.jsonl, line 2"
    ]  # fmt: skip


def test_how_a_run_ended_is_told_in_its_own_word(put: Put) -> None:
    data = run("a", meta={"exit_status": "exit_cost"}) + run("b", meta={"exit_status": "submitted"})

    assert sorted(row["stopped_by"] for row in figures(gather([put(data)]))["ends"]) == ["by itself", "exit_cost"]


# Files


def test_events_and_runs_make_one_report(put: Put) -> None:
    events = put(lines([settled(5)]), "events.jsonl")

    found = figures(gather([events, put(run())]))

    assert some(found["spend"][0], "calls", "usd", "unpriced_calls", "last") == (3, 5, 2, MONDAY)
    assert [row["calls"] for row in found["spend_over_time_by_agent"]] == [1]
    assert [row["read_as"] for row in found["files"]] == ["events", "openai"]


def test_a_trace_that_is_spread_over_files_is_one_run_and_its_calls_count_once(put: Put) -> None:
    asked = span(at=1, gen_ai__response__model="gpt-4o", gen_ai__usage__input_tokens=9, gen_ai__usage__output_tokens=2)
    body = {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "hi"}}]}}
    named = {"traceId": asked["traceId"], "spanId": asked["spanId"], "observedTimeUnixNano": str(10**9), "body": body}
    records = [named | {"eventName": name} for name in ("gen_ai.user.message", "gen_ai.choice")]
    texts = lines([{"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}])
    tool = span("execute_tool", at=2, gen_ai__tool__name="search")
    files = [put(texts, "logs.json"), put(lines([otlp(asked)]), "spans.json"), put(lines([otlp(tool)]), "more.json")]

    found = figures(gather(files))

    assert some(found["spend"][0], "calls", "input_tokens", "tasks") == (1, 9, 1)
    assert [row["what"] for row in found["task_1"]] == ["call", "tool"]
    assert [some(row, "counted", "trouble") for row in found["files"]] == [
        (3, None),
        (0, "no call, or only of traces that a file before it told of first"),
        (0, "no call, or only of traces that a file before it told of first"),
    ]


def test_files_of_one_name_in_two_folders_are_told_apart(put: Put, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    bad = put('{"messages": []}\n' + run("a"), "runs.jsonl")
    good = put(run("b"), "old/runs.jsonl")

    rows = figures(gather([bad, good]))["files"]

    assert [some(row, "file", "counted", "no_run") for row in rows] == [("runs.jsonl", 4, 1), ("runs.jsonl", 4, 0)]


def test_only_runs_of_a_known_time_are_counted_since_one(put: Put) -> None:
    report = gather([put(run()), put(lines([settled(5)]), "events.jsonl")], since=MONDAY)

    assert figures(report)["spend"][0]["calls"] == 1
    assert figures(report)["files"][0]["timeless"] == 4


def test_a_packed_file_of_runs_is_read_and_a_torn_one_up_to_there(put: Put) -> None:
    packed = gzip.compress("".join(run(f"r{number}") for number in range(2_000)).encode())

    whole = figures(gather([put(packed, "runs.jsonl.gz")]))
    half = figures(gather([put(packed[: len(packed) // 2], "half.jsonl.gz")]))

    assert whole["spend"][0]["tasks"] == 2_000
    assert 0 < half["spend"][0]["tasks"] < 2_000
    assert "damaged" in half["files"][0]["trouble"]


def test_what_is_no_run_is_counted_and_the_first_is_named(put: Put) -> None:
    report = gather([put(run() + "{broken\n" + '{"messages": []}\n' + run("r2"))])
    [file] = figures(report)["files"]

    assert some(file, "counted", "no_run") == (8, 2)
    assert file["trouble"].startswith("runs.jsonl:2: is not a recorded run")
    assert report.left_out == 2


def test_a_format_that_is_named_is_not_guessed(put: Put) -> None:
    [file] = figures(gather([put(lines([settled()]))], form=TraceFormat.OPENAI))["files"]

    assert some(file, "read_as", "counted", "no_run") == ("openai", 0, 1)


def test_a_file_that_goes_away_meanwhile_is_named(tmp_path: Path) -> None:
    gone = EventFile(tmp_path / "gone.jsonl", "none")

    assert format_of(gone) is None
    with (tmp_path / "out").open("wb") as out:
        runs = Rewriting(out)
        runs.read(0, gone, TraceFormat.OPENAI)
        assert (runs.bad[0], runs.trouble[0]) == (0, "not read to its end: No such file or directory")
        assert copy_lines(gone.path, out).startswith("not read to its end: ")


def test_parquet_that_is_damaged_is_told(put: Put) -> None:
    [file] = figures(gather([put(b"PAR1" + b"\0" * 50, "runs.parquet")], form=TraceFormat.OTEL))["files"]

    assert file["trouble"].startswith("runs.parquet:1: cannot be read as Parquet: ")


def test_the_command_reads_them(put: Put) -> None:
    name = put(run())

    done = CliRunner().invoke(app, ["report", name, "--format", "json", "--traces", "openai", "--model", "gpt-4o"])

    told = json.loads(done.stdout)
    assert done.exit_code == 0, done.output
    assert told["tables"]["spend"][0]["calls"] == 2
    assert len(told["notes"]) == 3


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(value=anything, form=st.sampled_from([None, *TraceFormat]))
def test_no_value_of_any_file_breaks_the_report(value: object, form: TraceFormat | None, put: Put) -> None:
    spans = otlp({"traceId": "t", "attributes": value}, span(gen_ai__output__messages=value, leanloop__cost_usd=value))
    rows = [
        value,
        spans,
        {"run_type": "llm", "id": "a", "inputs": value, "outputs": value, "extra": {"metadata": value}, "error": value},
        {"run_type": "tool", "id": "b", "trace_id": "a", "name": value, "inputs": value, "outputs": value},
        {"class_name": "LLMChatEndEvent", "span_id": "s", "tags": value, "messages": value, "response": value},
        {"messages": value},
    ]

    for row in rows:
        report = gather([put(json.dumps(row) + "\n")], form=form)
        assert report.events + report.left_out >= 0


costs = st.lists(st.integers(0, 10**12) | st.none(), min_size=1, max_size=5)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(traces=st.lists(costs, min_size=1, max_size=4))
def test_the_sums_of_a_report_are_those_of_its_runs(traces: list[list[int | None]], put: Put) -> None:
    rows: list[Row] = []
    for number, calls in enumerate(traces):
        for place, cost in enumerate(calls):
            message = {"role": "assistant", "content": f"a{place}"}
            asked = {"inputs": {"messages": CHAT[:1]}, "outputs": {"choices": [{"message": message}]}}
            usage = {"prompt_tokens": 100 + place, "completion_tokens": place}
            more = {} if cost is None else {"total_cost": f"{cost}e-9"}
            rows.append(
                {"id": f"{number}.{place}", "trace_id": f"t{number}", "run_type": "llm", **asked, **usage, **more}
            )

    found = figures(gather([put(lines(rows))]))

    calls = [cost for trace in traces for cost in trace]
    known = [cost for cost in calls if cost is not None]
    spent = sum(known)
    assert some(found["spend"][0], "calls", "usd", "tasks") == (len(calls), spent if known else None, len(traces))
    assert found["spend"][0]["unpriced_calls"] == calls.count(None)
    assert found["spend"][0]["output_tokens"] == sum(place for trace in traces for place in range(len(trace)))
    for name in ("agent", "model", "phase"):
        assert sum(row["usd"] or 0 for row in found[f"spend_by_{name}"]) == spent
    assert sum(row["usd"] or 0 for row in found["dearest_tasks"]) == spent

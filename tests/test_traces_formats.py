"""Traces of LangChain, OpenTelemetry and LlamaIndex, made by the libraries themselves where they can make them."""

# JSON is put together, and frameworks' own types are partly unknown:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownLambdaType=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_runs import Row, attributes, langchain_runs, lines, llama_index_events, otlp, pydantic_ai_spans, span
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.adapters.traces.form import TraceFormat
from leanloop.adapters.traces.formats import read_runs
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.usage import Usage
from leanloop.errors import TraceError

WHOLE = (
    Message("system", "be kind"),
    Message("user", "find a"),
    Message("assistant", "", (ToolRequest("c1", "search", '{"q": "a"}'),)),
    Message("tool", "found a", tool_call_id="c1", name="search"),
    Message("assistant", "it is a"),
)


def read(data: bytes | str, form: TraceFormat | None = None, longest: int = 1 << 20) -> list[Trace | TraceError]:
    stream = io.BytesIO(data if isinstance(data, bytes) else data.encode())
    return list(read_runs(stream, "t.json", form, longest=longest))


def one(data: bytes | str, form: TraceFormat | None = None) -> Trace:
    (run,) = read(data, form)
    assert isinstance(run, Trace), run
    return run


def error(data: bytes | str, form: TraceFormat | None = None) -> str:
    found = [run for run in read(data, form) if isinstance(run, TraceError)]
    assert len(found) == 1
    return str(found[0])


def said(trace: Trace) -> tuple[tuple[str, str, tuple[ToolRequest, ...]], ...]:
    return tuple((message.role, message.text, message.tool_calls) for message in trace.messages)


AS_SAID = tuple((message.role, message.text, message.tool_calls) for message in WHOLE)


# LangChain and LangSmith


@pytest.fixture(scope="module", name="langchain_runs")
def made_langchain_runs() -> list[Row]:
    return langchain_runs()


def test_runs_of_langchain_are_one_conversation(langchain_runs: list[Row]) -> None:
    trace = one(lines(langchain_runs))
    assert said(trace) == AS_SAID
    assert trace.messages[3].tool_call_id == "c1"
    assert trace.id == langchain_runs[0]["trace_id"]
    assert [call.place for call in trace.calls] == [2, 4]
    assert {call.usage for call in trace.calls} == {Usage(10, 3, 4, 0, 1)}
    assert all(call.began and call.seconds is not None for call in trace.calls)


def test_the_order_of_runs_and_the_form_of_the_file_do_not_matter(langchain_runs: list[Row]) -> None:
    expected = one(lines(langchain_runs))
    assert one(lines(langchain_runs[::-1])) == expected
    assert one(json.dumps(langchain_runs)) == expected
    assert one(json.dumps(langchain_runs, indent=2)) == expected
    assert one(json.dumps({"runs": langchain_runs})) == expected
    assert one("".join(json.dumps(run, indent=1) + "\n" for run in langchain_runs)) == expected


def test_children_may_stand_inside_their_parents_and_have_no_ids(langchain_runs: list[Row]) -> None:
    by_parent: dict[str | None, list[Row]] = {}
    for run in langchain_runs:
        by_parent.setdefault(run["parent_run_id"], []).append(run)

    def nested(run: Row) -> Row:
        kept = {key: value for key, value in run.items() if key not in ("trace_id", "dotted_order", "parent_run_id")}
        return kept | {"child_runs": [nested(child) for child in by_parent.get(run["id"], [])]}

    assert one(json.dumps(nested(langchain_runs[0]))) == one(lines(langchain_runs))


def test_a_trace_is_known_by_its_order_or_by_the_parents_seen_before(langchain_runs: list[Row]) -> None:
    ordered = [{key: value for key, value in run.items() if key != "trace_id"} for run in langchain_runs]
    assert said(one(lines(ordered))) == AS_SAID
    parents = [{key: value for key, value in run.items() if key != "dotted_order"} for run in ordered]
    assert said(one(lines(parents))) == AS_SAID


def test_parents_in_a_circle_end(langchain_runs: list[Row]) -> None:
    model = next(run for run in langchain_runs if run["run_type"] in ("llm", "chat_model"))
    bare = {key: value for key, value in model.items() if key not in ("trace_id", "dotted_order")}
    rows = [bare | {"id": "a", "parent_run_id": "b"}, bare | {"id": "b", "parent_run_id": "a"}]
    assert all(isinstance(run, Trace) for run in read(lines(rows)))


def model_run(messages: list[Any], reply: object, **fields: Any) -> Row:
    outputs = {"choices": [{"message": reply}]}
    return {
        "id": "r",
        "trace_id": "t",
        "run_type": "llm",
        "inputs": {"messages": messages},
        "outputs": outputs,
        **fields,
    }


ANSWER = {"role": "assistant", "content": "yes"}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "hello"},
        {"type": "human", "content": [{"type": "text", "text": "hello"}]},
        {"type": "human", "data": {"content": "hello"}},
        {
            "lc": 1,
            "type": "constructor",
            "id": ["langchain", "schema", "messages", "HumanMessage"],
            "kwargs": {"content": "hello"},
        },
        ["user", "hello"],
    ],
)
def test_every_form_of_a_message_is_read(message: object) -> None:
    assert one(lines([model_run([message], ANSWER)])).messages == (
        Message("user", "hello"),
        Message("assistant", "yes"),
    )


def test_cost_model_feedback_and_errors_are_read() -> None:
    fields: Row = {"total_cost": "0.0125", "prompt_tokens": 7, "completion_tokens": 2}
    call = model_run(
        [["user", "a"]], ANSWER, extra={"metadata": {"ls_model_name": "gpt-4o"}}, parent_run_id="p", **fields
    )
    root: Row = {
        "id": "t",
        "trace_id": "t",
        "run_type": "chain",
        "error": "ValueError",
        "feedback_stats": {"score": {"avg": 0.5}},
    }
    trace = one(lines([call, root]))
    (found,) = trace.calls
    assert (found.model, found.cost, found.usage) == ("gpt-4o", 12_500_000, Usage(7, 2))
    assert (trace.reward, trace.exit_status) == (0.5, "error")


def test_a_conversation_that_goes_on_is_told_its_past_and_a_sub_agent_is_a_run_of_its_own() -> None:
    past = [["user", "a"], ["assistant", "b"], ["user", "c"]]
    rows = [
        model_run(past, ANSWER, start_time="2026-01-01T00:00:00"),
        model_run([["user", "sub"]], ANSWER, start_time="2026-01-01T00:00:01"),
        model_run([*past, ANSWER, ["user", "d"]], ANSWER, start_time="2026-01-01T00:00:02"),
    ]
    main, sub = read(lines(rows))
    assert isinstance(main, Trace)
    assert isinstance(sub, Trace)
    assert (main.id, asked(main), sub.id, asked(sub)) == ("t", (3, 5), "t/2", (1,))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (model_run([["user", "a"]], {"role": "user", "content": "no"}), "the reply is no assistant's"),
        (model_run([{"role": "wizard", "content": "a"}], ANSWER), "messages.0.role"),
        (model_run([{"role": "tool", "content": "a"}], ANSWER), "answers no call"),
        ({"run_type": "llm", "inputs": {}, "outputs": {}}, "it has no id"),
        ({"run_type": "chain", "id": "x", "child_runs": [3]}, "run_type: it has none"),
    ],
)
def test_a_run_that_cannot_be_read_is_named_by_its_line(row: Row, why: str) -> None:
    found = error("\n" + lines([row]))
    assert found.startswith("t.json:2: is not a run of LangSmith: ")
    assert why in found


@pytest.mark.parametrize("cost", [True, "x", "NaN", -1, "1" * 50, None])
def test_a_cost_that_is_none_is_not_read(cost: object) -> None:
    assert one(lines([model_run([["user", "a"]], ANSWER, total_cost=cost)])).calls[0].cost is None


# OpenTelemetry


def test_spans_that_a_real_instrumentation_makes_are_read() -> None:
    trace = one(json.dumps(otlp(*pydantic_ai_spans())))
    request = ToolRequest("pyd_ai_tool_call_id__search", "search", '{"q": "a"}')
    assert said(trace) == (
        ("system", "be kind", ()),
        ("user", "find a", ()),
        ("assistant", "", (request,)),
        ("tool", "found a", ()),
        ("assistant", '{"search":"found a"}', ()),
    )
    assert asked(trace) == (2, 4)
    assert all(call.model == "test" and call.usage and call.usage.output for call in trace.calls)


USER = {"role": "user", "parts": [{"type": "text", "content": "find a"}]}
CALL = {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "a"}}]}
RESULT = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"n": 1}}]}
DONE = {"role": "assistant", "parts": [{"type": "text", "content": "it is a"}], "finish_reason": "stop"}


@pytest.mark.parametrize("written", [json.dumps, lambda value: value], ids=["JSON text", "structured"])
def test_messages_are_read_as_text_or_structured(written: Any) -> None:
    usage: Row = {
        "gen_ai__usage__input_tokens": 9,
        "gen_ai__usage__output_tokens": 2,
        "gen_ai__usage__cache_read__input_tokens": 4,
    }
    first = span(at=1, gen_ai__input__messages=written([USER]), gen_ai__output__messages=written([CALL]), **usage)
    later = span(
        at=2,
        gen_ai__request__model="gpt-4o",
        gen_ai__input__messages=written([USER, CALL, RESULT]),
        gen_ai__output__messages=written([DONE]),
    )
    trace = one(lines([otlp(later), otlp(first)]))  # one export a line, in no order
    assert [message.text for message in trace.messages] == ["find a", "", '{"n": 1}', "it is a"]
    assert [call.usage for call in trace.calls] == [Usage(9, 2, 4), None]
    assert trace.calls[1].model == "gpt-4o"
    assert (trace.calls[1].began, trace.calls[1].seconds) == (2.0, 0.5)


def test_the_events_of_older_conventions_are_read() -> None:
    def event(name: str, **fields: object) -> Row:
        return {"name": name, "attributes": attributes({"gen_ai.event.content": json.dumps(fields)})}

    calls = [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "a"}'}}]
    old = span() | {
        "events": [
            event("gen_ai.system.message", content="be kind"),
            event("gen_ai.user.message", content="find a"),
            event("gen_ai.assistant.message", tool_calls=calls),
            event("gen_ai.tool.message", id="c1", content="found a"),
            event("gen_ai.choice", index=0, finish_reason="stop", message={"content": "it is a"}),
            event("gen_ai.choice", index=1, finish_reason="stop", message={"content": "another"}),
            event("something.else"),
        ]
    }
    trace = one(json.dumps(otlp(old)))
    assert said(trace) == AS_SAID
    assert asked(trace) == (4,)


def test_a_span_without_texts_is_an_error_and_other_spans_are_passed_over() -> None:
    assert "span 1 is not a model call" in error(json.dumps(otlp(span())))
    assert read(json.dumps(otlp(span("execute_tool"), {"traceId": "x", "attributes": []}, {"name": "http"}))) == []


def test_an_export_that_holds_no_spans_is_refused() -> None:
    assert "resourceSpans: it has none" in error("{}", TraceFormat.OTEL)


# LlamaIndex


@pytest.fixture(scope="module", name="llama_index_events")
def made_llama_index_events() -> list[Row]:
    return llama_index_events()


def test_events_of_llama_index_are_one_conversation(llama_index_events: list[Row]) -> None:
    trace = one(lines(llama_index_events))
    assert said(trace) == AS_SAID
    assert asked(trace) == (2, 4)  # a call inside a call that says the same is one
    assert trace.calls[0].model == "unknown"
    assert all(call.began and call.seconds is not None for call in trace.calls)


def test_events_that_are_dumped_twice_count_once_and_lost_starts_lose_no_texts(llama_index_events: list[Row]) -> None:
    assert one(lines([*llama_index_events, *llama_index_events])) == one(lines(llama_index_events))
    ends = [event for event in llama_index_events if not event["class_name"].endswith("StartEvent")]
    runs = read(lines(ends))
    assert AS_SAID in [said(run) for run in runs if isinstance(run, Trace)]
    assert all(isinstance(run, Trace) and all(call.seconds is None for call in run.calls) for run in runs)
    assert read(lines([event for event in llama_index_events if "End" not in event["class_name"]])) == []


def test_events_without_tags_still_go_together(llama_index_events: list[Row]) -> None:
    assert said(one(lines([event | {"tags": {}} for event in llama_index_events]))) == AS_SAID


def test_a_completion_and_tool_calls_of_before_are_read() -> None:
    text: Row = {
        "class_name": "LLMCompletionEndEvent",
        "span_id": "s",
        "prompt": "a",
        "response": {"text": "b", "raw": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}},
    }
    trace = one(lines([text]))
    assert (trace.messages, trace.calls[0].usage) == ((Message("user", "a"), Message("assistant", "b")), Usage(1, 2))
    calls = {"tool_calls": [{"id": "c1", "function": {"name": "search", "arguments": "{}"}}]}
    chat: Row = {
        "class_name": "LLMChatEndEvent",
        "span_id": "s",
        "messages": [{"role": "user", "content": "a"}],
        "response": {"message": {"role": "assistant", "content": None, "additional_kwargs": calls}},
    }
    assert one(lines([chat])).messages[1].tool_calls == (ToolRequest("c1", "search", "{}"),)


@pytest.mark.parametrize(
    "event",
    [
        {"class_name": "LLMChatEndEvent", "span_id": "s", "messages": [], "response": None},
        {
            "class_name": "LLMChatEndEvent",
            "span_id": "s",
            "messages": [{"role": "user", "content": "a"}],
            "response": {"message": {"role": "user", "content": "b"}},
        },
        {"nothing": 1},
    ],
)
def test_an_event_that_cannot_be_read_is_an_error(event: Row) -> None:
    assert error(lines([event]), TraceFormat.LLAMA_INDEX).startswith("t.json:1: is not an event of LlamaIndex: ")


# Any file


def test_what_is_no_other_format_is_openai_s() -> None:
    assert one('{"messages": [{"role": "user", "content": "a"}]}\n').messages == (Message("user", "a"),)
    pretty = json.dumps([{"messages": [{"role": "user", "content": "a"}]}] * 2, indent=1)
    assert len(read(pretty)) == 2


def test_a_format_can_be_forced() -> None:
    assert "is not a recorded run" in error(json.dumps(otlp(span())), TraceFormat.OPENAI)


def test_a_broken_line_costs_only_itself_even_where_it_is_the_first() -> None:
    row = json.dumps(model_run([["user", "a"]], ANSWER))
    broken, trace = read(f"not JSON\n{row}\n")
    assert isinstance(broken, TraceError)
    assert isinstance(trace, Trace)


@pytest.mark.parametrize("form", list(TraceFormat))
def test_hostile_values_are_errors_with_a_line(form: TraceFormat) -> None:
    deep = '{"run_type": "llm", "a": ' + "[" * 100_000 + "]" * 100_000 + "}"
    for bad in ('{"a": NaN}', deep, "\xff", '{"a": ' + "1" * 5_000 + "}", "null", "3", '{"a"', '""'):
        assert all(isinstance(run, TraceError) and run.line == 2 for run in read(f"\n{bad}\n", form)), bad


def test_a_value_that_is_too_long_is_passed_over() -> None:
    row = json.dumps(model_run([["user", "a"]], ANSWER))
    long = json.dumps({"run_type": "chain", "id": "x" * 5_000})
    for data in (f"{long}\n{row}\n", f"[\n{long},\n{row}]"):
        bad, trace = read(data, TraceFormat.LANGSMITH, longest=2_000)
        assert isinstance(bad, TraceError)
        assert "is longer than 2,000 bytes" in str(bad)
        assert isinstance(trace, Trace)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ('[{"run_type": "chain", "id": "x"}', "t.json:1: ends within an array"),
        ('[\n{"run_type": "chain", "id": "x"', "t.json:2: begins a value that does not end"),
        ("[\n\n3]", "t.json:3: is no JSON object"),
        ('{\n"run_type": "chain", "id": "x"}\n]', "t.json:3: is no JSON object"),
    ],
)
def test_a_file_that_ends_or_goes_on_otherwise_says_where(data: str, why: str) -> None:
    assert why in error(data, TraceFormat.LANGSMITH)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["llm", "ai", "tool", "chat"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "run_type",
                        "id",
                        "inputs",
                        "outputs",
                        "messages",
                        "generations",
                        "kwargs",
                        "role",
                        "content",
                        "span_id",
                        "class_name",
                        "response",
                        "message",
                        "blocks",
                        "resourceSpans",
                        "scopeSpans",
                        "spans",
                        "attributes",
                        "key",
                        "value",
                        "stringValue",
                        "traceId",
                        "tool_calls",
                        "child_runs",
                        "tags",
                        "extra",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_any_json_is_runs_or_errors(value: object) -> None:
    for form in (None, *TraceFormat):
        for kind in (
            value,
            [value],
            {"class_name": "LLMChatEndEvent", "span_id": "s", "response": value, "messages": value},
            {"run_type": "llm", "id": "a", "inputs": value, "outputs": value},
            otlp({"traceId": "t", "attributes": value, "events": value}, span(gen_ai__output__messages=value)),
        ):
            for run in read(json.dumps(kind), form):
                assert isinstance(run, Trace | TraceError)


def test_replay_reads_them(tmp_path: Path, langchain_runs: list[Row]) -> None:
    (tmp_path / "t.json").write_text(json.dumps(langchain_runs))
    (tmp_path / "b.yaml").write_text("agent: a\nlimits: [{per: task, cycles: 1}]\n")
    arguments = ["replay", str(tmp_path / "t.json"), "--budget", str(tmp_path / "b.yaml"), "--json"]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output)["stopped_runs"] == 1
    assert CliRunner().invoke(app, [*arguments, "--format", "otel"]).exit_code == 1

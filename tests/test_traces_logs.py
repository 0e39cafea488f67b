"""Texts of model calls that are log records of OpenTelemetry, beside their spans or alone, however they are spelled."""

# JSON is put together:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_runs import Row, any_value, attributes, otlp

from leanloop.adapters.traces.formats import Recordings, read_runs
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.budgets.message import Message, ToolRequest
from leanloop.errors import TraceError

TRACE, FIRST, SECOND = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "eee19b7ec3c1b175"
CALL: Row = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q": "a"}'}}
WHOLE = (
    Message("system", "be kind"),
    Message("user", "find a"),
    Message("assistant", "", (ToolRequest("c1", "search", '{"q": "a"}'),)),
    Message("tool", "found a", tool_call_id="c1"),
    Message("assistant", "it is a"),
)
DETAILS = "gen_ai.client.inference.operation.details"


def model_span(own: str, at: int, **fields: object) -> Row:
    said = {"gen_ai.operation.name": "chat", "gen_ai.response.model": "gpt-4o-mini"}
    used = {"gen_ai.usage.input_tokens": 20, "gen_ai.usage.output_tokens": 5}
    return {
        "traceId": TRACE,
        "spanId": own,
        "parentSpanId": "eee19b7ec3c1b170",
        "startTimeUnixNano": str(at * 10**9),
        "endTimeUnixNano": str(at * 10**9 + 5 * 10**8),
        "attributes": attributes(said | used | fields),
    }


def log(own: str, at: int, name: str, body: object = None, **fields: object) -> Row:
    return {
        "traceId": TRACE,
        "spanId": own,
        "observedTimeUnixNano": str(at * 10**9),
        "eventName": name,
        "body": any_value(body),
        "attributes": attributes({"gen_ai.provider.name": "openai", **fields}),
    }


def logs(*records: Row) -> Row:
    return {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": list(records)}]}]}


SPANS = otlp(model_span(FIRST, 1), model_span(SECOND, 3))
ASKED = [
    log(FIRST, 1, "gen_ai.system.message", {"content": "be kind"}),
    log(FIRST, 1, "gen_ai.user.message", {"content": "find a"}),
    log(FIRST, 1, "gen_ai.choice", {"index": 0, "message": {"content": None}, "tool_calls": [CALL]}),
]
ANSWERED = [
    log(SECOND, 3, "gen_ai.system.message", {"content": "be kind"}),
    log(SECOND, 3, "gen_ai.user.message", {"content": [{"type": "text", "text": "find a"}]}),
    log(SECOND, 3, "gen_ai.assistant.message", {"content": None, "tool_calls": [CALL]}),
    log(SECOND, 3, "gen_ai.tool.message", {"content": "found a"}),  # of OpenLLMetry, which names no call
    log(SECOND, 4, "gen_ai.choice", {"index": 0, "message": {"content": "it is a"}}),
]


def read(*files: object, unsaid: bool = False) -> list[Trace | TraceError]:
    recordings = Recordings(unsaid=unsaid)
    found: list[Trace | TraceError] = []
    for number, value in enumerate(files):
        found += recordings.read(io.BytesIO(json.dumps(value).encode()), f"{number}.json")
    return [*found, *recordings.rest()]


def one(*files: object, unsaid: bool = False) -> Trace:
    (trace,) = read(*files, unsaid=unsaid)
    assert isinstance(trace, Trace), trace
    return trace


def details(own: str, told: Sequence[Row], answer: Row, **fields: object) -> Row:
    said = {"gen_ai.input.messages": list(told), "gen_ai.output.messages": [answer]}
    return log(own, 2, DETAILS, None, **{"gen_ai.operation.name": "chat", **said, **fields})


def part(role: str, text: str) -> Row:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("unsaid", [True, False])
def test_texts_in_log_records_are_those_of_the_span_they_were_written_in(
    order: tuple[int, ...], *, unsaid: bool
) -> None:
    files = [SPANS, logs(*ASKED), logs(*ANSWERED)]

    trace = one(*(files[place] for place in order), unsaid=unsaid)

    assert trace.messages == WHOLE
    assert asked(trace) == (2, 4)
    assert [(call.model, call.usage and call.usage.input, call.began, call.seconds) for call in trace.calls] == [
        ("gpt-4o-mini", 20, 1.0, 0.5), ("gpt-4o-mini", 20, 3.0, 0.5)
    ]  # fmt: skip
    assert trace.unsaid == ()
    assert trace.file == "0.json"


def test_log_records_alone_are_runs_too() -> None:
    trace = one(logs(*ANSWERED, *ASKED))

    assert trace.messages == WHOLE
    assert [(call.model, call.usage, call.began, call.seconds) for call in trace.calls] == [
        (None, None, 1.0, 0.0), (None, None, 3.0, 1.0)
    ]  # fmt: skip


def test_one_record_may_tell_all_of_a_call() -> None:
    told = details(FIRST, [part("user", "hello")], part("assistant", "hi"), **{"gen_ai.request.model": "gpt-4o"})

    alone = one(logs(told))
    beside = one(logs(told), otlp(model_span(FIRST, 1)))

    assert alone.messages == beside.messages == (Message("user", "hello"), Message("assistant", "hi"))
    assert [(call.model, call.began, call.seconds) for call in alone.calls] == [("gpt-4o", 2.0, None)]
    assert [(call.model, call.began, call.seconds) for call in beside.calls] == [("gpt-4o-mini", 1.0, 0.5)]


def test_log_records_that_two_exports_hold_count_once() -> None:
    trace = one(logs(*ASKED, *ANSWERED), SPANS, logs(*ANSWERED, *ASKED))

    assert (trace.messages, len(trace.calls)) == (WHOLE, 2)


AROUND = "eee19b7ec3c1b170"
"""The span that both calls are in."""


@pytest.mark.parametrize("replies", [True, False])
def test_log_records_of_what_calls_are_in_are_those_of_the_call_that_was_made_then(*, replies: bool) -> None:
    """So writes them the instrumentation of LangChain by OpenLLMetry, whose spans may hold the replies alone."""
    records = [one | {"spanId": AROUND, "observedTimeUnixNano": str(10**9 * (1 if one in ASKED else 3) + place)}
        for place, one in enumerate([*ASKED, *ANSWERED])]  # fmt: skip
    call = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "a"}}
    answers: list[Row] = [{"role": "assistant", "parts": [call]}, part("assistant", "it is a")]
    said = [{"gen_ai.output.messages": json.dumps([answer])} if replies else {} for answer in answers]
    spans = otlp(model_span(FIRST, 1, **said[0]), model_span(SECOND, 3, **said[1]))

    beside, alone = one(logs(*records), spans), one(logs(*records))

    assert beside.messages == alone.messages == WHOLE
    assert [(call.model, call.began, call.seconds) for call in beside.calls] == [
        ("gpt-4o-mini", 1.0, 0.5), ("gpt-4o-mini", 3.0, 0.5)
    ]  # fmt: skip
    assert [call.model for call in alone.calls] == [None, None]


def test_what_was_told_at_another_time_is_another_call() -> None:
    records = [one | {"spanId": AROUND, "observedTimeUnixNano": str(9 * 10**9)} for one in ASKED]

    assert len(one(logs(*records), otlp(model_span(FIRST, 1)), unsaid=True).unsaid) == 1
    assert len(read(logs(*records), otlp(model_span(FIRST, 1)))) == 2  # and the span is told of as one without texts


def test_a_call_that_span_and_log_record_both_tell_in_full_counts_once() -> None:
    told = [part("user", "hello")]
    own = {"gen_ai.input.messages": json.dumps(told), "gen_ai.output.messages": json.dumps([part("assistant", "hi")])}
    span = otlp(model_span(FIRST, 1, **own))
    record = logs(details(FIRST, told, part("assistant", "hi")))

    assert len(one(span, record).calls) == len(one(record, span, record, span).calls) == 1


def test_without_texts_anywhere_it_says_what_is_missing_once_for_a_call() -> None:
    silent = log(FIRST, 2, DETAILS, None, **{"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7})

    [first, second] = read(SPANS, logs(silent))
    assert str(first).startswith(f"0.json:1: span {FIRST} is not a model call: it holds no texts")
    assert "name the file of its log records as well" in str(second)
    assert [len(one(SPANS, logs(silent), unsaid=True).unsaid)] == [2]

    [error] = read(logs(silent | {"traceId": ""}))
    assert "is not a model call: it holds no texts" in str(error)
    [error] = read(logs(log("", 1, "gen_ai.user.message", {"content": "a"})))
    assert "gen_ai.user.message is of no call: it names no trace or no span" in str(error)


def test_a_call_that_failed_after_it_was_told_something_is_no_run() -> None:
    span = otlp(model_span(FIRST, 1, **{"error.type": "timeout"}))

    assert read(span, logs(*ASKED[:2])) == []
    assert [call.error for call in one(span, logs(*ASKED[:2]), unsaid=True).unsaid] == ["timeout"]


def test_records_of_no_model_and_of_no_known_event_are_passed_over() -> None:
    of_an_agent = log(FIRST, 1, DETAILS, None, **{"gen_ai.operation.name": "invoke_agent"})

    assert read(logs(log(FIRST, 1, "", "ready"), of_an_agent), {"resourceMetrics": []}) == []


def test_a_whole_call_of_no_trace_or_of_no_span_is_one_by_itself() -> None:
    told = details(FIRST, [part("user", "hello")], part("assistant", "hi"))
    no_trace, no_span = (
        {name: value for name, value in told.items() if name != gone} for gone in ("traceId", "spanId")
    )

    assert one(logs(no_trace)).of is None
    assert one(logs(no_span)).of == TRACE
    silent = {**no_span, "attributes": attributes({"gen_ai.operation.name": "chat"})}
    assert len(one(logs(silent), unsaid=True).unsaid) == 1


# However it is spelled


def snake(value: object) -> object:
    """With the names of the protocol buffer, ids as base64: what a general JSON writer of protocol buffers makes."""
    if isinstance(value, list):
        return [snake(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    found: Row = {}
    for name, inner in {str(name): inner for name, inner in value.items()}.items():
        own = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        is_id = own.endswith(("trace_id", "span_id"))
        found[own] = base64.b64encode(bytes.fromhex(inner)).decode() if is_id else snake(inner)
    return found


def tempo(value: Row) -> Row:
    return {"trace": {"resourceSpans": value["resourceSpans"]}}


def batches(value: Row) -> Row:
    return {"batches": value["resourceSpans"]}


def jaeger(value: Row) -> Row:
    [resource] = value["resourceSpans"]
    spans = [
        {
            "traceID": one["traceId"],
            "spanID": one["spanId"],
            "references": [{"refType": "CHILD_OF", "spanID": one["parentSpanId"]}],
            "startTime": int(one["startTimeUnixNano"]) // 1000,
            "duration": 500_000,
            "tags": [{"key": pair["key"], "value": next(iter(pair["value"].values()))} for pair in one["attributes"]],
            "logs": [],
            "processID": "p1",
        }
        for one in resource["scopeSpans"][0]["spans"]
    ]
    return {"data": [{"traceID": TRACE, "spans": spans, "processes": {"p1": {"serviceName": "shop", "tags": []}}}]}


@pytest.mark.parametrize("spelled", [snake, tempo, batches, jaeger])
def test_however_an_export_is_spelled_its_spans_find_their_log_records(spelled: Any) -> None:
    trace = one(spelled(SPANS), logs(*ASKED, *ANSWERED))

    assert (trace.id, trace.messages) == (TRACE, WHOLE)
    assert [(call.model, call.usage and call.usage.output, call.seconds) for call in trace.calls] == [
        ("gpt-4o-mini", 5, 0.5), ("gpt-4o-mini", 5, 0.5)
    ]  # fmt: skip


@pytest.mark.parametrize("own", ["!" * 24, "a" * 24, "!" * 12, "5b8e", "\U0001f600"])
def test_an_id_of_no_known_spelling_is_taken_as_it_is(own: str) -> None:
    span = model_span(FIRST, 1) | {"traceId": own}

    assert one(otlp(span), unsaid=True).of == own


def test_log_records_may_be_spelled_as_protocol_buffers_are() -> None:
    assert one(snake(logs(*ASKED, *ANSWERED))).messages == WHOLE


def test_a_trace_of_jaeger_tells_of_failures_services_and_events() -> None:
    exported = jaeger(SPANS)
    first, second = exported["data"][0]["spans"]
    first["tags"].append({"key": "error", "value": True})
    first["references"] = []
    fields = [{"key": "event", "value": DETAILS}]
    fields += [{"key": "gen_ai.input.messages", "value": json.dumps([part("user", "hello")])}]
    fields += [{"key": "gen_ai.output.messages", "value": json.dumps([part("assistant", "hi")])}]
    second["logs"] = [{"timestamp": 1, "fields": fields}]
    del second["duration"]

    trace = one(exported["data"][0], unsaid=True)

    assert trace.tags == (("service", "shop"),)
    assert trace.exit_status == "error"
    assert trace.messages == (Message("user", "hello"), Message("assistant", "hi"))
    assert (len(trace.unsaid), len(trace.calls), trace.calls[0].seconds) == (1, 1, 0.0)


def test_log_records_as_the_sdk_writes_them_are_read() -> None:
    pytest.importorskip("opentelemetry.sdk._logs")
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter, SimpleLogRecordProcessor
    from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

    out = io.StringIO()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter(out=out)))
    logger = provider.get_logger("test")
    said: list[tuple[str, Any]] = [
        ("gen_ai.user.message", {"content": "hello"}),
        ("gen_ai.choice", {"index": 0, "message": {"content": "hi"}}),
    ]
    for at, (name, body) in enumerate(said):
        logger.emit(
            LogRecord(
                timestamp=10**18 + at,
                context=set_span_in_context(NonRecordingSpan(SpanContext(int(TRACE, 16), int(FIRST, 16), False))),
                event_name=name,
                body=body,
                attributes={"gen_ai.system": "openai"},
            )
        )

    (trace,) = read_runs(io.BytesIO(out.getvalue().encode()), "t.json")
    assert isinstance(trace, Trace)
    assert (trace.id, trace.messages) == (TRACE, (Message("user", "hello"), Message("assistant", "hi")))
    assert trace.calls[0].began == 1e9


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "body",
                        "attributes",
                        "key",
                        "value",
                        "kvlistValue",
                        "values",
                        "spanId",
                        "traceId",
                        "eventName",
                        "logRecords",
                        "data",
                        "spans",
                        "references",
                        "tags",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_stands_in_an_export_it_is_a_run_or_an_error(value: object) -> None:
    shapes = [
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [value]}]}]},
        {"resourceLogs": value},
        {"data": [{"traceID": "a", "spans": [value], "processes": value}]},
        log(FIRST, 1, "gen_ai.choice") | {"body": value},
    ]

    for run in read(*shapes):
        assert isinstance(run, Trace | TraceError)

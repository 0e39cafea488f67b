"""Spans that name things in their own way: OpenInference, OpenLLMetry, and spans as the Python SDK writes them."""

# JSON is put together:
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_runs import Row, attributes

from leanloop.adapters.traces.formats import read_runs
from leanloop.adapters.traces.otel_values import unflattened
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.usage import Usage
from leanloop.errors import TraceError

SEARCH = ToolRequest("c1", "search", '{"q": "a"}')
WHOLE = (
    Message("system", "be kind"),
    Message("user", "find a"),
    Message("assistant", "", (SEARCH,)),
    Message("tool", "found a", tool_call_id="c1"),
    Message("assistant", "it is a"),
)


def span(fields: Row, at: int = 1, **more: Any) -> Row:
    return {
        "traceId": "5b8e",
        "spanId": f"{at:x}",
        "parentSpanId": "root",
        "startTimeUnixNano": str(at * 10**9),
        "endTimeUnixNano": str(at * 10**9 + 5 * 10**8),
        "attributes": attributes(fields),
        **more,
    }


def read(*spans: Row, unsaid: bool = False) -> list[Trace | TraceError]:
    data = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})
    return list(read_runs(io.BytesIO(data.encode()), "t.json", unsaid=unsaid))


def one(*spans: Row, unsaid: bool = False) -> Trace:
    (trace,) = read(*spans, unsaid=unsaid)
    assert isinstance(trace, Trace), trace
    return trace


def openinference(side: str, number: int, **fields: object) -> Row:
    return {f"llm.{side}_messages.{number}.message.{name.replace('__', '.')}": value for name, value in fields.items()}


def call(number: int) -> Row:
    place = f"message.tool_calls.{number}.tool_call"
    return {f"{place}.id": "c1", f"{place}.function.name": "search", f"{place}.function.arguments": SEARCH.arguments}


TOLD = openinference("input", 0, role="system", content="be kind") | openinference(
    "input", 1, role="user", contents__0__message_content__type="text", contents__0__message_content__text="find a"
)
ASKS = {f"llm.output_messages.0.{name}": value for name, value in (call(0) | {"message.role": "assistant"}).items()}
LLM: Row = {"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o"}


def test_a_run_told_by_openinference_is_one_conversation() -> None:
    counts = {
        "llm.token_count.prompt": 9,
        "llm.token_count.completion": 2,
        "llm.token_count.prompt_details.cache_read": 4,
        "llm.token_count.completion_details.reasoning": 1,
        "llm.cost.total": 0.0125,
    }
    asked_for = {f"llm.input_messages.2.{name}": value for name, value in (call(0) | {"message.role": "ai"}).items()}
    later: Row = TOLD | asked_for | openinference("input", 3, role="tool", content="found a", tool_call_id="c1")
    answered = later | openinference("output", 0, role="assistant", content="it is a")
    tool = {"openinference.span.kind": "TOOL", "tool.name": "search", "input.value": SEARCH.arguments}
    trace = one(span(LLM | TOLD | ASKS | counts), span(tool, 2), span(LLM | answered, 3))

    assert trace.messages == WHOLE
    assert asked(trace) == (2, 4)
    assert [one.usage for one in trace.calls] == [Usage(9, 2, 4, 0, 1), None]
    assert [(one.model, one.cost) for one in trace.calls] == [("gpt-4o", 12_500_000), ("gpt-4o", None)]
    assert [(ran.name, ran.arguments) for ran in trace.tools] == [("search", SEARCH.arguments)]


def test_what_llama_index_does_before_a_call_is_none() -> None:
    prepares = LLM | {"input.value": '{"tools": []}', "output.value": '{"messages": []}'}

    assert read(span(prepares)) == []


def test_an_image_a_function_of_old_and_a_completion_are_read() -> None:
    image = openinference(
        "input", 0, role="user", contents__0__message_content__type="image",
        contents__0__message_content__image__image__url="https://example.org/a.png",
    )  # fmt: skip
    function = openinference(
        "output", 0, role="assistant", function_call_name="search", function_call_arguments_json='{"q": "a"}'
    )
    trace = one(span(LLM | image | function))
    assert len(trace.messages[0].images) == 1
    assert [(one.name, one.arguments) for one in trace.messages[1].tool_calls] == [("search", '{"q": "a"}')]

    completion = {"llm.prompts.0.prompt.text": "a", "llm.choices.0.completion.text": "b"}
    for fields in (completion, {"llm.prompts": ["a"], "output.value": "b"}):
        assert one(span(LLM | fields)).messages == (Message("user", "a"), Message("assistant", "b"))


@pytest.mark.parametrize(
    "calls",
    [
        {"tool_calls.0.id": "c1", "tool_calls.0.name": "search", "tool_calls.0.arguments": SEARCH.arguments},
        {
            "tool_calls.0.id": "c1",
            "tool_calls.0.function.name": "search",
            "tool_calls.0.function.arguments": SEARCH.arguments,
        },
        {"tool_calls": json.dumps([{"id": "c1", "function": {"name": "search", "arguments": SEARCH.arguments}}])},
        {"content": json.dumps([{"type": "tool_use", "id": "c1", "name": "search", "input": {"q": "a"}}])},
    ],
    ids=["flat", "function", "JSON text", "Anthropic's"],
)
def test_a_run_told_by_openllmetry_is_one_conversation(calls: Row) -> None:
    told: Row = {
        "llm.request.type": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "be kind",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": json.dumps([{"type": "text", "text": "find a"}]),
    }
    first: Row = told | {
        f"gen_ai.completion.0.{name}": value for name, value in ({"role": "assistant"} | calls).items()
    }
    later: Row = told | {f"gen_ai.prompt.2.{name}": value for name, value in ({"role": "assistant"} | calls).items()}
    later |= {"gen_ai.prompt.10.role": "tool", "gen_ai.prompt.10.content": "found a"}
    later |= {"gen_ai.prompt.10.tool_call_id": "c1", "gen_ai.completion.0.content": "it is a"}
    later |= {"gen_ai.usage.prompt_tokens": 9, "gen_ai.usage.completion_tokens": 2}
    later |= {"gen_ai.usage.cache_read_input_tokens": 4, "gen_ai.usage.reasoning_tokens": 1}
    trace = one(span(first), span(later, 2))

    assert trace.messages == WHOLE
    assert asked(trace) == (2, 4)
    assert trace.calls[1].usage == Usage(9, 2, 4, 0, 1)


def test_a_result_of_a_tool_inside_a_message_of_the_user_is_one() -> None:
    result = json.dumps(
        [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "found a"}]}]
    )
    uses = json.dumps([{"type": "tool_use", "id": "c1", "name": "search", "input": {"q": "a"}}])
    fields = {
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "find a",
        "gen_ai.prompt.1.role": "assistant", "gen_ai.prompt.1.content": uses,
        "gen_ai.prompt.2.role": "user", "gen_ai.prompt.2.content": result,
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "it is a",
    }  # fmt: skip

    assert one(span(fields)).messages == WHOLE[1:]


def test_texts_on_the_event_of_a_span_are_read() -> None:
    told: Row = {
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "a"}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "b"}]}]),
    }
    details = {
        "name": "gen_ai.client.inference.operation.details",
        "attributes": attributes(told),
    }
    trace = one(span({"gen_ai.operation.name": "chat"}, events=[details]))

    assert trace.messages == (Message("user", "a"), Message("assistant", "b"))


def test_spans_as_the_python_sdk_writes_them_are_read() -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

    written, provider = io.StringIO(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=written)))
    tracer = provider.get_tracer("t")
    fields = LLM | TOLD | openinference("output", 0, role="assistant", content="it is a")
    with tracer.start_as_current_span("agent", attributes={"openinference.span.kind": "AGENT", "agent.name": "guide"}):
        tracer.start_span("call", attributes=fields).end()
    trace, *others = read_runs(io.BytesIO(written.getvalue().encode()), "t.json")

    assert not others
    assert isinstance(trace, Trace)
    assert trace.messages == (*WHOLE[:2], WHOLE[4])
    (made,) = trace.calls
    assert (made.model, made.agent) == ("gpt-4o", "guide")
    assert made.began is not None
    assert made.seconds is not None


@pytest.mark.parametrize("status", [{"code": 2}, {"code": "STATUS_CODE_ERROR"}, {"status_code": "ERROR"}])
def test_a_call_that_failed_need_not_have_a_reply(status: Row) -> None:
    failed = span(LLM | TOLD, status=status)

    assert read(failed) == []
    assert one(failed, unsaid=True).unsaid[0].model == "gpt-4o"


def test_a_call_of_which_nothing_is_told_says_what_to_do() -> None:
    (error,) = read(span({"llm.request.type": "chat"}))

    assert isinstance(error, TraceError)
    assert "span 1 is not a model call: it holds no texts; have your instrumentation record" in str(error)


def test_an_overlapping_export_counts_a_call_once_and_its_neighbours_too() -> None:
    def told(name: str) -> Row:
        return LLM | TOLD | openinference("output", 0, role="assistant", content=name)

    spans = [span(told("a"), 1), span(told("b"), 2)]
    traces = read(*spans, *spans)

    assert [trace.messages[-1].text for trace in traces if isinstance(trace, Trace)] == ["a", "b"]


@given(
    st.dictionaries(
        st.lists(st.sampled_from(["a", "b", "0", "1", "10", "²", "", "-1", "9" * 5_000]), min_size=1, max_size=30).map(
            ".".join
        ),
        st.integers() | st.text(),
        max_size=12,
    )
)
def test_any_names_are_taken_apart(fields: dict[str, object]) -> None:
    json.dumps(unflattened({f"p.{name}": value for name, value in fields.items()}, "p"))


def test_a_flattened_list_is_one_in_the_order_of_its_numbers() -> None:
    fields: dict[str, object] = {"p.10.x": "c", "p.2.x": "b", "p.0.y.0": "a", "q.0": "no"}

    assert unflattened(fields, "p") == [{"y": ["a"]}, {"x": "b"}, {"x": "c"}]
    assert unflattened(fields | {"p": ["whole"]}, "p") == ["whole"]
    assert unflattened(fields, "nothing") == {}


PARTS = [
    "openinference.span.kind", "llm.request.type", "llm.input_messages", "llm.output_messages", "llm.prompts",
    "llm.output_messages.0.message", "llm.output_messages.0.message.tool_calls", "llm.output_messages.0.message.role",
    "llm.input_messages.1.message.contents.0.message_content.image", "llm.input_messages.0.message.content",
    "gen_ai.prompt", "gen_ai.prompt.0.content", "gen_ai.prompt.0.role", "gen_ai.completion.0.content",
    "gen_ai.completion.0.tool_calls", "gen_ai.completion.0.role", "gen_ai.operation.name", "llm.choices",
    "gen_ai.input.messages", "gen_ai.output.messages", "llm.token_count.prompt", "llm.cost.total",
]  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["LLM", "chat", "user", "tool", "[{}]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "role", "content", "type", "text", "tool_call", "function", "tool_use", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(PARTS), VALUES, max_size=8))
def test_any_attributes_are_a_run_an_error_or_nothing(fields: Row) -> None:
    flat = {"context": {"trace_id": "t", "span_id": "s"}, "attributes": fields}
    row = {"id": "r", "run_type": "llm", "inputs": fields, "outputs": {"output": list(fields.values())}}
    for value in (flat, row):
        data = json.dumps(value, allow_nan=True).encode()
        assert all(isinstance(run, Trace | TraceError) for run in read_runs(io.BytesIO(data), "t.json", unsaid=True))
    assert all(isinstance(run, Trace | TraceError) for run in read(span(fields)))


def test_tools_and_agents_of_openllmetry_are_named_by_their_entity() -> None:
    call = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "a", "gen_ai.completion.0.content": "b"}
    agent = {"traceloop.span.kind": "agent", "traceloop.entity.name": "guide"}
    tool = {"traceloop.span.kind": "tool", "traceloop.entity.name": "search", "traceloop.entity.input": "{}"}
    trace = one(span(agent, 1, parentSpanId=""), span(call, 2), span(tool, 3))

    assert trace.calls[0].agent == "guide"
    assert [(ran.name, ran.arguments) for ran in trace.tools] == [("search", "{}")]


def test_messages_that_are_no_flattened_list_are_read_too() -> None:
    row: Row = {
        "context": {"trace_id": "t"},
        "attributes": LLM
        | {
            "llm.input_messages": [{"message.role": "user", "message.content": "a"}, 3],
            "llm.output_messages": [{"message": {"role": "assistant", "content": "b"}}],
        },
    }
    (error,) = read_runs(io.BytesIO(json.dumps(row).encode()), "t.json")
    assert isinstance(error, TraceError)
    assert "span without an id is not a model call" in str(error)

    row["attributes"]["llm.input_messages"].pop()
    (trace,) = read_runs(io.BytesIO(json.dumps(row).encode()), "t.json")
    assert isinstance(trace, Trace)
    assert trace.messages == (Message("user", "a"), Message("assistant", "b"))

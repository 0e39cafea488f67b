"""Forms of LangSmith's runs beside LangChain's own: other providers' messages, JSON text, overlapping exports."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from leanloop.adapters.traces.fields import at, listed
from leanloop.adapters.traces.formats import read_runs
from leanloop.adapters.traces.responses import reply_in
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.message import Message, ToolRequest
from leanloop.budgets.usage import Usage
from leanloop.errors import TraceError

Row = dict[str, Any]
CALL = ToolRequest("c1", "search", '{"q": "a"}')


def read(*rows: Row | list[Row]) -> list[Trace | TraceError]:
    return list(read_runs(io.BytesIO("\n".join(map(json.dumps, rows)).encode()), "t.json"))


def one(*rows: Row | list[Row]) -> Trace:
    (trace,) = read(*rows)
    assert isinstance(trace, Trace), trace
    return trace


def run(**fields: Any) -> Row:
    inputs: Row = {"messages": [{"role": "user", "content": "a"}]}
    outputs: Row = {"choices": [{"message": {"role": "assistant", "content": "b"}}]}
    return {"id": "r", "trace_id": "t", "run_type": "llm", "inputs": inputs, "outputs": outputs, **fields}


PAIR = (Message("user", "a"), Message("assistant", "b"))


def test_objects_may_be_json_text_as_bulk_exports_have_them() -> None:
    row = run(extra={"metadata": {"ls_model_name": "gpt-4o"}}, feedback_stats={"score": {"avg": 1}})
    as_text = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()}
    trace = one(as_text)

    assert trace == one(row)
    assert (trace.messages, trace.calls[0].model, trace.reward) == (PAIR, "gpt-4o", 1)


@pytest.mark.parametrize("name", ["runs", "data"])
def test_runs_may_stand_in_an_envelope(name: str) -> None:
    assert one({name: [run()], "cursors": {"next": None}}).messages == PAIR


def test_the_same_run_told_twice_is_one_call() -> None:
    nested = {"id": "t", "run_type": "chain", "child_runs": [run(trace_id=None)]}

    assert len(one(run(), run()).calls) == 1
    assert len(one(nested, run()).calls) == 1


def test_messages_of_anthropic_are_read() -> None:
    uses = [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "c1", "name": "search", "input": {"q": "a"}},
    ]
    result: Row = {"type": "tool_result", "tool_use_id": "c1", "content": "found a", "is_error": True}
    messages = [
        {"role": "user", "content": "find a"},
        {"role": "assistant", "content": uses},
        {"role": "user", "content": [result, {"type": "text", "text": "go on"}]},
    ]
    usage = {"input_tokens": 9, "output_tokens": 2, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 1}
    outputs = {"role": "assistant", "type": "message", "content": uses, "model": "claude-haiku-4-5", "usage": usage}
    trace = one(run(inputs={"system": "be kind", "messages": messages}, outputs=outputs))

    assert trace.messages == (
        Message("system", "be kind"),
        Message("user", "find a"),
        Message("assistant", "I look.", (CALL,)),
        Message("tool", "found a", tool_call_id="c1", is_error=True),
        Message("user", "go on"),
        Message("assistant", "I look.", (CALL,)),
    )
    assert (trace.calls[0].model, trace.calls[0].usage) == ("claude-haiku-4-5", Usage(9, 2, 4, 1))


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("SystemMessage", "system"),
        ("HumanMessageChunk", "user"),
        ("AIMessageChunk", "assistant"),
        ("ChatMessage", None),
    ],
)
def test_a_message_is_known_by_its_class_where_it_says_no_role(kind: str, role: str | None) -> None:
    message = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind]}
    (found,) = read(run(inputs={"messages": [[message | {"kwargs": {"content": "a"}}]]}))

    assert (found.messages[0].role if isinstance(found, Trace) else None) == role


def test_details_of_tokens_are_read_from_the_run() -> None:
    counts = {"prompt_tokens": "9", "completion_tokens": 2, "prompt_token_details": {"cache_read": 4}}
    trace = one(run(**counts, completion_token_details={"reasoning": 1}))

    assert trace.calls[0].usage == Usage(9, 2, 4, 0, 1)


@pytest.mark.parametrize(
    "times", [("2026-01-01T00:00:09", "2026-01-01T00:00:01"), (1e308, "no"), (None, True), ([], {})]
)
def test_times_that_make_no_sense_fail_nothing(times: tuple[object, object]) -> None:
    trace = one(run(start_time=times[0], end_time=times[1]))

    assert trace.calls[0].seconds in (None, 0.0)


def test_a_run_that_has_no_end_yet_is_passed_over_until_it_has() -> None:
    begun = run(outputs=None, end_time=None)

    assert read(begun) == []
    assert one(begun, run()).messages == PAIR


def test_children_to_any_depth_that_json_can_have_are_read() -> None:
    inner = run(trace_id=None)
    for depth in range(90):
        inner = {"id": f"c{depth}", "run_type": "chain", "child_runs": [inner]}

    assert one(inner).messages == PAIR


def test_items_of_the_responses_api_are_messages() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "search", "arguments": '{"q": "a"}'}
    items: list[Row] = [
        {"role": "user", "content": [{"type": "input_text", "text": "find a"}]},
        {"type": "reasoning", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        call,
        {"type": "function_call_output", "call_id": "c1", "output": "found a"},
        {"type": "web_search_call"},
    ]
    answer = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "it is a"}]}
    usage = {"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}
    trace = one(run(inputs={"instructions": "be kind", "input": items}, outputs={"output": [answer], "usage": usage}))

    assert trace.messages == (
        Message("system", "be kind"),
        Message("user", "find a"),
        Message("assistant", "I look.", (CALL,)),
        Message("tool", "found a", tool_call_id="c1"),
        Message("assistant", "it is a"),
    )
    assert trace.calls[0].usage == Usage(9, 2, 4)
    asks = one(run(inputs={"input": "find a"}, outputs={"output": [call]}))
    assert asks.messages == (Message("user", "find a"), Message("assistant", "", (CALL,)))


def test_an_answer_of_very_many_calls_is_read_in_one_pass() -> None:
    call = {"type": "function_call", "call_id": "c1", "name": "search", "arguments": "{}"}
    answer = reply_in({"output": [call] * 200_000})

    assert len(listed(at(answer, "tool_calls"))) == 200_000


def test_a_trace_that_is_described_again_and_again_keeps_so_many_tags() -> None:
    roots = [run(id=f"r{number}", run_type="chain", extra={"metadata": {f"t{number}": "x"}}) for number in range(200)]
    trace = one(*roots, run())

    assert len(trace.tags) == 100
    assert ("t0", "x") in trace.tags


def test_what_is_wrong_with_a_message_is_said_once() -> None:
    (error,) = read(run(inputs={"messages": [{"role": "nobody", "content": "a"}]}))

    assert str(error).startswith("t.json:1: is not a run of LangSmith: messages.0.role should be 'system'")

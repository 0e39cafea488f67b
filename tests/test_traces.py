"""Recorded runs: what a line may hold, what is refused, and what prefix caching makes of a prompt."""

from __future__ import annotations

import base64
import io
import json
import struct
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leanloop.adapters.traces.bill import Bill, Meter
from leanloop.adapters.traces.openai import parse_trace, read_traces, traces_in
from leanloop.adapters.traces.trace import Trace, succeeded
from leanloop.budgets.message import Image, Message, ToolRequest
from leanloop.budgets.prefix_cache import PrefixRule, common_prefix, rule_for, split
from leanloop.budgets.prices import Price, PriceBook
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import TraceError


def parse(messages: object, **fields: object) -> Trace:
    return parse_trace(json.dumps({"id": "run", "messages": messages, **fields}).encode(), "t.jsonl", 7)


def refused(line: bytes) -> str:
    with pytest.raises(TraceError) as caught:
        parse_trace(line, "t.jsonl", 7)
    assert (caught.value.file, caught.value.line) == ("t.jsonl", 7)
    return str(caught.value)


def refused_messages(*messages: object) -> str:
    return refused(json.dumps({"id": "run", "messages": messages}).encode())


USER = {"role": "user", "content": "hello"}
REPLY = {"role": "assistant", "content": "well"}


def asking(*calls: Mapping[str, object]) -> dict[str, object]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


# What a line may hold


def test_flat_tool_calls_are_answered_in_order() -> None:
    trace = parse(
        [
            USER,
            asking({"name": "a", "arguments": "x"}, {"name": "b", "arguments": "{}"}),
            {"role": "tool", "content": "of a"},
            {"role": "tool", "content": "of b", "name": "b"},
        ]
    )
    requests = (ToolRequest("call_1", "a", "x"), ToolRequest("call_2", "b", "{}"))
    assert trace.messages == (
        Message("user", "hello"),
        Message("assistant", "", requests),
        Message("tool", "of a", tool_call_id="call_1"),
        Message("tool", "of b", tool_call_id="call_2", name="b"),
    )


def test_openai_s_own_tool_calls_are_answered_by_their_id() -> None:
    calls = [{"id": n, "type": "function", "function": {"name": n, "arguments": '{"q":1}'}} for n in ("one", "two")]
    trace = parse(
        [
            asking(*calls),
            {"role": "tool", "tool_call_id": "two", "content": "2"},
            {"role": "tool", "tool_call_id": "one", "content": "1"},
        ]
    )
    assert [message.tool_call_id for message in trace.messages[1:]] == ["two", "one"]
    assert trace.messages[0].tool_calls[0] == ToolRequest("one", "one", '{"q":1}')


@pytest.mark.parametrize(
    ("arguments", "text"), [({"q": "é"}, '{"q": "é"}'), (None, "{}"), ("not json", "not json"), ([1], "[1]")]
)
def test_arguments_that_are_no_text_are_written_out(arguments: object, text: str) -> None:
    assert parse([asking({"name": "a", "arguments": arguments})]).messages[0].tool_calls[0].arguments == text


def test_a_call_without_arguments_has_none() -> None:
    assert parse([asking({"name": "a"})]).messages[0].tool_calls[0].arguments == "{}"


def test_a_call_that_was_never_answered_is_kept() -> None:
    trace = parse([asking({"name": "a"}), {"role": "user", "content": "stop"}])
    assert [message.role for message in trace.messages] == ["assistant", "user"]


@pytest.mark.parametrize("mark", [{"is_error": True}, {"status": "error"}])
def test_a_result_may_say_that_it_is_an_error(mark: dict[str, object]) -> None:
    trace = parse([asking({"name": "a"}), {"role": "tool", "content": "no such file", **mark}])
    assert trace.messages[1].is_error


def test_a_developer_message_is_a_system_message() -> None:
    assert parse([{"role": "developer", "content": "be brief"}]).messages == (Message("system", "be brief"),)


def test_content_parts_become_text_and_images() -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + struct.pack(">II", 640, 480) + bytes(16)
    url = "data:image/png;base64," + base64.b64encode(png).decode()
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "input_image", "image_url": "https://example.org/a.png"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,not base64!"}},
        {"type": "image_url", "image_url": None},
        {"type": "refusal", "refusal": "no"},
    ]
    message = parse([{"role": "user", "content": parts}]).messages[0]
    assert message.text == "look\nno"
    assert message.images == (Image(640, 480, "low"), Image(), Image(), Image())


def test_a_run_without_an_id_is_named_by_its_line() -> None:
    for nameless in (None, ""):
        assert parse([USER], id=nameless).id == "line 7"
    assert parse([USER], id=12).id == "12"


def test_a_tool_result_of_three_hundred_thousand_tokens_is_read_whole() -> None:
    text = " a" * 300_000
    trace = parse([asking({"name": "a"}), {"role": "tool", "content": text}])
    assert trace.messages[1].text == text


# Whether it was a success


@pytest.mark.parametrize(
    ("meta", "success"),
    [
        ({"reward": 1.0}, True),
        ({"reward": 0.99}, False),
        ({"max_reward": 1}, True),
        ({"reward": 0, "max_reward": 1}, False),
        ({"reward": True}, True),
        ({"exit_status": "submitted"}, True),
        ({"exit_status": "exit_cost"}, False),
        ({"exit_status": None}, None),
        ({"exit_status": 3}, None),
        ({"reward": 0, "exit_status": "submitted"}, False),
        ({}, None),
        (None, None),
    ],
)
def test_success_is_a_full_reward_or_a_submission(meta: object, success: bool | None) -> None:
    assert succeeded(parse([USER], meta=meta)) is success
    assert succeeded(parse([USER], **cast("dict[str, object]", meta or {}))) is success


def test_what_stands_under_meta_goes_before_what_stands_beside_the_messages() -> None:
    trace = parse([USER, REPLY], meta={"reward": 0}, reward=1, model="gpt-4o", exit_status="submitted")
    assert (trace.reward, trace.exit_status) == (0, "submitted")
    assert [(call.place, call.model) for call in trace.calls] == [(1, "gpt-4o")]


@pytest.mark.parametrize("model", [None, "", 5, ["gpt-4o"]])
def test_a_model_that_is_no_name_is_none(model: object) -> None:
    assert parse([USER, REPLY], model=model).calls == ()


# What is refused


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\xff{}", "is not UTF-8 (byte 1 of the line)"),
        (b"{", "is not a recorded run: EOF"),
        (b"[]", "the line is no JSON object"),
        (b"{}", "messages is missing"),
        (b'{"messages": []}', "messages "),
        (b'{"messages": [{"role": "user", "content": "a"}], "meta": {"reward": NaN}}', "is not a recorded run"),
        (b'{"messages": [{"role": "user", "content": "a"}], "meta": {"reward": 1e999}}', "meta.reward "),
        (b'{"messages": [{"role": "user", "content": "a"}], "meta": {"reward": "nan"}}', "meta.reward "),
        (b'{"messages": [{"role": "user", "content": "a"}], "meta": {"reward": {}}}', "meta.reward "),
        (b"[" * 100_000, "is not a recorded run"),
        (b'{"messages": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "is not a recorded run"),
        (b'{"id": [], "messages": [{"role": "user", "content": "a"}]}', "id "),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', "is not a recorded run"),
    ],
)
def test_a_line_that_is_no_run_says_where_and_why(line: bytes, reason: str) -> None:
    message = refused(line)
    assert message.startswith("t.jsonl:7: is not")
    assert reason in message
    assert len(message) < 600


def test_a_message_that_is_none_says_where_and_why() -> None:
    assert "messages.0.role " in refused_messages({"role": "robot", "content": "a"})
    assert "messages.1 a tool message needs content" in refused_messages(USER, {"role": "tool"})
    assert "messages.0.content" in refused_messages({"role": "user", "content": 3})
    assert "messages.0.tool_calls.0.name is missing" in refused_messages(asking({"arguments": "{}"}))
    assert "messages.0.tool_calls.0" in refused_messages({"role": "assistant", "tool_calls": ["a"]})
    assert "input_audio" not in refused_messages({"role": "user", "content": [{"type": "input_audio"}]})


@pytest.mark.parametrize("answer", [{}, {"tool_call_id": "other"}])
def test_a_result_that_answers_no_call_is_refused(answer: dict[str, object]) -> None:
    tool = {"role": "tool", "content": "x", **answer}
    assert "messages.1: a tool message that answers no call" in refused_messages(USER, tool)
    answered = [asking({"name": "a"}), {"role": "tool", "content": "x"}]
    assert "messages.2: a tool message that answers no call" in refused_messages(*answered, tool)


def test_two_calls_of_one_message_with_one_id_are_refused() -> None:
    twice = asking({"id": "x", "name": "a"}, {"id": "x", "name": "b"})
    assert "messages.0: two of its tool calls have the same id" in refused_messages(twice)


def test_only_an_assistant_may_call_tools() -> None:
    assert "only an assistant message may call tools" in refused_messages({**USER, "tool_calls": [{"name": "a"}]})


def test_what_a_line_holds_is_not_repeated_in_its_error() -> None:
    line = json.dumps({"messages": [{"role": "user", "content": {"key": "secret-value"}}], "meta": "secret-value"})
    assert "secret-value" not in refused(line.encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b'{"messages": [{"role": "user", "content": []}]}')
def test_any_bytes_are_a_run_or_a_trace_error(line: bytes) -> None:
    for run in read_traces(io.BytesIO(line), "t.jsonl"):
        assert isinstance(run, Trace | TraceError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
records = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]) | json_values},
    optional={
        "content": st.text(max_size=5) | json_values,
        "tool_calls": st.lists(st.fixed_dictionaries({"name": st.text(max_size=3)}), max_size=3) | json_values,
        "tool_call_id": json_values,
    },
)


@given(st.lists(records, max_size=6), json_values)
def test_any_json_is_a_run_with_every_result_answering_a_call_or_a_trace_error(
    messages: list[object], meta: object
) -> None:
    line = json.dumps({"messages": messages, "meta": meta}).encode()
    try:
        trace = parse_trace(line, "t.jsonl", 1)
    except TraceError:
        return
    asked = [request.id for message in trace.messages for request in message.tool_calls]
    answered = [message.tool_call_id for message in trace.messages if message.role == "tool"]
    assert set(answered) <= set(asked)
    assert len(trace.messages) == len(messages)


# Files of many lines


LINE = json.dumps({"id": "a", "messages": [USER]}).encode() + b"\n"


def test_empty_lines_and_a_byte_order_mark_are_passed_over() -> None:
    runs = list(read_traces(io.BytesIO(b"\xef\xbb\xbf" + LINE + b"\n  \r\n" + LINE.rstrip()), "t.jsonl"))
    assert [run.id for run in runs if isinstance(run, Trace)] == ["a", "a"]
    assert len(runs) == 2


def test_an_empty_file_has_no_runs() -> None:
    assert list(read_traces(io.BytesIO(b"\xef\xbb\xbf"), "t.jsonl")) == []


def test_a_bad_line_does_not_end_the_reading() -> None:
    first, second, third = read_traces(io.BytesIO(LINE + b"nonsense\n" + LINE), "t.jsonl")
    assert isinstance(first, Trace)
    assert isinstance(second, TraceError)
    assert second.line == 2
    assert isinstance(third, Trace)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_longer_than_allowed_is_refused_and_passed_over(end: bytes) -> None:
    long = b"x" * 5_000_000
    stream = io.BytesIO(long + b"\n" + LINE + long + end)
    first, second, third = read_traces(stream, "t.jsonl", longest=100)
    assert str(first) == "t.jsonl:1: is longer than 100 bytes"
    assert isinstance(second, Trace)
    assert isinstance(third, TraceError)


def test_a_file_where_every_line_must_be_a_run(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(LINE + b"{}\n" + LINE)
    runs = traces_in(path)
    assert next(runs).id == "a"
    with pytest.raises(TraceError, match=r"t\.jsonl:2: "):
        next(runs)
    path.write_bytes(LINE + LINE)
    assert [run.id for run in traces_in(path)] == ["a", "a"]


class _Endless(io.RawIOBase):
    """A stream that makes its lines when they are read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def readline(self, size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


def test_a_stream_of_runs_takes_no_more_memory_the_longer_it_is() -> None:
    message = {"role": "user", "content": "x" * 20_000}
    lines = (json.dumps({"id": n, "messages": [message]}).encode() for n in range(3_000))
    tracemalloc.start()
    try:
        count = sum(isinstance(run, Trace) for run in read_traces(_Endless(lines), "t.jsonl"))  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 3_000
    assert peak < 2_000_000  # all of them together are 60 MB


# Prefix caching

tokens = st.integers(0, 300_000)
rules = st.sampled_from([rule_for(name) for name in ("gpt-4o", "claude-sonnet-4-5", "claude-haiku-4.5", "gemini-3")])


@given(tokens, tokens, rules)
def test_read_and_written_are_parts_of_the_prompt(prompt: int, shared: int, rule: PrefixRule) -> None:
    read, written = split(prompt, shared, rule)
    assert 0 <= read <= min(prompt, shared)
    assert written >= 0
    assert read + written <= prompt
    assert read == 0 or read >= rule.least
    assert read == 0 or (read - rule.least) % rule.step == 0
    assert min(prompt, shared) - read < max(rule.step, rule.least)


@given(tokens, tokens, tokens, rules)
def test_a_longer_shared_prefix_never_reads_less(prompt: int, one: int, other: int, rule: PrefixRule) -> None:
    assert split(prompt, min(one, other), rule)[0] <= split(prompt, max(one, other), rule)[0]


@settings(deadline=None)  # the price table is read once
@given(tokens, tokens)
def test_openai_s_caching_never_costs_more_than_none(prompt: int, shared: int) -> None:
    price = PriceBook({}).price("gpt-4o")
    read, written = split(prompt, shared, rule_for("gpt-4o"))
    assert price.cost(Usage(prompt, 0, read, written)) <= price.cost(Usage(prompt, 0))


@pytest.mark.parametrize(
    ("model", "prompt", "shared", "expected"),
    [
        ("gpt-4o", 2_000, 1_023, (0, 0)),
        ("gpt-4o", 2_000, 1_024, (1_024, 0)),
        ("gpt-4o", 2_000, 1_151, (1_024, 0)),
        ("gpt-4o", 2_000, 1_152, (1_152, 0)),
        ("claude-sonnet-4-5", 1_000, 0, (0, 0)),
        ("claude-sonnet-4-5", 2_000, 0, (0, 2_000)),
        ("claude-sonnet-4-5", 2_000, 1_100, (1_100, 900)),
        ("claude-opus-4.5", 4_000, 3_000, (0, 0)),
        ("claude-3-haiku", 3_000, 2_048, (2_048, 952)),
    ],
)
def test_each_provider_s_rule(model: str, prompt: int, shared: int, expected: tuple[int, int]) -> None:
    assert split(prompt, shared, rule_for(model)) == expected


some_messages = st.lists(st.builds(Message, st.just("user"), st.sampled_from("ab")), max_size=6)


@given(some_messages, some_messages)
def test_a_common_prefix_is_the_longest_there_is(before: list[Message], now: list[Message]) -> None:
    size = common_prefix(before, now)
    assert before[:size] == now[:size]
    assert size == min(len(before), len(now)) or before[size] != now[size]


def price_of(model: str) -> Price:
    return PriceBook({}).price(model)


def test_a_prompt_that_grew_reads_what_the_one_before_it_held() -> None:
    meter = Meter(counter_for("gpt-4o"), price_of("gpt-4o"), rule_for("gpt-4o"))
    system, more = Message("system", " a" * 2_000), Message("user", " a" * 500)
    assert meter.call([system], 10) == Usage(2_007, 10, estimated=True)  # 3 + 1 a message, 3 for the reply
    second = meter.call([system, more], 20)
    assert second == Usage(2_511, 20, cached_input=1_024 + 7 * 128, estimated=True)
    assert meter.call([more], 0).cached_input == 0
    assert meter.bill.calls == 3
    assert meter.bill.usage.input == 2_007 + 2_511 + 507
    assert meter.bill.uncached == (2_007 + 2_511 + 507) * 2_500 + 30 * 10_000
    assert meter.bill.cached == meter.bill.uncached - 1_920 * 1_250


def test_anthropic_s_writes_cost_a_quarter_more() -> None:
    meter = Meter(counter_for("claude-sonnet-4-5"), price_of("claude-sonnet-4-5"), rule_for("claude-sonnet-4-5"))
    usage = meter.call([Message("system", " a" * 2_000)], 0)
    assert usage.cache_write == usage.input
    assert meter.bill.uncached is not None
    assert meter.bill.cached == meter.bill.uncached * 5 / 4


def test_a_bill_without_a_price_has_no_cost_and_neither_has_a_sum_with_it() -> None:
    meter = Meter(counter_for("nobody-knows"), None, rule_for("nobody-knows"))
    meter.call([Message("user", "a")], 1)
    total = Bill(1, Usage(5, 5), 10, 20) + meter.bill
    assert (total.calls, total.cached, total.uncached) == (2, None, None)

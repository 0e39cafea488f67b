"""Reads GenAI spans of OpenTelemetry as OTLP JSON: one object, or one a line, as the Collector's file exporter writes.

Conventions: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ ; encoding:
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. A span is a model call by its
``gen_ai.operation.name`` (chat, text_completion, generate_content). Messages are read from ``gen_ai.input.messages``,
``gen_ai.output.messages`` and ``gen_ai.system_instructions``, structured or as JSON text; else from the span events of
the versions before (``gen_ai.user.message`` ... ``gen_ai.choice``), whose body stands in their attributes. Spans with
neither (texts are off unless asked for) come as one error each. What spans say beside that is in
`leanloop.adapters.traces.otel_about`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic_core import from_json

from leanloop.adapters.traces.chat_values import chat_messages
from leanloop.adapters.traces.fields import at, listed, word
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.otel_about import agent_of, call_of, failed, tags_in, tool_of
from leanloop.adapters.traces.records import Record
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["is_otel", "read_otel"]

_CALLS = ("chat", "text_completion", "generate_content")
_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
_SCALARS = ("stringValue", "intValue", "doubleValue", "boolValue")
_LONGEST_NUMBER = 20
_DEEPEST = 100


def is_otel(value: object) -> bool:
    """Whether it is an export of spans."""
    return is_list(at(value, "resourceSpans")) or is_list(at(value, "resource_spans"))


def read_otel(
    records: Iterator[Record | TraceError], file: str, *, unsaid: bool = False
) -> Iterator[Trace | TraceError]:
    """The runs of agents in it; what cannot be read comes as the error that says why, see `read_runs`."""
    gathering = Gathering()
    for record in records:
        if isinstance(record, TraceError):
            yield record
            continue
        try:
            value = record.value(file)
            if not is_otel(value):
                raise ValueError("resourceSpans: it has none")
        except TraceError as error:
            yield error
            continue
        except ValueError as error:
            yield TraceError(f"is no export of spans: {error}", file=file, line=record.line)
            continue
        for span, resource in _spans(value):
            try:
                _take(span, resource, gathering, unsaid=unsaid)
            except ValueError as error:
                name = str(at(span, "spanId"))[:32]
                yield TraceError(f"span {name} is not a model call: {error}", file=file, line=record.line)
        yield from gathering.ready()
    yield from gathering.rest()


def _spans(value: object) -> Iterator[tuple[object, object]]:
    """Each span, and what it is of."""
    for resource in listed(at(value, "resourceSpans") or at(value, "resource_spans")):
        for scope in listed(at(resource, "scopeSpans") or at(resource, "scope_spans")):
            for span in listed(at(scope, "spans")):
                yield span, at(resource, "resource")


def _take(span: object, resource: object, gathering: Gathering, *, unsaid: bool) -> None:
    fields = _attributes(at(span, "attributes"))
    trace = word(at(span, "traceId"), at(span, "trace_id"))
    operation = fields.get("gen_ai.operation.name")
    if trace is None or operation is None:
        return  # of something else than a model
    is_root = not word(at(span, "parentSpanId"), at(span, "parent_span_id"))
    if is_root:
        gathering.judge(trace, failed=failed(span, fields))
    if is_root or operation == "invoke_agent":
        gathering.describe(trace, agent=agent_of(fields), tags=tags_in(fields, _attributes(at(resource, "attributes"))))
    if operation == "execute_tool":
        gathering.add_tool(trace, tool_of(span, fields))
    elif unsaid and (operation == "embeddings" or (operation in _CALLS and fields.get("error.type"))):
        gathering.add_unsaid(trace, call_of(span, fields))
    elif operation in _CALLS and not fields.get("error.type"):
        try:
            messages = chat_messages([*_new(fields)] or [*_old(span)])
            if messages[-1].role != "assistant":
                raise ValueError("it has no reply")
            gathering.add(trace, call_of(span, fields, messages))
        except ValueError:
            if not unsaid:
                raise
            gathering.add_unsaid(trace, call_of(span, fields))


def _attributes(value: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for pair in listed(value):
        name = at(pair, "key")
        if isinstance(name, str):
            found[name] = _plain(at(pair, "value"), 0)
    return found


def _plain(value: object, depth: int) -> object:
    """An AnyValue as the value it is."""
    if not is_object(value) or depth > _DEEPEST:
        return None
    if "arrayValue" in value:
        return [_plain(one, depth + 1) for one in listed(at(value, "arrayValue", "values"))]
    if "kvlistValue" in value:
        pairs = listed(at(value, "kvlistValue", "values"))
        return {str(at(pair, "key")): _plain(at(pair, "value"), depth + 1) for pair in pairs}
    number = value.get("intValue")
    if isinstance(number, str) and len(number) <= _LONGEST_NUMBER and number.removeprefix("-").isdecimal():
        return int(number)  # 64 bits, which JSON's numbers do not hold everywhere
    return next((value[name] for name in _SCALARS if name in value), None)


def _said(value: object) -> object:
    """A structured value, or the JSON text of one."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value, allow_inf_nan=False)
    except ValueError:
        return value


def _new(fields: dict[str, object]) -> Iterator[object]:
    system = _said(fields.get("gen_ai.system_instructions"))
    told = listed(_said(fields.get("gen_ai.input.messages")))
    answers = listed(_said(fields.get("gen_ai.output.messages")))
    if not answers:
        return
    if system:
        yield {"role": "system", "content": _text(listed(system)) if is_list(system) else system}
    for message in (*told, answers[0]):
        parts = listed(at(message, "parts"))
        for part in parts:
            if at(part, "type") == "tool_call_response":
                response = at(part, "response")
                result = at(part, "result") if response is None else response
                yield {
                    "role": "tool",
                    "tool_call_id": at(part, "id"),
                    "name": word(at(part, "name")),
                    "content": _written(result),
                }
        calls = [
            {"id": at(part, "id"), "name": at(part, "name"), "arguments": at(part, "arguments")}
            for part in parts
            if at(part, "type") == "tool_call"
        ]
        text = _text(parts)
        if text or calls or not any(at(part, "type") == "tool_call_response" for part in parts):
            role = "assistant" if message is answers[0] else at(message, "role")
            yield {"role": role, "content": text} | ({"tool_calls": calls} if calls else {})


def _text(parts: list[object]) -> str:
    texts = (at(part, "content") for part in parts if at(part, "type") == "text")
    return "\n".join(text for text in texts if isinstance(text, str))


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _old(span: object) -> Iterator[object]:
    """The span events of the conventions up to 1.36."""
    for event in listed(at(span, "events")):
        name = at(event, "name")
        fields = _attributes(at(event, "attributes"))
        body = _said(fields.get("gen_ai.event.content"))
        given: dict[str, object] = {str(key): one for key, one in body.items()} if is_object(body) else fields
        if name == "gen_ai.choice":
            if given.get("index") in (None, 0, "0"):
                inner = _said(given.get("message"))
                yield _event("assistant", inner if is_object(inner) else given)
        elif isinstance(name, str) and name in _EVENTS:
            yield _event(_EVENTS[name], given)


def _event(role: str, given: object) -> object:
    content, calls = at(given, "content"), listed(_said(at(given, "tool_calls")))
    message: dict[str, object] = {"role": role, "content": "" if content is None else _written(content)}
    if role == "tool":
        message["tool_call_id"] = at(given, "id")
    if calls:
        message["tool_calls"] = calls
    return message

"""Where spans and log records stand in what OpenTelemetry exports, however it is spelled: each in one shape.

- OTLP JSON, in camelCase, or with the names of the protocol buffer, ids as hex, or as base64 where a general JSON
  writer of protocol buffers made them: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
- the same under ``batches`` or ``trace``, as Tempo's API gives a trace: https://grafana.com/docs/tempo/latest/api_docs/
- ``span.to_json()`` and ``log_record.to_json()`` of the Python SDK, and what its console exporters write
- a trace of Jaeger's API (`leanloop.adapters.traces.otel_jaeger`)
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from leanloop.adapters.traces.fields import at, listed, seconds_of, word
from leanloop.adapters.traces.otel_jaeger import is_jaeger, jaeger_traces
from leanloop.adapters.traces.otel_values import any_value, attributes
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["Happening", "Signal", "is_export", "logs_in", "spans_in"]

_LONGEST = 200
_FAILED = (2, "2", "STATUS_CODE_ERROR", "ERROR")
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{32}|[0-9a-fA-F]{16})")
_BASE64 = {24: 16, 12: 8}
"""Letters, and the bytes that they are: of the id of a trace, and of a span."""

_EXPORTS = ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs", "resourceMetrics", "resource_metrics")
_TEMPO = "batches"


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened within a span: an event of it."""

    name: str
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class Signal:
    """A span, or a log record.

    Attributes:
        name: of a log record that of its event.
        trace, span: their ids; of a log record those it was written in.
        parent: the span it is in; None of the outermost.
        began, ended: as Unix time.
        fields, resource: attributes as plain values.
        body: of a log record.
        events: of a span.
    """

    name: str
    trace: str | None
    span: str | None
    parent: str | None = None
    began: float | None = None
    ended: float | None = None
    failed: bool = False
    fields: dict[str, object] = field(default_factory=dict[str, object])
    resource: Mapping[str, object] = field(default_factory=dict[str, object])
    body: object = None
    events: tuple[Happening, ...] = ()


def is_export(value: object) -> bool:
    """Whether it is an export, a span or a log record of a kind that is known."""
    if any(is_list(at(value, name)) for name in (*_EXPORTS, _TEMPO)) or is_jaeger(value):
        return True
    if is_object(at(value, "trace")):
        return is_export(at(value, "trace"))
    return isinstance(at(value, "context", "trace_id"), str) or _is_log(value)


def spans_in(value: object) -> Iterator[Signal]:
    """Each span of an export, in order."""
    if is_object(at(value, "trace")):
        value = at(value, "trace")
    if isinstance(at(value, "context", "trace_id"), str):
        yield _span(value, attributes(at(value, "resource", "attributes")))
    for one in jaeger_traces(value):
        yield from spans_in(one)
    for resource in listed(_either(value, "resourceSpans", "resource_spans") or at(value, _TEMPO)):
        about = attributes(at(resource, "resource", "attributes"))
        scopes = _either(resource, "scopeSpans", "scope_spans") or at(resource, "instrumentationLibrarySpans")
        for scope in listed(scopes):
            for span in listed(at(scope, "spans")):
                yield _span(span, about)


def logs_in(value: object) -> Iterator[Signal]:
    """Each log record of an export, in order."""
    if _is_log(value):
        yield _log(value, attributes(at(value, "resource", "attributes")), at(value, "body"))
    for resource in listed(_either(value, "resourceLogs", "resource_logs")):
        about = attributes(at(resource, "resource", "attributes"))
        for scope in listed(_either(resource, "scopeLogs", "scope_logs")):
            for record in listed(_either(scope, "logRecords", "log_records")):
                yield _log(record, about, any_value(at(record, "body")))


def _is_log(value: object) -> bool:
    return is_object(value) and "body" in value and "trace_id" in value and "severity_number" in value


def _span(span: object, resource: Mapping[str, object]) -> Signal:
    fields = attributes(at(span, "attributes"))
    codes = (at(span, "status", "code"), at(span, "status", "status_code"))
    context = at(span, "context")
    return Signal(
        word(at(span, "name")) or "",
        _id(_either(span, "traceId", "trace_id"), at(context, "trace_id")),
        _id(_either(span, "spanId", "span_id"), at(context, "span_id")),
        _id(_either(span, "parentSpanId", "parent_span_id"), at(span, "parent_id")),
        _time(_either(span, "startTimeUnixNano", "start_time_unix_nano"), at(span, "start_time")),
        _time(_either(span, "endTimeUnixNano", "end_time_unix_nano"), at(span, "end_time")),
        bool(fields.get("error.type")) or any(code in _FAILED for code in codes),
        fields,
        resource,
        None,
        tuple(
            Happening(word(at(event, "name")) or "", attributes(at(event, "attributes")))
            for event in listed(at(span, "events"))
        ),
    )


def _log(record: object, resource: Mapping[str, object], body: object) -> Signal:
    fields = attributes(at(record, "attributes"))
    told = _time(_either(record, "timeUnixNano", "time_unix_nano"), at(record, "timestamp"))
    seen = _time(_either(record, "observedTimeUnixNano", "observed_time_unix_nano"), at(record, "observed_timestamp"))
    return Signal(
        word(_either(record, "eventName", "event_name"), fields.get("event.name")) or "",
        _id(_either(record, "traceId", "trace_id")),
        _id(_either(record, "spanId", "span_id")),
        ended=told or seen,
        fields=fields,
        resource=resource,
        body=body,
    )


def _either(value: object, camel: str, snake: str) -> object:
    found = at(value, camel)
    return at(value, snake) if found is None else found


def _id(*values: object) -> str | None:
    """As small hex, by which a span and its log records find each other; what is no id of theirs as it is."""
    given = word(*values)
    if given is None:
        return None
    if found := _HEX.fullmatch(given):
        return found[1].lower()
    if len(given) in _BASE64:
        try:
            known = base64.b64decode(given, validate=True)
        except binascii.Error:
            known = b""
        if len(known) == _BASE64[len(given)]:
            return known.hex()
    return given[:_LONGEST]


def _time(nanoseconds: object, date: object) -> float | None:
    text = str(nanoseconds)
    return int(text) / 1e9 if text.isascii() and text.isdigit() and len(text) < 20 else seconds_of(date)

"""Traces of Jaeger's API (``/api/traces``, and "Trace JSON" of its page) as exports of spans.

https://www.jaegertracing.io/docs/latest/architecture/apis/ : an object with ``data``, or one trace of it, has ``spans``
with ``traceID``, ``references`` to parents, microseconds and typed ``tags``, and ``processes`` that these are of.
"""

from __future__ import annotations

from collections.abc import Iterator

from leanloop.adapters.traces.fields import at, listed
from leanloop.plugins.shorten.json_read import is_list

__all__ = ["is_jaeger", "jaeger_traces"]


def is_jaeger(value: object) -> bool:
    """Whether it is a trace, or an object with traces."""
    return any(
        isinstance(at(value, *way, "traceID"), str) and is_list(at(value, *way, "spans")) for way in ((), ("data", 0))
    )


def jaeger_traces(value: object) -> Iterator[object]:
    """Each of them, in the shape that OTLP JSON has for the spans of one resource; none where it is no such object."""
    if not is_jaeger(value):
        return
    for trace in listed(at(value, "data")) or [value]:
        for span in listed(at(trace, "spans")):
            process = at(trace, "processes", str(at(span, "processID"))) or at(span, "process")
            about = {"service.name": at(process, "serviceName")} | _tags(at(process, "tags"))
            scope = {"spans": [_span(span)]}
            yield {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [scope]}]}


def _span(span: object) -> object:
    began, lasted = (_whole(at(span, name)) for name in ("startTime", "duration"))
    above = (one for one in listed(at(span, "references")) if at(one, "refType") == "CHILD_OF")
    fields = _tags(at(span, "tags"))
    events = [_tags(at(log, "fields")) for log in listed(at(span, "logs"))]
    return {
        "name": at(span, "operationName"),
        "traceId": at(span, "traceID"),
        "spanId": at(span, "spanID"),
        "parentSpanId": at(next(above, None), "spanID") or at(span, "parentSpanID"),
        "startTimeUnixNano": None if began is None else began * 1000,
        "endTimeUnixNano": None if began is None else (began + (lasted or 0)) * 1000,
        "attributes": fields,
        "status": {"code": "ERROR" if fields.get("error") is True else fields.get("otel.status_code")},
        "events": [{"name": fields.get("event"), "attributes": fields} for fields in events],
    }


def _tags(value: object) -> dict[str, object]:
    return {str(at(tag, "key")): at(tag, "value") for tag in listed(value)}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

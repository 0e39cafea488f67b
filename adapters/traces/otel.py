"""Reads spans of model calls from OpenTelemetry: OTLP JSON, one object or one a line, as the Collector's file exporter
writes it, or a span a value, as ``span.to_json()`` and the ConsoleSpanExporter of the Python SDK do.

Conventions: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ ; encoding:
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. A span is a model call by its
``gen_ai.operation.name`` (chat, text_completion, generate_content), or by what OpenInference and OpenLLMetry say
instead (`leanloop.adapters.traces.otel_dialects`). Where its messages stand is in
`leanloop.adapters.traces.otel_messages`; spans without any (texts are off unless asked for) come as one error each.
What spans say beside that is in `leanloop.adapters.traces.otel_about`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leanloop.adapters.traces.chat_values import chat_messages
from leanloop.adapters.traces.fields import at, listed, word
from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.otel_about import agent_of, call_of, failed, id_of, tags_in, tool_of
from leanloop.adapters.traces.otel_dialects import by_convention
from leanloop.adapters.traces.otel_messages import conversation
from leanloop.adapters.traces.otel_values import attributes
from leanloop.adapters.traces.records import Record
from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.message import Message
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_list

__all__ = ["is_otel", "read_otel"]

_CALLS = ("chat", "text_completion", "generate_content")


def is_otel(value: object) -> bool:
    """Whether it is an export of spans, or a span."""
    return _is_export(value) or isinstance(at(value, "context", "trace_id"), str)


def _is_export(value: object) -> bool:
    return is_list(at(value, "resourceSpans")) or is_list(at(value, "resource_spans"))


def read_otel(
    records: Iterator[Record | TraceError], file: str, *, unsaid: bool = False
) -> Iterator[Trace | TraceError]:
    """The runs of agents in it; what cannot be read comes as the error that says why, see `read_runs`."""
    gathering = Gathering()

    def take(value: object) -> Iterator[str]:
        if not is_otel(value):
            raise ValueError("resourceSpans: it has none")
        for span, resource in _spans(value):
            try:
                _take(span, resource, gathering, unsaid=unsaid)
            except ValueError as error:
                yield f"span {id_of(span) or 'without an id'} is not a model call: {error}"

    return gathering.runs(records, file, "is no export of spans", take)


def _spans(value: object) -> Iterator[tuple[object, object]]:
    """Each span, and what it is of."""
    if not _is_export(value):
        yield value, at(value, "resource")
    for resource in listed(at(value, "resourceSpans") or at(value, "resource_spans")):
        for scope in listed(at(resource, "scopeSpans") or at(resource, "scope_spans")):
            for span in listed(at(scope, "spans")):
                yield span, at(resource, "resource")


def _take(span: object, resource: object, gathering: Gathering, *, unsaid: bool) -> None:
    fields = by_convention(attributes(at(span, "attributes")))
    trace = word(at(span, "traceId"), at(span, "trace_id"), at(span, "context", "trace_id"))
    operation = fields.get("gen_ai.operation.name")
    if trace is None or operation is None:
        return  # of something else than a model
    is_root = not word(at(span, "parentSpanId"), at(span, "parent_span_id"), at(span, "parent_id"))
    if is_root:
        gathering.judge(trace, failed=failed(span, fields))
    if is_root or operation == "invoke_agent":
        gathering.describe(trace, agent=agent_of(fields), tags=tags_in(fields, attributes(at(resource, "attributes"))))
    if operation == "execute_tool":
        gathering.add_tool(trace, tool_of(span, fields))
    elif unsaid and (operation == "embeddings" or (operation in _CALLS and fields.get("error.type"))):
        gathering.add_unsaid(trace, call_of(span, fields))
    elif operation in _CALLS and not fields.get("error.type"):
        try:
            gathering.add(trace, call_of(span, fields, _messages(span, fields)))
        except ValueError:
            if unsaid:
                gathering.add_unsaid(trace, call_of(span, fields))
            elif not failed(span, fields):  # one that failed need not have a reply
                raise


def _messages(span: object, fields: dict[str, object]) -> tuple[Message, ...]:
    """What was told, and the reply last.

    Raises:
        ValueError: there is none, or what is there is no conversation.
    """
    values = conversation(fields, listed(at(span, "events")))
    if not values:
        raise ValueError("it holds no texts; have your instrumentation record prompts and answers")
    messages = chat_messages(values)
    if messages[-1].role != "assistant":
        raise ValueError("it has no reply")
    return messages

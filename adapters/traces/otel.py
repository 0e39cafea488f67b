"""Reads model calls from what OpenTelemetry exports: spans, and log records beside them or alone.

Conventions: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/. How exports are spelled is in
`leanloop.adapters.traces.otel_signals`. A span is a model call by its ``gen_ai.operation.name`` (chat,
text_completion, generate_content), or by what OpenInference and OpenLLMetry say instead
(`leanloop.adapters.traces.otel_dialects`). Where its messages stand is in `leanloop.adapters.traces.otel_messages`, or
they are log records (`leanloop.adapters.traces.otel_logs`); calls without any (texts are off unless asked for) come as
one error each. What spans say beside that is in `leanloop.adapters.traces.otel_about`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leanloop.adapters.traces.gathering import Gathering
from leanloop.adapters.traces.otel_about import agent_of, call_of, tags_in, tool_of
from leanloop.adapters.traces.otel_dialects import by_convention
from leanloop.adapters.traces.otel_logs import CALLS, calls_of_pieces, take_log
from leanloop.adapters.traces.otel_messages import messages_in
from leanloop.adapters.traces.otel_signals import Signal, is_export, logs_in, spans_in
from leanloop.adapters.traces.recorded_value import Record
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError

__all__ = ["OtelRuns", "is_otel"]

is_otel = is_export
"""Whether it is an export of spans or log records, or one of these."""


class OtelRuns:
    """The runs of agents in such records; see `leanloop.adapters.traces.formats.Recordings`."""

    def __init__(self, *, unsaid: bool = False) -> None:
        self._gathering = Gathering(unsaid=unsaid, whole=calls_of_pieces)

    def read(self, records: Iterator[Record | TraceError], file: str) -> Iterator[Trace | TraceError]:
        """Those of a file that are whole; what cannot be read comes as the error that says why."""
        return self._gathering.runs(records, file, "is no export of spans", self._take)

    def rest(self) -> Iterator[Trace | TraceError]:
        """All others."""
        return self._gathering.rest()

    def _take(self, value: object) -> Iterator[str]:
        if not is_export(value):
            raise ValueError("resourceSpans: it has none")
        for span in spans_in(value):
            _take_span(span, self._gathering)
        for log in logs_in(value):
            yield from take_log(log, self._gathering)


def _take_span(span: Signal, gathering: Gathering) -> None:
    fields = by_convention(span.fields)
    trace, operation = span.trace, fields.get("gen_ai.operation.name")
    if trace is None or operation is None:
        return  # of something else than a model
    if span.parent is None:
        gathering.judge(trace, failed=span.failed)
    if span.parent is None or operation == "invoke_agent":
        gathering.describe(trace, agent=agent_of(fields), tags=tags_in(fields, span.resource))
    if operation == "execute_tool":
        gathering.add_tool(trace, tool_of(span, fields))
    elif operation == "embeddings" or (operation in CALLS and fields.get("error.type")):
        gathering.add_unsaid(trace, call_of(span, fields))
    elif operation in CALLS:
        try:
            gathering.add(trace, call_of(span, fields, messages_in(fields, span.events)))
        except ValueError as error:
            why = f"span {span.span or 'without an id'} is not a model call: {error}"
            gathering.add_unsaid(trace, call_of(span, fields), None if span.failed else why)

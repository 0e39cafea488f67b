"""Events as OpenTelemetry spans and metrics.

Names, units, buckets and values are those of the semantic conventions for generative AI, whose status is Development
(https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai: gen-ai-spans.md, gen-ai-agent-spans.md,
gen-ai-metrics.md); what they have no name for is under ``leanloop.``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanloop.adapters.otel_buckets import AGENT_SECONDS, CALL_SECONDS, TOKENS
from leanloop.adapters.otel_names import Attributes, call_attributes, of_agent, sayable, span_attributes
from leanloop.adapters.otel_tasks import OpenTasks
from leanloop.errors import MissingExtra
from leanloop.plugins.events.event import (
    Alerted,
    Event,
    Gated,
    Hit,
    Landed,
    Nudged,
    Refused,
    Saved,
    Settled,
    Shortened,
    TaskBegan,
    TaskEnded,
    ToolEnded,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["OtelSink"]

_MOST_TOOLS = 500
"""Names of tools by which metrics are told apart: models make up names, and each would be a series for ever."""

_LONGEST = 200
"""Characters of the name of a tool."""


class OtelSink:
    """Tells OpenTelemetry: spans of tasks, model calls, embeddings and tools, and metrics of tokens, time and money.

    ``invoke_agent NAME`` spans a task from its first event to its end, as a child of the span that was current when it
    began, or of the task it is a part of. What happens in it is below it, or below a span that you opened meanwhile.
    A task of which no end is told (its run failed) ends with the process, or when 1,024 others are open.

    Text of prompts and answers is on spans only where the budget file asks for it (``events: {text: on}``). Metrics are
    told apart by agent, model, operation and the like, never by task or tag, of which there may be any number.

    Args:
        tracer_provider, meter_provider: by default the process's own.

    Raises:
        MissingExtra: opentelemetry-api is not installed.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            raise MissingExtra("opentelemetry-api", "otel") from error
        self._trace = trace
        self._tracer = trace.get_tracer("leanloop", tracer_provider=tracer_provider)
        self._tasks = OpenTasks(self._tracer)
        self._tools: set[str] = set()
        meter = metrics.get_meter("leanloop", meter_provider=meter_provider)
        histogram = meter.create_histogram
        self._tokens = histogram(
            "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )  # fmt: skip
        self._duration = histogram(
            "gen_ai.client.operation.duration", "s", "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=CALL_SECONDS,
        )  # fmt: skip
        self._agent_duration = histogram(
            "gen_ai.invoke_agent.duration", "s", "The end-to-end duration of an agent's task.",
            explicit_bucket_boundaries_advisory=AGENT_SECONDS,
        )  # fmt: skip
        self._tool_duration = histogram(
            "gen_ai.execute_tool.duration", "s", "The duration of a tool's execution.",
            explicit_bucket_boundaries_advisory=CALL_SECONDS,
        )  # fmt: skip
        self._cost = meter.create_counter("leanloop.cost", "{USD}", "What calls cost.")
        self._saved = meter.create_up_down_counter(
            "leanloop.saved", "{USD}", "What plugins spared, less what they lost."
        )
        self._share = histogram(
            "leanloop.limit.share", "1", "The share of a limit that is spent, after each call that it is about.",
            explicit_bucket_boundaries_advisory=[0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0],
        )  # fmt: skip
        self._happened = meter.create_counter("leanloop.events", "{event}", "What else happened, by kind.")

    def __call__(self, event: Event) -> None:
        """Tell it."""
        match event:
            case TaskBegan():
                self._tasks.begin(event)
            case TaskEnded():
                seconds = self._tasks.end(event)
                error = {"error.type": "stopped"} if event.stopped and not event.landed else {}
                self._agent_duration.record(event.seconds if seconds is None else seconds, {**of_agent(event), **error})
            case Settled():
                self._settled(event)
            case ToolEnded():
                self._tool(event)
            case _:
                self._count(event)

    def _count(self, event: Event) -> None:
        match event:
            case Saved():
                self._saved.add(event.cost / 1e9, {**of_agent(event), "leanloop.plugin": event.plugin})
            case Refused():
                self._happen(event, {"leanloop.resource": event.resource})
            case Hit():
                self._happen(event, {"leanloop.cache.tier": event.tier})
            case Gated():
                self._happen(event, {"leanloop.gate": event.by, "leanloop.setting": event.setting})
            case Alerted():
                self._happen(event, {"leanloop.alert": event.alert})
            case Landed() | Nudged() | Shortened():
                self._happen(event, {})
            case _:
                pass

    def _happen(self, event: Event, more: Attributes) -> None:
        self._happened.add(1, {**of_agent(event), "leanloop.event": event.kind, **more})

    def _settled(self, event: Settled) -> None:
        about = sayable(call_attributes(event))
        name = f"{about['gen_ai.operation.name']} {event.model}"
        self._span(name, event, event.seconds, {**about, **span_attributes(event)})
        if event.error is None or event.usage.total:  # else nothing was billed, and no tokens are known
            kinds = {"input": event.usage.input}
            if event.phase != "embedding":
                kinds["output"] = event.usage.output
            told = {key: value for key, value in about.items() if key != "error.type"}
            for kind, tokens in kinds.items():
                self._tokens.record(tokens, {**told, "gen_ai.token.type": kind})
        self._duration.record(event.seconds, about)
        if event.cost is not None:
            self._cost.add(event.cost / 1e9, {**about, "leanloop.phase": event.phase})
        for limit, (spent, most) in event.limits.items():
            if most > 0:
                self._share.record(spent / most, {**of_agent(event), "leanloop.resource": limit.rpartition(": ")[2]})

    def _tool(self, event: ToolEnded) -> None:
        tool = event.tool[:_LONGEST]
        about = of_agent(event)
        if event.is_error:
            about["error.type"] = "tool_error"
        self._tool_duration.record(event.seconds, sayable({**about, "gen_ai.tool.name": self._series(tool)}))
        told = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "leanloop.task": event.of.task}
        self._span(f"execute_tool {tool}", event, event.seconds, {**about, **told})

    def _series(self, tool: str) -> str:
        """The name of a tool in metrics; beyond `_MOST_TOOLS` that of all others, as the conventions name it."""
        if tool not in self._tools and len(self._tools) >= _MOST_TOOLS:
            return "_OTHER"
        self._tools.add(tool)
        return tool

    def _span(self, name: str, event: Event, seconds: float, attributes: Attributes) -> None:
        trace, end = self._trace, int(event.at * 1e9)
        span = self._tracer.start_span(
            name.encode("utf-8", "replace").decode(),
            context=self._tasks.context(event, seconds),
            kind=trace.SpanKind.INTERNAL if name.startswith("execute_tool") else trace.SpanKind.CLIENT,
            attributes=sayable(attributes),
            start_time=end - int(seconds * 1e9),
        )
        if "error.type" in attributes:
            span.set_status(trace.Status(trace.StatusCode.ERROR))
        span.end(end)

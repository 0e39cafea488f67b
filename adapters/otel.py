"""Events as OpenTelemetry spans and metrics.

Names are those of the semantic conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ and .../gen-ai-metrics/); what they have no name for
is under ``leanloop.``. A span is a child of whatever span is current where the call was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from leanloop.errors import MissingExtra
from leanloop.plugins.events.event import Alerted, Event, Hit, Landed, Refused, Saved, Settled, ToolEnded

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

__all__ = ["OtelSink"]

_PROVIDERS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "aws": "aws.bedrock",
    "azure": "azure.ai.openai",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "gcp.gen_ai",
    "groq": "groq",
    "mistral": "mistral_ai",
    "openai": "openai",
    "perplexity": "perplexity",
    "x-ai": "x_ai",
}
"""From the ids of genai-prices to the well-known values of ``gen_ai.provider.name``."""

Attributes = dict[str, str | int | float | bool]


class OtelSink:
    """Tells OpenTelemetry: a span for each model call, embedding and tool call, and metrics of tokens, time and money.

    Text of prompts and answers is on spans only where the budget file asks for it (``events: {text: on}``). Metrics are
    told apart by agent, model and operation, never by task or tag, of which there may be any number.

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
        meter = metrics.get_meter("leanloop", meter_provider=meter_provider)
        self._tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", "Tokens used, by type")
        self._duration = meter.create_histogram("gen_ai.client.operation.duration", "s", "How long calls took")
        self._cost = meter.create_counter("leanloop.cost", "{USD}", "What calls cost")
        self._saved = meter.create_up_down_counter("leanloop.saved", "{USD}", "What plugins spared, by plugin")
        self._share = meter.create_histogram("leanloop.limit.share", "1", "The share of a limit that is spent")
        self._happened = meter.create_counter("leanloop.events", "{event}", "Refusals, landings, alerts and cache hits")

    def __call__(self, event: Event) -> None:
        """Tell it."""
        match event:
            case Settled():
                self._settled(event)
            case ToolEnded():
                self._tool(event)
            case Saved():
                self._saved.add(event.cost / 1e9, {**_of(event), "leanloop.plugin": event.plugin})
            case Refused():
                self._happened.add(1, {**_of(event), "leanloop.event": event.kind, "leanloop.resource": event.resource})
            case Landed() | Alerted():
                self._happened.add(1, {**_of(event), "leanloop.event": event.kind})
            case Hit():
                self._happened.add(1, {**_of(event), "leanloop.event": event.kind, "leanloop.cache.tier": event.tier})
            case _:
                pass

    def _settled(self, event: Settled) -> None:
        operation = "embeddings" if event.phase == "embedding" else "chat"
        about: Attributes = {**_of(event), "gen_ai.operation.name": operation, "gen_ai.request.model": event.model}
        if event.provider:
            about["gen_ai.provider.name"] = _PROVIDERS.get(event.provider, event.provider)
        if event.error:
            about["error.type"] = event.error
        usage = event.usage
        more: Attributes = {
            "gen_ai.usage.input_tokens": usage.input,
            "gen_ai.usage.output_tokens": usage.output,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_input,
            "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
            "leanloop.task": event.of.task,
            "leanloop.phase": event.phase,
        }
        if event.cost is not None:
            more["leanloop.cost_usd"] = event.cost / 1e9
        if event.effort:
            more["leanloop.effort"] = event.effort
        if event.text is not None:
            more |= {"leanloop.asked": event.text.asked, "leanloop.answered": event.text.answered}
        self._span(f"{operation} {event.model}", event, event.seconds, {**about, **more})
        for kind, tokens in (("input", usage.input), ("output", usage.output)):
            self._tokens.record(tokens, {**about, "gen_ai.token.type": kind})
        self._duration.record(event.seconds, about)
        if event.cost is not None:
            self._cost.add(event.cost / 1e9, about)
        for limit, (spent, most) in event.limits.items():
            if most:
                self._share.record(spent / most, {**_of(event), "leanloop.resource": limit.rpartition(": ")[2]})

    def _tool(self, event: ToolEnded) -> None:
        about: Attributes = {**_of(event), "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": event.tool}
        if event.is_error:
            about["error.type"] = "tool_error"
        self._span(f"execute_tool {event.tool}", event, event.seconds, {**about, "leanloop.task": event.of.task})

    def _span(self, name: str, event: Event, seconds: float, attributes: Attributes) -> None:
        trace, end = self._trace, int(event.at * 1e9)
        client = trace.SpanKind.INTERNAL if name.startswith("execute_tool") else trace.SpanKind.CLIENT
        span = self._tracer.start_span(name, kind=client, attributes=attributes, start_time=end - int(seconds * 1e9))
        if "error.type" in attributes:
            span.set_status(trace.Status(trace.StatusCode.ERROR))
        span.end(end)


def _of(event: Event) -> Attributes:
    return {"gen_ai.agent.name": event.of.agent}

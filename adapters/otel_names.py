"""What the semantic conventions for generative AI call the fields of events."""

from __future__ import annotations

from collections.abc import Mapping

from leanloop.plugins.events.event import Event, Settled

__all__ = ["Attributes", "call_attributes", "of_agent", "sayable", "span_attributes"]

Attributes = dict[str, str | int | float | bool]

_PROVIDERS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "aws": "aws.bedrock",
    "azure": "azure.ai.openai",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "gcp.gen_ai",
    "groq": "groq",
    "mistral": "mistral_ai",
    "moonshotai": "moonshot_ai",
    "openai": "openai",
    "perplexity": "perplexity",
    "x-ai": "x_ai",
}
"""From the ids of genai-prices to the well-known values of ``gen_ai.provider.name``."""


def of_agent(event: Event) -> Attributes:
    """Whose event it is, in few different words."""
    return {"gen_ai.agent.name": event.of.agent}


def call_attributes(event: Settled) -> Attributes:
    """What spans and metrics of a model call have in common; a provider must be told, an unknown one is ``_OTHER``."""
    about: Attributes = {
        **of_agent(event),
        "gen_ai.operation.name": "embeddings" if event.phase == "embedding" else "chat",
        "gen_ai.request.model": event.model,
        "gen_ai.provider.name": _PROVIDERS.get(event.provider, event.provider) if event.provider else "_OTHER",
    }
    if event.error:
        about["error.type"] = event.error
    return about


def span_attributes(event: Settled) -> Attributes:
    """What only the span of a model call says. Input tokens include those read from a cache or written to one."""
    usage = event.usage
    more: Attributes = {
        "gen_ai.usage.input_tokens": usage.input,
        "leanloop.task": event.of.task,
        "leanloop.phase": event.phase,
        "leanloop.estimated": usage.estimated,
    }
    if event.phase != "embedding":
        more["gen_ai.usage.output_tokens"] = usage.output
    told = {
        "gen_ai.usage.cache_read.input_tokens": usage.cached_input,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
        "leanloop.effort": event.effort,
    }
    more |= {name: value for name, value in told.items() if value}
    if event.cost is not None:
        more["leanloop.cost_usd"] = event.cost / 1e9
    if event.text is not None:
        more |= {"leanloop.asked": event.text.asked, "leanloop.answered": event.text.answered}
    return more


def sayable(attributes: Attributes) -> Attributes:
    """The same in UTF-8: half of a surrogate pair, which a model's JSON may hold, would lose an exporter its batch."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
        for name, value in attributes.items()
    }

"""Spans that name things in their own way, under the names of the conventions for generative AI.

- OpenInference (Arize, Phoenix and their instrumentation of LlamaIndex, LangChain and others):
  https://arize-ai.github.io/openinference/spec/attributes/semantic-conventions.html
- OpenLLMetry (Traceloop): https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions

Where texts of messages stand says `leanloop.adapters.traces.otel_messages`.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["by_convention"]

_OPERATION = "gen_ai.operation.name"
_OPERATIONS: Mapping[str, str] = {
    "LLM": "chat",
    "EMBEDDING": "embeddings",
    "AGENT": "invoke_agent",
    "TOOL": "execute_tool",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "completion": "text_completion",
    "embedding": "embeddings",
}
"""By ``openinference.span.kind``, ``traceloop.span.kind`` and ``llm.request.type``; others stay as they are."""

_OPENINFERENCE: Mapping[str, tuple[str, ...]] = {
    "gen_ai.response.model": ("llm.response.model_name", "llm.model_name", "embedding.model_name"),
    "gen_ai.request.model": ("llm.request.model_name",),
    "gen_ai.usage.input_tokens": ("llm.token_count.prompt",),
    "gen_ai.usage.output_tokens": ("llm.token_count.completion",),
    "gen_ai.usage.cache_read.input_tokens": ("llm.token_count.prompt_details.cache_read",),
    "gen_ai.usage.cache_creation.input_tokens": ("llm.token_count.prompt_details.cache_write",),
    "gen_ai.usage.reasoning.output_tokens": ("llm.token_count.completion_details.reasoning",),
    "gen_ai.agent.name": ("agent.name",),
    "gen_ai.tool.name": ("tool.name",),
    "gen_ai.tool.call.id": ("tool_call.id", "tool.id"),
    "leanloop.cost_usd": ("llm.cost.total",),
}
_OPENLLMETRY: Mapping[str, tuple[str, ...]] = {
    "user.id": ("traceloop.association.properties.user_id",),
    "session.id": ("traceloop.association.properties.session_id",),
}
_ENTITY = {"invoke_agent": "gen_ai.agent.name", "execute_tool": "gen_ai.tool.name"}
_TEXTS = ("gen_ai.prompt.", "gen_ai.completion.")
_OF_A_CALL = ("llm.input_messages", "llm.output_messages", "llm.prompts", "llm.choices", "llm.token_count.")
"""One of these is on every LLM span that is a call; LlamaIndex spans as LLM what only prepares one, too."""


def by_convention(fields: dict[str, object]) -> dict[str, object]:
    """The attributes of a span with those of the conventions beside its own; what it says by them stays."""
    if _OPERATION in fields:
        return fields
    kind = next((fields[name] for name in ("openinference.span.kind", "traceloop.span.kind") if name in fields), None)
    if kind is None:
        kind = fields.get("llm.request.type")
    if kind is None and any(name.startswith(_TEXTS) for name in fields):
        kind = "chat"
    if not isinstance(kind, str):
        return fields
    operation = _OPERATIONS.get(kind, kind)
    if kind == "LLM" and not any(name.startswith(_OF_A_CALL) for name in fields):
        operation = "prepare"
    told: dict[str, object] = {_OPERATION: operation}
    for name, theirs in (*_OPENINFERENCE.items(), *_OPENLLMETRY.items()):
        value = next((fields[their] for their in theirs if their in fields), None)
        if value is not None:
            told[name] = value
    entity = fields.get("traceloop.entity.name")
    if entity is not None and operation in _ENTITY:
        told[_ENTITY[operation]] = entity
    if operation == "execute_tool":
        given = fields.get("input.value", fields.get("traceloop.entity.input"))
        told |= {} if given is None else {"gen_ai.tool.call.arguments": given}
    return told | fields

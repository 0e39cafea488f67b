"""What GenAI spans and log records say beside their messages: who made a call, for whom, what it used and cost, and
their tools.

Names are those of the conventions, and ``leanloop.`` ones of `leanloop.adapters.otel`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from leanloop.adapters.traces.fields import nano_of, usage_of, word
from leanloop.adapters.traces.found import FoundCall
from leanloop.adapters.traces.otel_signals import Signal
from leanloop.adapters.traces.trace import RecordedTool
from leanloop.budgets.message import Message

__all__ = ["agent_of", "call_of", "tags_in", "tool_of"]

Fields = Mapping[str, object]

_NOTHING = (Message("assistant", ""),)
_TAGS = {"user": ("user.id", "enduser.id"), "session": ("session.id",)}
_OF_RESOURCE = {"service": "service.name", "environment": "deployment.environment.name"}
_UNKNOWN = "unknown_service"
_LONGEST = 200


def agent_of(fields: Fields) -> str | None:
    """The agent whose span it is."""
    return word(fields.get("gen_ai.agent.name"))


def tags_in(fields: Fields, resource: Fields) -> list[tuple[str, str]]:
    """For whom a trace was, and by which service."""
    found = [(tag, word(*(fields.get(name) for name in names))) for tag, names in _TAGS.items()]
    found += [(tag, word(resource.get(name))) for tag, name in _OF_RESOURCE.items()]
    return [(tag, value[:_LONGEST]) for tag, value in found if value and not value.startswith(_UNKNOWN)]


def call_of(signal: Signal, fields: Fields, messages: tuple[Message, ...] = _NOTHING) -> FoundCall:
    """A model call with its messages, of which the last is the reply."""
    tokens = {name.removeprefix("gen_ai.usage."): value for name, value in fields.items()}
    is_embedding = fields.get("gen_ai.operation.name") == "embeddings"
    if is_embedding:
        tokens.setdefault("output_tokens", 0)
    return FoundCall(
        messages[:-1],
        messages[-1],
        word(fields.get("gen_ai.response.model"), fields.get("gen_ai.request.model")),
        usage_of(tokens),
        nano_of(fields.get("leanloop.cost_usd")),
        signal.began,
        signal.ended,
        agent_of(fields),
        "embedding" if is_embedding else word(fields.get("leanloop.phase")),
        (word(fields.get("error.type")) or "")[:_LONGEST] or None,
        signal.span,
        signal.parent,
    )


def tool_of(span: Signal, fields: Fields) -> RecordedTool:
    """A tool that ran."""
    given = fields.get("gen_ai.tool.call.arguments")
    return RecordedTool(
        word(fields.get("gen_ai.tool.name")) or "(none)",
        word(fields.get("gen_ai.tool.call.id")),
        given if isinstance(given, str) else json.dumps(given) if given is not None else None,
        span.began,
        None if span.began is None or span.ended is None else max(0.0, span.ended - span.began),
        span.failed,
        agent_of(fields),
    )

"""An answer from the cache, as LangChain's own objects: a message with an id of its own, that used no tokens."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, cast

from langchain.agents.middleware.types import ModelResponse
from langchain.agents.structured_output import (
    AutoStrategy,
    OutputToolBinding,
    ProviderStrategy,
    ProviderStrategyBinding,
    StructuredOutputValidationError,
    ToolStrategy,
)
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata

from leanloop.adapters.langchain.messages import to_langchain
from leanloop.plugins.call import ModelReply

__all__ = ["MARK", "in_form", "replayed_message"]

MARK = "leanloop_cache"
"""In the `response_metadata` of a message: the tier of the cache that gave it again (exact, normal, alike)."""


def replayed_message(reply: ModelReply, model: str, name: str | None = None) -> AIMessage:
    """The message of a hit.

    Its usage is there, and zero, so that whoever adds up usage adds nothing. The model's name is what
    `UsageMetadataCallbackHandler` does without no message; `name` is what create_agent calls its agent.
    """
    said = cast("AIMessage", to_langchain(reply.message))
    return said.model_copy(
        update={
            "id": f"leanloop-{uuid.uuid4()}",
            "name": name,
            "usage_metadata": UsageMetadata(input_tokens=0, output_tokens=0, total_tokens=0),
            "response_metadata": {"model_name": model, MARK: reply.hit},
        }
    )


def in_form(said: AIMessage, form: object, *, native: bool) -> ModelResponse[Any]:
    """The response create_agent makes of a message under a response format, as its ``_handle_model_output`` does.

    Only what it could make one of is kept by the cache, and the schema is part of the key.

    Args:
        said: the message.
        form: the request's `response_format`.
        native: whether the provider holds the answer to the schema, rather than a tool.

    Raises:
        StructuredOutputValidationError: the schema's own validators have changed since.
    """
    if form is None or native == bool(said.tool_calls):
        return ModelResponse(result=[said])
    name = "response_format"
    try:
        if native:
            spec: Any = getattr(form, "schema_spec", None) or ProviderStrategy[Any](_schema(form)).schema_spec
            name = spec.name
            parsed: Any = ProviderStrategyBinding[Any].from_schema_spec(spec).parse(said)
            return ModelResponse(result=[said], structured_response=parsed)
        specs = {spec.name: spec for spec in _specs(form)}
        answer = next((call for call in said.tool_calls if call["name"] in specs), None)
        if answer is None:
            return ModelResponse(result=[said])
        name = answer["name"]
        parsed = OutputToolBinding[Any].from_schema_spec(specs[name]).parse(answer["args"])
    except Exception as error:
        raise StructuredOutputValidationError(name, error, said) from error
    text = getattr(form, "tool_message_content", None) or f"Returning structured response: {parsed}"
    told: BaseMessage = ToolMessage(text, tool_call_id=answer["id"] or "", name=name)
    return ModelResponse(result=[said, told], structured_response=parsed)


def _specs(form: Any) -> Sequence[Any]:
    """The schemas of a `ToolStrategy`, or of the one that any other form becomes."""
    specs: Sequence[Any] | None = getattr(form, "schema_specs", None)
    return ToolStrategy[Any](_schema(form)).schema_specs if specs is None else specs


def _schema(form: object) -> Any:
    """That of an `AutoStrategy`; where a middleware has put the schema itself there, LangChain takes it for one."""
    return cast("Any", form).schema if isinstance(form, AutoStrategy) else form

"""Messages of foreign records, once they are put into the shape of OpenAI's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel, Field, ValidationError

from leanloop.adapters.traces.fields import at, listed, word
from leanloop.adapters.traces.openai import first_problem, messages_of
from leanloop.adapters.traces.record import MessageRecord
from leanloop.budgets.message import Message
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["as_openai", "chat_messages", "content_of", "role_of"]

_KEPT = ("text", "input_text", "output_text", "image_url", "input_image")
_ROLES = {
    "human": "user",
    "ai": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
    "function": "tool",
    **{role: role for role in ("system", "developer", "user", "assistant", "tool")},
}
"""What frameworks call the roles; a class is named by one of these, with Message or MessageChunk behind it."""


class _Messages(BaseModel):
    messages: tuple[MessageRecord, ...] = Field(min_length=1)


def chat_messages(values: Sequence[object]) -> tuple[Message, ...]:
    """The messages; an assistant's name is left out, which frameworks add between one call and the next.

    Raises:
        ValueError: they are none; the message says where and why.
    """
    try:
        records = _Messages.model_validate({"messages": values}).messages
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None
    return tuple(replace(one, name=None) if one.role == "assistant" else one for one in messages_of(records))


def role_of(value: object) -> str | None:
    """The role that is meant, in OpenAI's word where it is a known one; None where there is none."""
    role = word(value)
    return _ROLES.get(role.lower().removesuffix("chunk").removesuffix("message"), role) if role else None


def content_of(value: object) -> object:
    """The parts of a content that are text or image; tool calls and thoughts among them are said elsewhere."""
    if not is_list(value):
        return "" if value is None else value
    parts: list[object] = []
    for part in value:
        if isinstance(part, str):
            parts.append({"type": "text", "text": part})
        elif is_object(part) and part.get("type") in _KEPT:
            parts.append(part)
    return parts


def as_openai(message: Mapping[str, object], *, answer: bool = False) -> Iterator[object]:
    """A message in OpenAI's shape; two or more where the results of tools stand inside one of the user's, as Anthropic
    has them (https://docs.anthropic.com/en/api/messages). The `answer` of a model is an assistant's if it says nothing
    else.
    """
    given, content = message.get("content"), content_of(message.get("content"))
    parts = listed(given)
    role = role_of(message.get("role")) or ("assistant" if answer else None)
    results = [part for part in parts if at(part, "type") == "tool_result"]
    for part in results:
        yield {
            "role": "tool",
            "tool_call_id": at(part, "tool_use_id"),
            "content": content_of(at(part, "content")),
            "is_error": at(part, "is_error") is True,
        }
    if results and not content:
        return
    made: dict[str, object] = {"role": role, "content": content, "name": word(message.get("name"))}
    calls = listed(message.get("tool_calls")) or [part for part in parts if at(part, "type") == "tool_use"]
    if calls:
        made["tool_calls"] = [_call(call) for call in calls]
    if role == "tool":
        made["tool_call_id"] = word(message.get("tool_call_id"))
        made["is_error"] = message.get("status") == "error"
    yield made


def _call(call: object) -> object:
    """A tool call, whose arguments LangChain names ``args`` and Anthropic ``input``."""
    for name in ("args", "input"):
        if is_object(call) and name in call:
            return {"id": call.get("id"), "name": call.get("name"), "arguments": call[name]}
    return call

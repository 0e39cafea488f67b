"""Messages of foreign records, once they are put into the shape of OpenAI's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, Field, ValidationError

from leanloop.adapters.traces.openai import first_problem, messages_of
from leanloop.adapters.traces.record import MessageRecord
from leanloop.budgets.message import Message
from leanloop.plugins.shorten.json_read import is_list, is_object

__all__ = ["chat_messages", "content_of"]

_KEPT = ("text", "input_text", "output_text", "image_url", "input_image")


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

"""LangChain messages to neutral ones and back."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from leanloop.adapters.langchain.attached import attached_to
from leanloop.adapters.langchain.changed import with_text
from leanloop.budgets.images import size_of
from leanloop.budgets.json_text import json_text
from leanloop.budgets.message import Changed, Image, Message, Role, ToolRequest
from leanloop.plugins import transcript

__all__ = ["Transcript", "from_langchain", "to_langchain"]

_ROLES: Mapping[str, Role] = {
    "human": "user",
    "ai": "assistant",
    "system": "system",
    "tool": "tool",
    "function": "tool",
}

_TOKENS_PER_BASE64 = 16
"""Base64 characters of an attached file per token: providers publish no rule that works without opening it."""

_HEADER = 64 * 1024
"""As much of a picture as is decoded to find its size."""


def from_langchain(message: BaseMessage) -> Message:
    """The neutral form of `message`, which is kept in `raw`."""
    content: object = message.content
    text, images, other = (content, (), 0) if isinstance(content, str) else _blocks(cast("Sequence[object]", content))
    marked = not isinstance(content, str) and any(map(_is_marked, cast("Sequence[object]", content)))
    known = _ROLES.get(message.type) or _ROLES.get(str(getattr(message, "role", "")))
    role = known or "user"
    attached = None if known and isinstance(content, str) else attached_to(message, bool(images or other), bool(known))
    if role != "assistant" and isinstance(message, ToolMessage):  # to a class of pydantic, "no" is a slow answer
        failed = message.status == "error"
        return Message(
            role, text, (), message.tool_call_id, message.name, failed, images, other, message, attached, marked
        )
    calls, thought = (_tool_calls(message), _is_thought(message)) if isinstance(message, AIMessage) else ((), False)
    return Message(role, text, calls, None, message.name, False, images, other, message, attached, marked, thought)


def to_langchain(message: Message) -> BaseMessage:
    """LangChain's own object where there is one, else a new message of the same content."""
    raw = message.raw
    if isinstance(raw, BaseMessage):
        return raw
    if isinstance(raw, Changed) and isinstance(raw.raw, BaseMessage):
        return with_text(raw.raw, message.text, bare=not (message.images or message.other_tokens))
    match message.role:
        case "system":
            return SystemMessage(message.text)
        case "user":
            return HumanMessage(message.text)
        case "assistant":
            calls = [
                {"name": call.name, "args": _arguments(call.arguments), "id": call.id, "type": "tool_call"}
                for call in message.tool_calls
            ]
            return AIMessage(message.text, tool_calls=calls)
        case "tool":
            return ToolMessage(
                message.text,
                tool_call_id=message.tool_call_id or "",
                name=message.name,
                status="error" if message.is_error else "success",
            )


class Transcript(transcript.Transcript[BaseMessage]):
    """The neutral form of a growing history."""

    def __init__(self) -> None:
        super().__init__(from_langchain)


def _tool_calls(message: AIMessage) -> tuple[ToolRequest, ...]:
    good = [ToolRequest(call["id"] or "", call["name"], json_text(call["args"])) for call in message.tool_calls]
    bad = [
        ToolRequest(call.get("id") or "", call.get("name") or "", call.get("args") or "")
        for call in message.invalid_tool_calls
    ]
    return (*good, *bad)


def _blocks(content: Sequence[object]) -> tuple[str, tuple[Image, ...], int]:
    """Text, pictures and other tokens of a content list."""
    texts: list[str] = []
    images: list[Image] = []
    other = 0
    for block in content:
        if isinstance(block, str):
            texts.append(block)
        elif isinstance(block, Mapping):
            other += _block(cast("Mapping[str, object]", block), texts, images)
    return "\n".join(texts), tuple(images), other


def _is_marked(block: object) -> bool:
    return isinstance(block, Mapping) and ("cache_control" in block or "cachePoint" in block)


def _is_thought(message: BaseMessage) -> bool:
    """Whether the model's own reasoning is in it: Anthropic's blocks, OpenAI's items, DeepSeek's text beside it."""
    if message.additional_kwargs.get("reasoning_content"):
        return True
    content: object = message.content
    if isinstance(content, str):
        return False
    blocks = cast("Sequence[object]", content)
    kinds = (cast("Mapping[str, object]", block).get("type") for block in blocks if isinstance(block, Mapping))
    return any(kind in ("thinking", "redacted_thinking", "reasoning") for kind in kinds)


def _block(block: Mapping[str, object], texts: list[str], images: list[Image]) -> int:
    """Sort one content block into text, image or other; gives the tokens of the other."""
    kind = block.get("type")
    if kind in ("text", "thinking", "reasoning"):
        text = block.get("text") or block.get("thinking") or block.get("reasoning") or ""
        texts.append(text if isinstance(text, str) else json_text(text))
    elif kind in ("image_url", "image", "input_image"):
        images.append(_image(block))
    elif kind not in ("tool_use", "tool_call", "function_call"):  # these stand in tool_calls too
        return len(json_text(block)) // _TOKENS_PER_BASE64 + 1
    return 0


def _image(block: Mapping[str, object]) -> Image:
    url = block.get("image_url")
    holder = cast("Mapping[str, object]", url) if isinstance(url, Mapping) else block
    detail = holder.get("detail")
    size = _size(_strings(block))
    width, height = size or (None, None)
    return Image(width, height, detail if isinstance(detail, str) else "auto")


def _size(candidates: Iterable[str]) -> tuple[int, int] | None:
    for text in candidates:
        data = text.partition(";base64,")[2] if text.startswith("data:") else text
        try:
            found = size_of(base64.b64decode(data[:_HEADER], validate=True))
        except (binascii.Error, ValueError):
            continue
        if found is not None:
            return found
    return None


def _strings(value: object) -> Iterable[str]:
    """The strings in a block, at most two levels down: a url, or base64 data."""
    if isinstance(value, str):
        if len(value) > 32:
            yield value
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[str, object]", value).values():
            yield from _strings(inner)


def _arguments(arguments: str) -> dict[str, object]:
    try:
        value: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return {"input": arguments}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {"input": value}

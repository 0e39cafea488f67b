"""LlamaIndex messages to neutral ones and back."""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from weakref import WeakKeyDictionary

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from leanloop.adapters.llama_index.attached import attached_to
from leanloop.adapters.llama_index.cache_marks import is_marked
from leanloop.adapters.llama_index.changed import message_with_text
from leanloop.budgets.images import size_of
from leanloop.budgets.json_text import json_text
from leanloop.budgets.message import Changed, Image, Message, Role, ToolRequest
from leanloop.plugins import transcript
from leanloop.plugins.task import Task

__all__ = ["Transcript", "from_llama", "to_llama", "transcript_of"]

_ROLES: Mapping[MessageRole, Role] = {
    MessageRole.SYSTEM: "system",
    MessageRole.DEVELOPER: "system",
    MessageRole.USER: "user",
    MessageRole.ASSISTANT: "assistant",
    MessageRole.CHATBOT: "assistant",
    MessageRole.MODEL: "assistant",
    MessageRole.TOOL: "tool",
    MessageRole.FUNCTION: "tool",
}

_BYTES_PER_TOKEN = 12
"""Bytes of an attached file per token: providers publish no rule that works without opening it."""

_HEADER = 64 * 1024
"""As much of a picture as is read to find its size."""

_UNREAD = 1_000
"""Tokens of a file that is only named (a path, an address)."""


def from_llama(message: ChatMessage) -> Message:
    """The neutral form of `message`, which is kept in `raw`."""
    texts: list[str] = []
    calls: list[ToolRequest] = []
    images: list[Image] = []
    other = 0
    for block in message.blocks:
        other += _block(block, texts, calls, images)
    extras = cast("Mapping[str, object]", message.additional_kwargs)
    role = _ROLES.get(message.role, "user")
    answered = extras.get("tool_call_id")
    name = extras.get("name")
    return Message(
        role,
        "\n".join(texts),
        tuple(calls or _older_calls(extras.get("tool_calls"))),
        answered if isinstance(answered, str) else None,
        name if isinstance(name, str) else None,
        images=tuple(images),
        other_tokens=other,
        raw=message,
        attached=attached_to(message),
        marked=is_marked(message),
        thought=any(isinstance(block, ThinkingBlock) and bool(block.content) for block in message.blocks),
    )


def to_llama(message: Message) -> ChatMessage:
    """LlamaIndex's own object where there is one, else a new message of the same content."""
    raw = message.raw
    if isinstance(raw, ChatMessage):
        return raw
    if isinstance(raw, Changed) and isinstance(raw.raw, ChatMessage):
        return message_with_text(raw.raw, message.text, bare=not (message.images or message.other_tokens))
    # A call without a word is said without a text, as integrations do: a provider may refuse an empty one.
    blocks: list[TextBlock | ToolCallBlock] = []
    if message.text or not message.tool_calls:
        blocks.append(TextBlock(text=message.text))
    blocks += [
        ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=_arguments(call.arguments))
        for call in message.tool_calls
    ]
    extras = {} if message.tool_call_id is None else {"tool_call_id": message.tool_call_id}
    if message.role == "tool" and message.name:
        extras["name"] = message.name
    return ChatMessage(role=MessageRole(message.role), blocks=blocks, additional_kwargs=extras)


class Transcript(transcript.Transcript[ChatMessage]):
    """The neutral form of a growing history."""

    def __init__(self) -> None:
        super().__init__(from_llama)


_transcripts: WeakKeyDictionary[Task, Transcript] = WeakKeyDictionary()


def transcript_of(task: Task) -> Transcript:
    """The one transcript of a task."""
    return _transcripts.get(task) or _transcripts.setdefault(task, Transcript())


def _block(block: object, texts: list[str], calls: list[ToolRequest], images: list[Image]) -> int:
    """Sort one content block into text, tool call or image; gives the tokens of what is none of them."""
    match block:
        case TextBlock():
            texts.append(block.text)
        case ToolCallBlock():
            arguments = block.tool_kwargs
            text = arguments if isinstance(arguments, str) else json_text(arguments)
            calls.append(ToolRequest(block.tool_call_id or "", block.tool_name, text))
        case ThinkingBlock():
            texts.append(block.content or "")
        case ImageBlock():
            images.append(_image(block))
        case CitableBlock():
            texts.append(block.title)
            return sum(_block(inner, texts, calls, images) for inner in block.content)
        case CachePoint() | CitationBlock():  # a mark, and a quotation of what stands in the history
            return 0
        case _:
            return _file_tokens(block)
    return 0


def _file_tokens(block: object) -> int:
    """Tokens of a recording, a film or a document, by its size."""
    for name in ("data", "audio", "video"):
        held: object = getattr(block, name, None)
        if isinstance(held, bytes):
            return len(held) // _BYTES_PER_TOKEN + 1
    path: object = getattr(block, "path", None)
    if isinstance(path, str | Path):
        with contextlib.suppress(OSError):
            return Path(path).stat().st_size // _BYTES_PER_TOKEN + 1
    return _UNREAD


def _image(block: ImageBlock) -> Image:
    size: tuple[int, int] | None = None
    with contextlib.suppress(OSError, binascii.Error, ValueError):
        size = size_of(_head(block))
    width, height = size or (None, None)
    return Image(width, height, block.detail or "auto")


def _head(block: ImageBlock) -> bytes:
    """The first bytes of a picture: of what LlamaIndex keeps in base64, of a data URL, or of the file it will send."""
    if isinstance(block.image, bytes):
        return base64.b64decode(block.image[:_HEADER], validate=True)
    if block.path is not None:
        with block.path.open("rb") as file:
            return file.read(_HEADER)
    return base64.b64decode(str(block.url or "")[: 2 * _HEADER].partition(";base64,")[2][:_HEADER], validate=True)


def _older_calls(given: object) -> list[ToolRequest]:
    """Tool calls as integrations left them in `additional_kwargs` before there were blocks for them."""
    calls: list[ToolRequest] = []
    for call in cast("list[object]", given) if isinstance(given, list) else []:
        inner = _part(call, "function") or call
        name, arguments = _part(inner, "name"), _part(inner, "arguments")
        if isinstance(name, str):
            text = arguments if isinstance(arguments, str) else json_text(arguments or {})
            calls.append(ToolRequest(str(_part(call, "id") or ""), name, text))
    return calls


def _part(given: object, name: str) -> object:
    return cast("Mapping[str, object]", given).get(name) if isinstance(given, Mapping) else getattr(given, name, None)


def _arguments(arguments: str) -> dict[str, object] | str:
    try:
        value: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return cast("dict[str, object]", value) if isinstance(value, dict) else arguments

"""A ``ChatMessage`` of LlamaIndex, dumped as JSON, in the shape of OpenAI's messages."""

from __future__ import annotations

from leanloop.adapters.traces.chat_values import content_of, role_of
from leanloop.adapters.traces.fields import at, listed, word
from leanloop.plugins.shorten.json_read import is_list

__all__ = ["message_of"]


def message_of(value: object) -> object:
    """The message: tool calls are blocks, or in ``additional_kwargs`` as they were before."""
    blocks = at(value, "blocks")
    extra = at(value, "additional_kwargs")
    message: dict[str, object] = {"role": role_of(at(value, "role")), "content": at(value, "content")}
    calls: list[object] = []
    if is_list(blocks):
        parts = [{"type": "text", "text": at(block, "text")} for block in blocks if at(block, "block_type") == "text"]
        parts += [
            {"type": "image_url", "image_url": {"url": at(block, "url") or ""}}
            for block in blocks
            if at(block, "block_type") == "image"
        ]
        message["content"] = content_of(parts)
        calls = [
            {"id": at(block, "tool_call_id"), "name": at(block, "tool_name"), "arguments": at(block, "tool_kwargs")}
            for block in blocks
            if at(block, "block_type") == "tool_call"
        ]
    calls = calls or listed(at(extra, "tool_calls"))
    if calls:
        message["tool_calls"] = calls
    if message["role"] == "tool":
        message["tool_call_id"] = word(at(extra, "tool_call_id"))
        message["name"] = word(at(extra, "name"))
    return message

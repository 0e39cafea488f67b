"""What a message holds beside its text and tool calls: as bytes, by which the cache tells two such messages apart.

A picture or a file counts by its content. One that stands at an address has none to count: what is there may change
from one call to the next, so a message with it is not cached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    TextBlock,
    ToolCallBlock,
)

from leanloop.adapters.plain_value import plain
from leanloop.plugins.cache.canonical import NotCanonicalError, framed

__all__ = ["attached_to", "extras_of"]

_SAID = (TextBlock, ToolCallBlock, CachePoint)
"""Text and calls stand in the neutral message; a mark for the provider's cache says nothing to the model."""

_NO_PART = frozenset({"tool_call_id", "name", "tool_calls", "images", "cache_control"}) | frozenset(
    {"usage", "prompt_tokens", "completion_tokens", "total_tokens", "stop_reason", "finish_reason"}
)
"""Names in `additional_kwargs` under which stands what the message says elsewhere, what it cost, and how it ended."""


def attached_to(message: ChatMessage) -> Callable[[], bytes] | None:
    """What gives those bytes; None where there is nothing but text and tool calls."""
    extras = extras_of(message.additional_kwargs)
    if not extras and all(isinstance(block, _SAID) for block in message.blocks):
        return None
    return partial(_bytes, message, extras)


def extras_of(given: Mapping[str, object]) -> Mapping[str, object]:
    """What of a message's `additional_kwargs` is part of what it says.

    Integrations write fields that they leave empty (Gemini's `thought_signatures`, OpenAI's `annotations`).
    """
    return {name: value for name, value in given.items() if name not in _NO_PART and not _is_empty(value)}


def _is_empty(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_empty, cast("Iterable[object]", value)))
    return value is None or value in ("", {})


def _bytes(message: ChatMessage, extras: Mapping[str, object]) -> bytes:
    return framed([[_block(block) for block in message.blocks], plain(extras)])


def _block(block: object) -> object:
    """A block by its kind and all it holds; of those told elsewhere, only that there is one in this place."""
    kind = type(block).__name__
    if isinstance(block, _SAID):
        return kind
    held = cast("Mapping[str, object]", vars(block))
    inner = held.get("content") if isinstance(block, CitableBlock) else held.get("cited_content")
    if isinstance(block, CitableBlock | CitationBlock):
        parts = cast("list[object]", inner) if isinstance(inner, list) else [inner]
        rest = {name: value for name, value in held.items() if name not in ("content", "cited_content")}
        return [kind, plain(rest), [_text_or(part) for part in parts]]
    return [kind, {name: _content(name, value) for name, value in held.items()}]


def _text_or(part: object) -> object:
    return part.text if isinstance(part, TextBlock) else _block(part)


def _content(name: str, value: object) -> object:
    """A field of a block. A file is read: another may stand there next time."""
    if value is None:
        return None
    if name == "path":
        try:
            return Path(cast("str", value)).read_bytes()
        except OSError:
            raise NotCanonicalError from None
    if name == "url" and not str(value).startswith("data:"):
        raise NotCanonicalError
    return plain(value)

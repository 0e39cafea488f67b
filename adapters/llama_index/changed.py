"""A text that a plugin changed, written into copies of LlamaIndex's own blocks: all that is no text stays."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.llms.types import (
    CachePoint,
    ChatMessage,
    ContentBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

__all__ = ["blocks_with_text", "message_with_text"]

_NO_ATTACHMENT = (TextBlock, ToolCallBlock, ThinkingBlock, CachePoint)


def message_with_text(raw: ChatMessage, text: str, *, bare: bool = False) -> ChatMessage:
    """A copy of `raw` that says `text`: its role, ids and other blocks are kept, with `bare` without attachments."""
    kept = [block for block in raw.blocks if not bare or isinstance(block, _NO_ATTACHMENT)]
    return raw.model_copy(update={"blocks": blocks_with_text(kept, text)})


def blocks_with_text(blocks: Sequence[ContentBlock], text: str) -> list[ContentBlock]:
    """`blocks` with `text` in the place of the first text; the other texts are left out."""
    place = next((number for number, block in enumerate(blocks) if isinstance(block, TextBlock)), 0)
    rest = [[block for block in part if not isinstance(block, TextBlock)] for part in (blocks[:place], blocks[place:])]
    return [*rest[0], TextBlock(text=text), *rest[1]]

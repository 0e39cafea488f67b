"""What is changed of LangChain's own messages, in a copy that keeps all else: a text, or the receipt it carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from langchain_core.messages import BaseMessage, ToolMessage

__all__ = ["with_receipt", "with_text"]

Written = TypeVar("Written", bound=BaseMessage)


def with_text(raw: Written, text: str, *, bare: bool = False) -> Written:
    """A copy of `raw` that says `text`: its id, name, status, artifact and further fields are kept.

    In a list of content blocks the first text is replaced and the others are left out, with `bare` also what a tool
    result holds besides (pictures, files).
    """
    content: object = raw.content
    if not isinstance(content, list):
        return raw.model_copy(update={"content": text})
    blocks: list[object] = []
    waiting = True
    for block in cast("list[object]", content):
        if not _is_text(block):
            if not (bare and isinstance(raw, ToolMessage)):
                blocks.append(block)
        elif waiting:
            waiting = False
            blocks.append(text if isinstance(block, str) else {**cast("Mapping[str, object]", block), "text": text})
    if waiting:
        blocks.insert(0, {"type": "text", "text": text})
    return raw.model_copy(update={"content": blocks})


def with_receipt(raw: Written, receipt: Mapping[str, object]) -> Written:
    """A copy of `raw` that carries the receipt."""
    return raw.model_copy(update={"response_metadata": {**raw.response_metadata, "leanloop": receipt}})


def _is_text(block: object) -> bool:
    return isinstance(block, str) or (
        isinstance(block, Mapping) and cast("Mapping[str, object]", block).get("type") == "text"
    )

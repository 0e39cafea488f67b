"""What a message holds that is no text, as bytes: by them another picture is another question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

from langchain_core.messages import BaseMessage

from leanloop.plugins.cache.canonical import framed

__all__ = ["attached_to"]

_NOT_SENT = frozenset({"id", "index", "cache_control", "cachePoint"})
"""What stands in a block and tells the model nothing: names from run to run, and marks for the provider's cache."""


def attached_to(message: BaseMessage, more: bool, known: bool) -> Callable[[], bytes] | None:
    """What gives the bytes of `message`; None where its text says it all.

    Args:
        message: LangChain's.
        more: it holds more than text.
        known: its role is one of those there are; a role of another name is part of what is said.
    """
    if not more and known:
        return None
    role: object = None if known else getattr(message, "role", message.type)
    return partial(_bytes, message.content, role)


def _bytes(content: str | Sequence[object], role: object) -> bytes:
    return framed([role, [_sent(block) for block in content] if not isinstance(content, str) else None])


def _sent(block: object) -> object:
    if not isinstance(block, Mapping):
        return block
    given = cast("Mapping[object, object]", block)
    return {name: value for name, value in given.items() if name not in _NOT_SENT}

"""Breakpoints for the provider's cache, put into what LlamaIndex's class for Anthropic sends.

Read in llama-index-llms-anthropic 0.12. Its messages carry `cache_control` in `additional_kwargs`, and it puts that on
the last block of a message, within a tool's result too, where the API refuses it ("place it directly on
`tool_result`"); and it sends system prompts as text, which has no place for one. So both are put right in what the
class hands to its client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from llama_index.core.base.llms.types import CachePoint, ChatMessage, MessageRole

__all__ = ["CACHE_CONTROL", "Marking", "is_marked", "with_mark"]

CACHE_CONTROL = "cache_control"
_MARK = {"type": "ephemeral"}


def is_marked(message: ChatMessage) -> bool:
    """Whether the user put a breakpoint there."""
    return CACHE_CONTROL in message.additional_kwargs or any(isinstance(block, CachePoint) for block in message.blocks)


def with_mark(holder: Any) -> Any:
    """A copy of a message, or of a tool's dict, with a breakpoint behind it."""
    if isinstance(holder, ChatMessage):
        extras = cast("Mapping[str, object]", holder.additional_kwargs)
        return holder.model_copy(update={"additional_kwargs": {**extras, CACHE_CONTROL: _MARK}})
    return {**holder, CACHE_CONTROL: _MARK}


class Marking:
    """A client of Anthropic's, for one call: breakpoints stand where the API wants them.

    Args:
        client: the class's own, sync or async.
        messages: what the class is given.
    """

    def __init__(self, client: object, messages: Sequence[ChatMessage]) -> None:
        self._client = client
        self._system = any(message.role == MessageRole.SYSTEM and is_marked(message) for message in messages)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    @property
    def messages(self) -> _Messages:
        """The client's resource that calls the model."""
        return _Messages(cast("Any", self._client).messages, self._system)


class _Messages:
    def __init__(self, resource: Any, system: bool) -> None:
        self._resource = resource
        self._system = system

    def __getattr__(self, name: str) -> Any:
        return getattr(self._resource, name)

    def create(self, *, messages: Sequence[Any], system: Any = "", **kwargs: Any) -> Any:
        """As the client's own; of an async client, to be awaited."""
        if self._system and isinstance(system, str) and system:
            system = [{"type": "text", "text": system, CACHE_CONTROL: _MARK}]
        for message in messages:
            for block in message["content"]:
                if isinstance(block, dict) and cast("dict[str, object]", block).get("type") == "tool_result":
                    _hoist(cast("dict[str, Any]", block))
        return self._resource.create(messages=messages, system=system, **kwargs)


def _hoist(result: dict[str, Any]) -> None:
    """Move a breakpoint from the last block within a tool's result to the result."""
    inner = cast("list[dict[str, object]]", result.get("content") or [])
    if inner and CACHE_CONTROL in inner[-1]:
        result[CACHE_CONTROL] = inner[-1].pop(CACHE_CONTROL)

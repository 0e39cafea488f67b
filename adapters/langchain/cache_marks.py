"""Breakpoints for the provider's cache, put into what LangChain sends Anthropic.

Read in langchain-anthropic 1.7: `cache_control` stands in a content block, from where a tool's result has it hoisted to
where the API wants it, and in the `extras` of a tool. Its own AnthropicPromptCachingMiddleware puts one more into the
parameters of the call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool

from leanloop.adapters.langchain.provider import provider_of
from leanloop.plugins.cache_marks import BEHIND_TOOLS, MARKED

__all__ = ["CACHE_CONTROL", "takes_marks", "with_marks"]

CACHE_CONTROL = "cache_control"
_MARK = {"type": "ephemeral"}
_CANNOT = frozenset({"thinking", "redacted_thinking"})


def takes_marks(model: object, settings: Mapping[str, object]) -> bool:
    """Whether the model's provider wants them, and nobody has seen to it: by a parameter of the call or the model."""
    own: object = getattr(model, "model_kwargs", None)
    return (
        provider_of(model).prices in MARKED
        and CACHE_CONTROL not in settings
        and not (isinstance(own, Mapping) and CACHE_CONTROL in own)
    )


def with_marks(
    messages: Sequence[BaseMessage], tools: Sequence[Any], marks: Sequence[int]
) -> tuple[list[BaseMessage], Sequence[Any]]:
    """Messages, the system prompt first, and tools, with a breakpoint behind each of the places `marks`."""
    marked = list(messages)
    for place in marks:
        if place == BEHIND_TOOLS:
            tools = _with_mark_behind(tools) if tools else tools
        else:
            marked[place] = _with_mark(marked[place])
    return marked, tools


def _with_mark(message: BaseMessage) -> BaseMessage:
    """A copy of `message` with a breakpoint behind it; itself where its last block cannot have one."""
    content: object = message.content
    blocks = [content] if isinstance(content, str) else list(cast("Sequence[object]", content))
    last = blocks[-1] if blocks else ""
    if isinstance(last, str):
        last = {"type": "text", "text": last}
    block = cast("dict[str, object]", last)
    if block.get("type") in _CANNOT or (block.get("type") == "text" and not str(block.get("text", "")).strip()):
        return message
    return message.model_copy(update={"content": [*blocks[:-1], {**block, CACHE_CONTROL: _MARK}]})


def _with_mark_behind(tools: Sequence[Any]) -> list[Any]:
    """`tools` with a breakpoint behind the last one, where that can have one."""
    *others, last = tools
    if isinstance(last, BaseTool):
        marked: object = last.model_copy(update={"extras": {**(last.extras or {}), CACHE_CONTROL: _MARK}})
    elif isinstance(last, Mapping) and "function" not in last:  # else in OpenAI's form, which has no place for it
        marked = {**cast("Mapping[str, object]", last), CACHE_CONTROL: _MARK}
    else:
        return list(tools)
    return [*others, marked]

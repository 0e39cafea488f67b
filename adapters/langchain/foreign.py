"""What another provider's model thought, which is not sent on: where it is signed, its signature counts for nothing.

Anthropic's API answers a thinking block that it has not signed with an error 400, and ChatOllama raises for any block
that it does not know. LangChain's integrations write into `response_metadata` whose a message is (``model_provider``).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from typing import cast

from langchain_core.messages import AIMessage

from leanloop.adapters.langchain.provider import packages_of
from leanloop.budgets.message import Changed, Message
from leanloop.plugins.call import ModelCall

__all__ = ["without_foreign"]

_KINDS = frozenset({"thinking", "redacted_thinking", "reasoning", "tool_use", "function_call", "tool_call"})
"""Blocks that are a provider's own; what is called stands in `tool_calls` too."""

_thought = attrgetter("thought")  # asked of the whole history in every call

_PACKAGES = {
    "azure": "langchain_openai",
    "bedrock": "langchain_aws",
    "bedrock_converse": "langchain_aws",
    "dashscope": "langchain_qwq",
}
"""Where a provider's name is not that of its package."""


def without_foreign(call: ModelCall, model: object) -> ModelCall:
    """The call as `model` may be sent it; the very same where nothing was thought by another provider's."""
    messages = call.messages
    if not any(map(_thought, messages)):
        return call
    packages = _packages(cast("Hashable", type(model)))
    kept = tuple(_without_thoughts(one) if one.thought and _is_foreign(one, packages) else one for one in messages)
    same = all(one is other for one, other in zip(kept, messages, strict=True))
    return call if same else replace(call, messages=kept)


def _is_foreign(message: Message, packages: frozenset[str]) -> bool:
    said = _said(message)
    provider: object = None if said is None else said.response_metadata.get("model_provider")
    if isinstance(provider, str) and provider:
        return _PACKAGES.get(provider, f"langchain_{provider}") not in packages
    return said is not None and "langchain_anthropic" in packages and _is_unsigned(said)


def _is_unsigned(said: AIMessage) -> bool:
    """Whether it has no thought that Anthropic would take, by the look of it alone."""
    return not any(
        isinstance(block, Mapping) and (block.get("signature") or block.get("type") == "redacted_thinking")
        for block in said.content
    )


def _without_thoughts(message: Message) -> Message:
    said = _said(message)
    if said is None:
        return message
    blocks = said.content if isinstance(said.content, list) else []
    kept = [block for block in blocks if isinstance(block, str) or block.get("type") not in _KINDS]
    extras = {name: value for name, value in said.additional_kwargs.items() if name != "reasoning_content"}
    content = said.content if isinstance(said.content, str) else kept or ""
    own = said.model_copy(update={"content": content, "additional_kwargs": extras})
    raw = Changed(own) if isinstance(message.raw, Changed) else own
    return replace(message, thought=False, raw=raw)


def _said(message: Message) -> AIMessage | None:
    raw = message.raw.raw if isinstance(message.raw, Changed) else message.raw
    return raw if isinstance(raw, AIMessage) else None


@lru_cache(maxsize=256)
def _packages(kind: Hashable) -> frozenset[str]:
    return frozenset(packages_of(kind))

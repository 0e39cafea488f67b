"""LangChain's usage metadata to neutral usage."""

from __future__ import annotations

from typing import cast

from langchain_core.messages import AIMessage, BaseMessage

from leanloop.adapters.langchain.replayed import MARK
from leanloop.budgets.usage import Usage

__all__ = ["usage_of"]


def usage_of(message: BaseMessage) -> Usage | None:
    """What the provider reported for the call that gave `message`; None where it reported nothing, or no tokens where
    there are some (integrations write zeros where a server leaves its usage out).

    A hit of LangChain's own cache is marked by `total_cost: 0` and keeps the token counts of the first
    call, one of leanloop's has a mark of its own: nothing was billed for either, so its usage is zero.
    """
    metadata: object = message.usage_metadata if isinstance(message, AIMessage) else None
    if not isinstance(metadata, dict):
        return None
    usage = cast("dict[str, object]", metadata)
    if usage.get("total_cost") == 0 or MARK in message.response_metadata:
        return Usage()
    if "input_tokens" not in usage or "output_tokens" not in usage:
        return None
    read, wrote = usage.get("input_token_details"), usage.get("output_token_details")
    sent, said = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if not sent or not (said or _is_empty(message)):
        return None
    return Usage(
        sent,
        said,
        _count(read, "cache_read"),
        _count(read, "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
        _count(wrote, "reasoning"),
    )


def _is_empty(message: BaseMessage) -> bool:
    return isinstance(message, AIMessage) and not (message.content or message.tool_calls)


def _count(usage: object, *names: str) -> int:
    """The sum of the counts given under `names`; what is missing or no count adds nothing."""
    if not isinstance(usage, dict):
        return 0
    given, total = cast("dict[str, object]", usage), 0
    for name in names:
        value = given.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            total += value
    return total

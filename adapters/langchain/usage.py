"""LangChain's usage metadata to neutral usage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from langchain_core.messages import AIMessage, BaseMessage

from leanloop.budgets.usage import Usage

__all__ = ["usage_of"]


def usage_of(message: BaseMessage) -> Usage | None:
    """What the provider reported for the call that gave `message`; None where it reported nothing.

    A hit of LangChain's own cache is marked by `total_cost: 0` and keeps the token counts of the first
    call: nothing was billed for it, so its usage is zero.
    """
    metadata: object = message.usage_metadata if isinstance(message, AIMessage) else None
    if not isinstance(metadata, Mapping):
        return None
    usage = cast("Mapping[str, object]", metadata)
    if usage.get("total_cost") == 0:
        return Usage()
    if "input_tokens" not in usage or "output_tokens" not in usage:
        return None
    read = _part(usage, "input_token_details")
    wrote = _part(usage, "output_token_details")
    return Usage(
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cached_input=_count(read, "cache_read"),
        cache_write=_count(read, "cache_creation")
        + _count(read, "ephemeral_5m_input_tokens")
        + _count(read, "ephemeral_1h_input_tokens"),
        reasoning=_count(wrote, "reasoning"),
    )


def _part(usage: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = usage.get(name)
    return cast("Mapping[str, object]", part) if isinstance(part, Mapping) else {}


def _count(usage: Mapping[str, object], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0

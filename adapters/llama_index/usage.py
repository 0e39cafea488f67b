"""What the integrations of LlamaIndex report of a call's tokens, as neutral usage.

LlamaIndex has no form of its own for it: each integration leaves the provider's object in `raw`. Fields as documented
by OpenAI (chat completions, responses; cached and reasoning tokens are parts of their wholes), Anthropic
(`input_tokens` leaves out what was read from or written to the cache), Google (`candidates_token_count` leaves out
thoughts) and Amazon Bedrock (as Anthropic, in camel case).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from leanloop.budgets.usage import Usage

__all__ = ["usage_of"]


def usage_of(response: ChatResponse | CompletionResponse) -> Usage | None:
    """What the provider reported for the call that gave `response`; None where it reported nothing."""
    raw: object = response.raw
    message: object = getattr(response, "message", None)
    extras: object = getattr(response, "additional_kwargs", None)
    places = (raw, _field(raw, "response"), extras, _field(message, "additional_kwargs"))
    for place in places:
        if not place:
            continue
        for name in ("usage", "usage_metadata"):
            usage = _usage(_field(place, name))
            if usage is not None:
                return usage
    return _usage(extras)


def _usage(given: object) -> Usage | None:
    """The usage in one provider's object, in any of the forms above."""
    if not given:
        return None
    for read, wrote in (
        ("prompt_tokens", "completion_tokens"),
        ("input_tokens", "output_tokens"),
        ("inputTokens", "outputTokens"),
        ("prompt_token_count", "candidates_token_count"),
    ):
        if _number(given, read) is None:
            continue
        cached, written = _cache(given)
        thoughts = _count(given, "thoughts_token_count")
        apart = _field(given, "cache_read_input_tokens") is not None or read == "inputTokens"
        return Usage(
            _count(given, read) + (cached + written if apart else _count(given, "tool_use_prompt_token_count")),
            _count(given, wrote) + thoughts,
            cached,
            written,
            thoughts
            or _count(_field(given, "completion_tokens_details"), "reasoning_tokens")
            or _count(_field(given, "output_tokens_details"), "reasoning_tokens"),
        )
    return None


def _cache(given: object) -> tuple[int, int]:
    """Tokens read from the provider's cache, and written to it."""
    read = (
        _count(given, "cache_read_input_tokens")
        or _count(given, "cacheReadInputTokens")
        or _count(given, "cached_content_token_count")
        or _count(_field(given, "prompt_tokens_details"), "cached_tokens")
        or _count(_field(given, "input_tokens_details"), "cached_tokens")
    )
    return read, _count(given, "cache_creation_input_tokens") or _count(given, "cacheWriteInputTokens")


def _field(given: object, name: str) -> object:
    if given is None:
        return None
    if type(given) is dict or isinstance(given, Mapping):  # asking a class of typing costs ten times as much
        return cast("Mapping[str, object]", given).get(name)
    return getattr(given, name, None)


def _number(given: object, name: str) -> int | None:
    value = _field(given, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(given: object, name: str) -> int:
    """The count under `name`; what is missing or no count is zero."""
    return _number(given, name) or 0

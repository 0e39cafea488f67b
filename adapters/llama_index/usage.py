"""What the integrations of LlamaIndex report of a call's tokens, as neutral usage.

LlamaIndex has no form of its own for it: each integration leaves the provider's object in `raw`. Fields as documented
by OpenAI (chat completions, responses; cached and reasoning tokens are parts of their wholes), Anthropic
(`input_tokens` leaves out what was read from or written to the cache), Google (`candidates_token_count` leaves out
thoughts) and Amazon Bedrock (as Anthropic, in camel case).
"""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse

from leanloop.adapters.llama_index.raw import Get, reader_of
from leanloop.budgets.usage import Usage

__all__ = ["usage_of"]

_SAYS_NOTHING_OF_NONE = "prompt_token_count"
"""Google leaves the count of what was written out where nothing was (a blocked prompt, or thoughts alone)."""


def usage_of(response: ChatResponse | CompletionResponse) -> Usage | None:
    """What the provider reported for the call that gave `response`; None where it reported nothing."""
    raw: object = response.raw
    if raw:
        get = reader_of(raw)
        usage = _found(get) or _found(reader_of(get("response")))
        if usage is not None:
            return usage
    message: object = getattr(response, "message", None)
    extras: object = getattr(response, "additional_kwargs", None)
    for place in (extras, reader_of(message)("additional_kwargs")):
        if place and (usage := _found(reader_of(place))) is not None:
            return usage
    return _usage(reader_of(extras)) if extras else None


def _found(get: Get) -> Usage | None:
    """The usage under one of its names."""
    for name in ("usage", "usage_metadata"):
        given = get(name)
        if given and (usage := _usage(reader_of(given))) is not None:
            return usage
    return None


def _usage(get: Get) -> Usage | None:
    """The usage in one provider's object, in any of the forms above."""
    for read, wrote in (
        ("prompt_tokens", "completion_tokens"),
        ("input_tokens", "output_tokens"),
        ("inputTokens", "outputTokens"),
        ("prompt_token_count", "candidates_token_count"),
    ):
        sent = _number(get(read))
        if sent is None:
            continue
        cached, written = _cache(get)
        said, thoughts = _number(get(wrote)), _count(get("thoughts_token_count"))
        if said is None and read != _SAYS_NOTHING_OF_NONE:
            return None  # half a report: what was written would cost nothing
        apart = get("cache_read_input_tokens") is not None or read == "inputTokens"
        return Usage(
            sent + (cached + written if apart else _count(get("tool_use_prompt_token_count"))),
            (said or 0) + thoughts,
            cached,
            written,
            thoughts or _part(get, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens"),
        )
    return None


def _cache(get: Get) -> tuple[int, int]:
    """Tokens read from the provider's cache, and written to it."""
    read = (
        _count(get("cache_read_input_tokens"))
        or _count(get("cacheReadInputTokens"))
        or _count(get("cached_content_token_count"))
        or _part(get, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens")
    )
    return read, _count(get("cache_creation_input_tokens")) or _count(get("cacheWriteInputTokens"))


def _part(get: Get, places: Sequence[str], name: str) -> int:
    """The first count under `name` in one of the places."""
    return next((count for place in places if (count := _count(reader_of(get(place))(name)))), 0)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(value: object) -> int:
    """A count; what is missing or no count is zero."""
    return _number(value) or 0

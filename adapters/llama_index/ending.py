"""How an LLM's answer ended, and whether more than text and tool calls is in it.

LlamaIndex has no form of its own for the first: each integration leaves the provider's object in `raw`. The words are
OpenAI's ``finish_reason`` (https://platform.openai.com/docs/api-reference/chat/object) and, of its responses,
``status``; Anthropic's ``stop_reason`` (https://docs.anthropic.com/en/api/messages); Bedrock's ``stopReason``; Gemini's
``finish_reason`` (https://ai.google.dev/api/generate-content#FinishReason); Ollama's ``done_reason``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast

from llama_index.core.base.llms.types import ChatResponse, CompletionResponse, TextBlock, ToolCallBlock

from leanloop.adapters.llama_index.attached import extras_of
from leanloop.adapters.llama_index.raw import Get, reader_of
from leanloop.plugins.call import Finish

__all__ = ["finish_of", "is_plain"]

_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
_WHOLE = frozenset(
    {"stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence", "complete", "completed"}
    | {"eos", "eos_token"}
)
_CUT = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded", "incomplete"})
_GOES_ON = frozenset({"in_progress", "queued", "finish_reason_unspecified"})


def finish_of(response: ChatResponse | CompletionResponse) -> Finish | None:
    """How the answer ended; None where the provider does not say. A reason not known here is one not to go on."""
    get = reader_of(response.raw)
    choices = get("choices")
    choice = reader_of(cast("Sequence[object]", choices)[0]) if isinstance(choices, Sequence) and choices else None
    if choice is not None and reader_of(choice("message"))("refusal"):
        return "refused"
    # An event of OpenAI's responses has the response in it, one of Anthropic's what is new since the last.
    for place in (choice or get, reader_of(get("response")), reader_of(get("delta"))):
        word = _reason(place)
        if word:
            return "stop" if word in _WHOLE else "length" if word in _CUT else "refused"
    return None


def _reason(get: Get) -> str | None:
    for name in _REASONS:
        found = get(name)
        if found and isinstance(found, str | Enum):
            word = str(found.value if isinstance(found, Enum) else found).rpartition(".")[2].lower()
            return None if word in _GOES_ON else word
    return None


def is_plain(response: ChatResponse | CompletionResponse) -> bool:
    """Whether nothing is in it but text and tool calls: what is kept of it is all there is."""
    given: Any = response
    if response.logprobs or extras_of(given.additional_kwargs) or getattr(given, "citations", None):
        return False
    message: object = getattr(response, "message", None)
    if message is None:
        return True
    extras = cast("Mapping[str, object]", getattr(message, "additional_kwargs"))  # noqa: B009
    blocks = cast("Sequence[object]", getattr(message, "blocks"))  # noqa: B009
    if extras_of(extras) or not all(isinstance(block, TextBlock | ToolCallBlock) for block in blocks):
        return False
    # Older integrations read tool calls from there only: given again as blocks, nobody would see them.
    return not extras.get("tool_calls") or any(isinstance(block, ToolCallBlock) for block in blocks)

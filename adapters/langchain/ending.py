"""How a model's answer ended, and whether more than text and tool calls is in it.

The words of the providers, as their integrations pass them on in `response_metadata`: OpenAI's ``finish_reason``
(https://platform.openai.com/docs/api-reference/chat/object) and, of its Responses API, ``status``; Anthropic's
``stop_reason`` (https://docs.anthropic.com/en/api/messages); Bedrock's ``stopReason``; Gemini's ``finish_reason``
(https://ai.google.dev/api/generate-content#FinishReason); Ollama's ``done_reason``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from langchain_core.messages import AIMessage, BaseMessage

from leanloop.plugins.call import Finish

__all__ = ["finish_of", "is_plain", "logprob_of"]

_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason", "status")
_WHOLE = frozenset({
    "stop", "tool_calls", "function_call", "end_turn", "tool_use", "stop_sequence", "stop_sequences", "complete",
    "completed", "eos", "eos_token",
})  # fmt: skip
_CUT = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded", "incomplete"})

_BESIDE = frozenset({"tool_calls", "usage", "stop_reason", "model_id"})
"""What integrations put into `additional_kwargs` that stands elsewhere too, or says nothing to the user."""

_SAYS_MORE = ("logprobs", "grounding_metadata", "groundingMetadata", "citations", "audio")


def finish_of(message: BaseMessage) -> Finish | None:
    """How the answer ended; None where the provider does not say. A reason not known here is one not to go on."""
    if message.additional_kwargs.get("refusal"):
        return "refused"
    metadata = cast("Mapping[str, object]", message.response_metadata)
    reason = next(filter(None, map(metadata.get, _REASONS)), None)
    if reason is None:
        return None
    word = str(reason).rpartition(".")[2].lower()  # of Gemini's enumeration, its name
    return "stop" if word in _WHOLE else "length" if word in _CUT else "refused"


def logprob_of(message: BaseMessage) -> float | None:
    """The mean log-probability of its tokens, as OpenAI and those who speak like it report them; else None."""
    metadata = cast("Mapping[str, object]", message.response_metadata)
    told = metadata.get("logprobs")
    if told is None:
        return None
    tokens: object = cast("Mapping[str, object]", told).get("content") if isinstance(told, Mapping) else None
    if not isinstance(tokens, list):
        return None
    held = [cast("Mapping[str, object]", token) for token in cast("list[object]", tokens) if isinstance(token, Mapping)]
    each = [token.get("logprob") for token in held]
    found = [one for one in each if isinstance(one, int | float)]
    return sum(found) / len(found) if found else None


def is_plain(message: BaseMessage) -> bool:
    """Whether nothing is in it but one text and tool calls: what is kept of it is all there is."""
    if isinstance(message, AIMessage) and message.invalid_tool_calls:
        return False
    beside = message.additional_kwargs
    if beside and any(value for name, value in beside.items() if name not in _BESIDE):
        return False
    metadata = cast("Mapping[str, object]", message.response_metadata)
    return not any(map(metadata.get, _SAYS_MORE)) and _one_text(message.content)


def _one_text(content: object) -> bool:
    if isinstance(content, str):
        return True
    blocks = cast("list[object]", content)
    return all(map(_is_plain_block, blocks)) and sum(map(_is_text, blocks)) <= 1


def _is_text(block: object) -> bool:
    return isinstance(block, str) or cast("Mapping[str, object]", block).get("type") == "text"


def _is_plain_block(block: object) -> bool:
    if isinstance(block, str):
        return True
    given = cast("Mapping[str, object]", block)
    kind = given.get("type")
    if kind == "text":
        return not (given.get("annotations") or given.get("citations"))
    return kind in ("tool_use", "tool_call", "function_call")

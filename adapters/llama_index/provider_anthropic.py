"""Anthropic's class. Read in llama-index-llms-anthropic 0.12: a parameter of the call beats the attribute."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage

from leanloop.adapters.llama_index.cache_marks import Marking, with_mark
from leanloop.adapters.llama_index.provider import Provider, Sent, count, extras_of, lowered, mapping
from leanloop.budgets.degrade_step import Effort
from leanloop.plugins.cache_marks import BEHIND_TOOLS

__all__ = ["Anthropic"]

_BUDGETS = {"none": 1_024, "minimal": 1_024, "low": 1_024, "medium": 2_048, "high": 4_096, "xhigh": 8_192}
"""Tokens of thinking an effort is worth, as LiteLLM has it
(https://docs.litellm.ai/docs/providers/anthropic#usage---thinking--reasoning_content); 1,024 is the least allowed."""

_LEVELS: tuple[tuple[re.Pattern[str], tuple[Effort, Effort]], ...] = (
    (re.compile(r"opus-4-5"), ("low", "high")),
    (re.compile(r"(opus|sonnet)-4-[6-9]|(opus|sonnet|haiku|fable|mythos)-([5-9]|\d\d)(?!\d)"), ("low", "max")),
)
"""The least and the most effort a model knows (https://platform.claude.com/docs/en/build-with-claude/effort)."""

_STRUCTURED = "structured-outputs-2025-11-13"


class Anthropic(Provider):
    """Messages; `structured_predict` goes around `chat` to the beta's `messages.parse`."""

    def cap(self, sent: Sent, cap: int) -> None:
        """By the parameter, which beats all else."""
        sent.kwargs["max_tokens"] = cap

    def forbid_tools(self, sent: Sent) -> None:
        """By `tool_choice`: a history with tool calls needs the tools, and the cached prefix stays."""
        sent.kwargs["tool_choice"] = {"type": "none"}

    def mark(self, sent: Sent, messages: Sequence[ChatMessage], marks: Sequence[int]) -> Sequence[ChatMessage]:
        """By `cache_control`; not where the user has the class place it."""
        extras = {**sent.extras, **sent.kwargs}
        if sent.get("cache_idx") is not None or not extras.keys().isdisjoint(("cache_control", "extra_body")):
            return messages
        marked = list(messages)
        for place in marks:
            if place != BEHIND_TOOLS:
                marked[place] = with_mark(marked[place])
            elif tools := cast("list[object]", sent.kwargs.get("tools")):
                sent.kwargs["tools"] = [*tools[:-1], with_mark(tools[-1])]
        for client in ("_client", "_aclient"):
            sent.private[client] = Marking(getattr(sent.llm, client), marked)
        return marked

    def effort(self, sent: Sent, effort: Effort) -> None:
        """By `output_config`, or by a smaller budget where the model only knows one.

        Thinking is not switched off: in the middle of a tool loop the API answers that with an error 400.
        """
        extras = sent.extras
        config = mapping(sent.kwargs.get("output_config") or extras.get("output_config"))
        model = str(sent.get("model") or "")
        levels = next((levels for name, levels in _LEVELS if name.search(model)), None)
        asked = lowered(levels, config.get("effort"), effort)
        if asked is not None:
            sent.kwargs["output_config"] = {**config, "effort": asked}
        thinking = mapping(sent.kwargs.get("thinking") or extras.get("thinking") or sent.get("thinking_dict"))
        budget, most = thinking.get("budget_tokens"), _BUDGETS.get(effort)
        if most is not None and count(budget) and cast("int", budget) > most:
            sent.kwargs["thinking"] = {**thinking, "budget_tokens": most}

    def thinking_tokens(self, llm: object, kwargs: Mapping[str, object]) -> int:
        """`thinking.budget_tokens`, which `max_tokens` must exceed (else the API answers 400)."""
        extras = extras_of(llm)
        thinking = mapping(kwargs.get("thinking") or extras.get("thinking") or getattr(llm, "thinking_dict", None))
        budget = thinking.get("budget_tokens")
        return cast("int", budget) if count(budget) else 0

    def structured(self, llm: object, output_cls: type, *, stream: bool) -> dict[str, Any] | None:
        """As the beta's `messages.parse` would send it; None where the class itself goes by a tool."""
        import anthropic

        utils: Any = import_module("llama_index.llms.anthropic.utils")
        client: object = getattr(llm, "_client", None)
        elsewhere = type(client).__name__ in ("AnthropicVertex", "AnthropicBedrock")
        if elsewhere or not utils.is_anthropic_structured_output_supported(getattr(llm, "model", "")):
            return None
        schema = {"type": "json_schema", "schema": anthropic.transform_schema(output_cls)}
        return {
            "max_tokens": 8_192,
            "extra_headers": {"anthropic-beta": _STRUCTURED},
            "output_config": {"format": schema},
        }

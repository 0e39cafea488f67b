"""OpenAI's classes, and those that derive from them: chat completions, and responses.

Read in llama-index-llms-openai 0.8. In `OpenAI` an attribute beats the parameter of the call, and `additional_kwargs`
beat both; `reasoning_effort` is sent to the models of its own list only. In `OpenAIResponses` the parameter wins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from leanloop.adapters.llama_index.provider import Provider, Sent, count, extras_of, lowered, mapping
from leanloop.budgets.degrade_step import Effort
from leanloop.plugins.cache.canonical import NotCanonicalError

__all__ = ["OpenAI", "OpenAIResponses"]

_CAPS = ("max_completion_tokens", "max_tokens")

_LEVELS: tuple[tuple[re.Pattern[str], tuple[Effort, Effort]], ...] = (
    (re.compile(r"o\d"), ("low", "high")),
    (re.compile(r"gpt-5-pro"), ("high", "high")),
    (re.compile(r"gpt-5(?!\.)"), ("minimal", "high")),
    (re.compile(r"gpt-6-astra"), ("low", "max")),
    (re.compile(r"gpt-([6-9]|5\.\d)"), ("none", "max")),
)
"""The least and the most effort a model knows (https://platform.openai.com/docs/guides/reasoning); first match."""


class OpenAI(Provider):
    """Chat completions."""

    streaming: ClassVar[Mapping[str, object]] = {"stream_options": {"include_usage": True}}

    def output_cap(self, llm: object, kwargs: Mapping[str, object]) -> int | None:
        """What is sent: of `additional_kwargs`, else of the attribute, else of the call."""
        own = {"max_tokens": getattr(llm, "max_tokens", None)}
        for given in (extras_of(llm), own, kwargs):
            found = next((given[name] for name in _CAPS if count(given.get(name))), None)
            if found is not None:
                return cast("int", found)
        return None

    def cap(self, sent: Sent, cap: int) -> None:
        """By the attribute, which always wins; where the user named `max_completion_tokens`, there."""
        extras = sent.extras
        named = [name for name in _CAPS if name in extras]
        if named:
            sent.attributes["additional_kwargs"] = {**extras, **dict.fromkeys(named, cap)}
        elif "max_completion_tokens" in sent.kwargs:
            sent.kwargs["max_completion_tokens"] = cap
        else:
            sent.attributes["max_tokens"] = cap

    def forbid_tools(self, sent: Sent) -> None:
        """By `tool_choice`, so that the cached prefix stays."""
        sent.kwargs["tool_choice"] = "none"

    def effort(self, sent: Sent, effort: Effort) -> None:
        """By the attribute, and wherever else the user says it."""
        extras = sent.extras
        current = sent.get("reasoning_effort") or extras.get("reasoning_effort") or sent.kwargs.get("reasoning_effort")
        asked = lowered(_levels(sent), current, effort)
        if asked is None:
            return
        sent.attributes["reasoning_effort"] = asked
        if "reasoning_effort" in extras:
            sent.attributes["additional_kwargs"] = {**extras, "reasoning_effort": asked}
        if "reasoning_effort" in sent.kwargs:
            sent.kwargs["reasoning_effort"] = asked


class OpenAIResponses(Provider):
    """Responses; `structured_predict` goes around `chat` to the client's `responses.parse`."""

    text_arguments: ClassVar[bool] = True

    def cap(self, sent: Sent, cap: int) -> None:
        """By the parameter, which beats all else."""
        sent.kwargs["max_output_tokens"] = cap

    def forbid_tools(self, sent: Sent) -> None:
        """By `tool_choice`, so that the cached prefix stays."""
        sent.kwargs["tool_choice"] = "none"

    def effort(self, sent: Sent, effort: Effort) -> None:
        """By the parameter `reasoning`, which holds what else the user says of reasoning."""
        extras = sent.extras
        reasoning = mapping(sent.kwargs.get("reasoning") or extras.get("reasoning") or sent.get("reasoning_options"))
        asked = lowered(_levels(sent), reasoning.get("effort"), effort)
        if asked is not None:
            sent.kwargs["reasoning"] = {**reasoning, "effort": asked}

    def held_apart(self, llm: object) -> Mapping[str, object]:
        """Nothing; but with `track_previous_responses` the history is the provider's, and each answer a part of it.

        Raises:
            NotCanonicalError: it is on.
        """
        if getattr(llm, "track_previous_responses", False):
            raise NotCanonicalError
        return {}

    def structured(self, llm: object, output_cls: type, *, stream: bool) -> dict[str, Any] | None:
        """As `responses.parse` would send it; a stream goes by a tool, and `chat`, already."""
        if stream:
            return None
        from openai import pydantic_function_tool

        function = cast("dict[str, object]", pydantic_function_tool(output_cls)["function"])
        schema = {"type": "json_schema", "name": function["name"], "schema": function["parameters"], "strict": True}
        return {"text": {"format": schema}, "tool_choice": "none"}


def _levels(sent: Sent) -> tuple[Effort, Effort] | None:
    model = str(sent.get("model") or "")
    return None if "chat" in model else next((levels for name, levels in _LEVELS if name.match(model)), None)

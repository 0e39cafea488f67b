"""OpenAI's classes, and those that derive from them: chat completions, and responses.

Read in llama-index-llms-openai 0.8. In `OpenAI` an attribute beats the parameter of the call, and `additional_kwargs`
beat both, but for `reasoning_effort`: to the models of its own list the attribute is sent, to all others what is in
`additional_kwargs`. In `OpenAIResponses` the parameter wins. Both send a temperature to reasoning models that are not
in the list, which answer it with an error 400.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, cast

from leanloop.adapters.llama_index.provider import Provider, count
from leanloop.adapters.llama_index.sent import Sent, extras_of, mapping
from leanloop.adapters.llama_index.thinking import Wanted
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.adapters.reasoning.openai import reasoning_of
from leanloop.errors import ModelUnavailable
from leanloop.plugins.cache.canonical import NotCanonicalError

__all__ = ["OpenAI", "OpenAIResponses"]

_CAPS = ("max_completion_tokens", "max_tokens")
_EFFORT = "reasoning_effort"


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
        elif self.reasoning(sent) is not None and not _listed(sent):  # it would send the name that these refuse
            sent.attributes["max_tokens"] = None
            sent.add(max_completion_tokens=cap)
        else:
            sent.attributes["max_tokens"] = cap

    def forbid_tools(self, sent: Sent) -> None:
        """By `tool_choice`, so that the cached prefix stays."""
        sent.kwargs["tool_choice"] = "none"

    def rename(self, sent: Sent, model: str) -> None:
        """To another model; a reasoning model takes one temperature only, which the class knows when it is made.

        Raises:
            ModelUnavailable: the class knows no model of that name, and would not make the call.
        """
        super().rename(sent, model)
        try:
            getattr(sent.target(), "metadata", None)
        except ValueError:
            kind = type(sent.llm).__name__
            raise ModelUnavailable(
                model, f"{kind} knows no model of that name; give one that does, as models=."
            ) from None
        known = self.reasoning(sent)
        if known is not None and known.samples is not None:
            sent.attributes["temperature"] = 1.0

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """By the model's name."""
        return reasoning_of(str(sent.get("model") or ""), chat_tools=tools)

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By the attribute where it is sent, else by `additional_kwargs`, else by the call."""
        places = [sent.extras.get(_EFFORT), sent.kwargs.get(_EFFORT)]
        said = [sent.get(_EFFORT), *places] if _listed(sent) else places
        return next((one for one in said if one is not None), None)

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By the attribute where it is sent, else by `additional_kwargs`; never with what a model then refuses."""
        known = self.reasoning(sent, tools=wanted.tools)
        if known is None:
            return
        asked = wanted.asked(known, self.says(sent, known))
        if asked is None:
            return
        if _listed(sent):
            sent.attributes[_EFFORT] = asked
        else:
            sent.add(reasoning_effort=asked)
        if not known.takes_sampling(asked):
            sent.drop_sampling()
            sent.attributes |= {"temperature": 1.0, "logprobs": None}


class OpenAIResponses(Provider):
    """Responses; `structured_predict` goes around `chat` to the client's `responses.parse`."""

    text_arguments: ClassVar[bool] = True

    def cap(self, sent: Sent, cap: int) -> None:
        """By the parameter, which beats all else."""
        sent.kwargs["max_output_tokens"] = cap

    def forbid_tools(self, sent: Sent) -> None:
        """By `tool_choice`, so that the cached prefix stays."""
        sent.kwargs["tool_choice"] = "none"

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """By the model's name."""
        return reasoning_of(str(sent.get("model") or ""))

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By `reasoning`, wherever it stands."""
        return _reasoning(sent).get("effort")

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By the parameter `reasoning`, which holds what else the user says of reasoning."""
        known = self.reasoning(sent)
        if known is None:
            return
        asked = wanted.asked(known, self.says(sent, known))
        if asked is None:
            return
        sent.kwargs["reasoning"] = {**_reasoning(sent), "effort": asked}
        if not known.takes_sampling(asked):
            sent.drop_sampling()
            sent.attributes["reasoning_options"] = (
                sent.get("reasoning_options") or {}
            )  # where it has any, the class sends no temperature

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


def _listed(sent: Sent) -> bool:
    """Whether the class itself takes the model for one that reasons."""
    utils: Any = import_module("llama_index.llms.openai.utils")
    return sent.get("model") in utils.O1_MODELS


def _reasoning(sent: Sent) -> Mapping[str, object]:
    """What a call to responses says of reasoning: of the call, else of `additional_kwargs`, else of the attribute."""
    return mapping(sent.kwargs.get("reasoning") or sent.extras.get("reasoning") or sent.get("reasoning_options"))

"""How ChatOpenAI and what speaks like it are asked to think: an effort, or for open models a switch of the template.

Read in langchain-openai 1.7: ``reasoning`` (with which the Responses API is used) and ``reasoning_effort`` are both
sent where both stand somewhere, the one on the instance, the other in the call; a temperature that is refused beside
reasoning is only dropped when the instance is made.
"""

from __future__ import annotations

from typing import Any

from leanloop.adapters.langchain.dialect import Said, Settings, first_effort, mapping, with_levels, without
from leanloop.adapters.langchain.provider import model_name
from leanloop.adapters.reasoning import open_weights
from leanloop.adapters.reasoning.known import SAMPLING, Reasoning
from leanloop.adapters.reasoning.openai import reasoning_of
from leanloop.budgets.degrade_step import Effort

__all__ = ["OpenAI"]

_WORDS = ("reasoning", "reasoning_effort", "effort")


class OpenAI:
    """ChatOpenAI, AzureChatOpenAI, and servers of open models that are called through them."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """By the model's name and profile; of models that others serve, where their server takes the switch."""
        name = model_name(model, settings)
        if "chat" in name:
            return None
        open_model = open_weights.reasoning_of(name)
        if open_model is not None:
            # DashScope wants a stream with it, which only ChatQwen sees to.
            return None if "dashscope" in str(getattr(model, "openai_api_base", None)) else open_model
        return with_levels(reasoning_of(name, chat_tools=tools and not _responds(model, settings)), model)

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From the call, else from the instance; ``reasoning`` first, as what the Responses API reads."""
        if known.form == "switch":
            template = mapping(_extra(model, settings).get("chat_template_kwargs"))
            switch = template.get("enable_thinking")
            return known.default if switch is None else known.efforts[-1] if switch else "none"
        own = [getattr(model, word, None) for word in ("reasoning", "reasoning_effort")]
        places = (settings.get("reasoning"), own[0], settings.get("reasoning_effort"), own[1])
        return first_effort(places) or known.default

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """In the one of both words that is used already."""
        if known.form == "switch":
            extra = _extra(model, settings)
            template = {**mapping(extra.get("chat_template_kwargs")), "enable_thinking": effort != "none"}
            return Said({}, {**settings, "extra_body": {**extra, "chat_template_kwargs": template}})
        own = mapping(settings.get("reasoning") or getattr(model, "reasoning", None))
        given = without(settings, _WORDS)
        given |= {"reasoning": {**own, "effort": effort}} if own else {"reasoning_effort": effort}
        fields: dict[str, object] = {"reasoning_effort": None}
        if not known.takes_sampling(effort):
            fields |= dict.fromkeys(SAMPLING)
            given = without(given, SAMPLING)
        return Said(fields, given)


def _extra(model: Any, settings: Settings) -> Settings:
    return mapping(settings.get("extra_body") or getattr(model, "extra_body", None))


def _responds(model: Any, settings: Settings) -> bool:
    """Whether the call goes to the Responses API, by the integration's own choice."""
    chooses: Any = getattr(model, "_use_responses_api", None)
    payload = {**settings, "tools": settings.get("tools") or [{"type": "function"}]}
    reasoning = settings.get("reasoning") or getattr(model, "reasoning", None)
    return bool(chooses is not None and chooses({**payload, "reasoning": reasoning} if reasoning else payload))

"""How ChatGoogleGenerativeAI is asked to think: Gemini 2.5 by a budget, Gemini 3 and later by a level.

Read in langchain-google-genai 4.4, `_build_thinking_config`: what stands in the call wins over the instance, a level
over a budget, with a warning where both are there; a level is passed on to Gemini 2.5 too, which knows none.
"""

from __future__ import annotations

from typing import Any

from leanloop.adapters.langchain.dialect import Said, Settings, first_effort, mapping, with_levels, without
from leanloop.adapters.langchain.provider import model_name
from leanloop.adapters.reasoning.google import reasoning_of
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.adapters.reasoning.spent import effort_of_tokens
from leanloop.budgets.degrade_step import Effort

__all__ = ["Google"]

_WORDS = ("thinking_budget", "thinking_level", "reasoning_effort")


class Google:
    """ChatGoogleGenerativeAI."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """By the model's name and profile."""
        known = reasoning_of(model_name(model, settings))
        return with_levels(known, model) if known is None or not known.budgets else known

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From the call, else from the instance."""
        config = mapping(settings.get("thinking_config", model.thinking_config))
        levels = (settings.get("thinking_level"), settings.get("reasoning_effort"), model.reasoning_effort)
        level = first_effort((*levels, _lower(config.get("thinking_level"))))
        if level is not None:
            return level
        budget = settings.get("thinking_budget", model.thinking_budget)
        return effort_of_tokens(known.budgets, config.get("thinking_budget") if budget is None else budget) or (
            None if budget == -1 else known.default
        )

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """As a budget or a level in the call, with nothing of either on the instance."""
        given = without(settings, (*_WORDS, "thinking_config"))
        config = without(mapping(settings.get("thinking_config", model.thinking_config)), _WORDS)
        if config:
            given["thinking_config"] = config
        given |= {"thinking_budget": known.budgets[effort]} if known.budgets else {"thinking_level": effort}
        fields: dict[str, object] = {"thinking_budget": None, "reasoning_effort": None, "thinking_config": None}
        if effort == "none":  # "include_thoughts is only enabled when thinking is enabled"
            fields["include_thoughts"] = None
            given = without({**given, "thinking_config": without(config, ("include_thoughts",))}, ("include_thoughts",))
            given = given if given["thinking_config"] else without(given, ("thinking_config",))
        return Said(fields, given)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value

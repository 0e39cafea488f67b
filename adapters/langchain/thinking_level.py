"""How models that other houses serve are asked to think: by a level, under one of two names.

Read in langchain-groq 1.1 (the models and levels are those of the groq SDK: ``none`` and ``default`` for Qwen 3; low,
medium and high for gpt-oss), langchain-xai 1.3 and langchain-fireworks 1.7 (the levels of the profile alone), and
langchain-openrouter 0.2 (https://openrouter.ai/docs/guides/best-practices/reasoning-tokens: the levels of the model
behind it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from leanloop.adapters.langchain.dialect import Said, Settings, effort_in, first_effort, mapping, with_levels, without
from leanloop.adapters.langchain.provider import model_name
from leanloop.adapters.reasoning import anthropic, google, open_weights, openai
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import Effort

__all__ = ["Leveled", "OpenRouter", "groq", "of_profile"]

_WORDS = ("reasoning_effort", "effort")


def groq(model: Any, name: str) -> Reasoning | None:
    """Groq's models."""
    known = open_weights.reasoning_of(name)
    return known if known is not None and name.partition("/")[0] in ("openai", "qwen") else None


def of_profile(model: Any, name: str) -> Reasoning | None:
    """Models of which only LangChain's profile tells levels."""
    return with_levels(None, model)


class Leveled:
    """An integration that passes on ``reasoning_effort``.

    Args:
        known_of: what is known of a model, by its name.
        on: the word for thinking of a model that only knows on and off.
    """

    def __init__(self, known_of: Callable[[Any, str], Reasoning | None], on: str | None = None) -> None:
        self._known_of = known_of
        self._on = on

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """As `known_of` says."""
        return self._known_of(model, model_name(model, settings))

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From the call, else from the instance."""
        places = (settings.get("reasoning_effort"), getattr(model, "reasoning_effort", None))
        said = next((place for place in places if place), None)
        return known.default if said in (None, self._on) else effort_in(said) or known.default

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """In the call, which wins over the instance."""
        word = self._on if self._on and known.form == "switch" and effort != "none" else effort
        return Said({}, {**without(settings, _WORDS), "reasoning_effort": word})


class OpenRouter:
    """ChatOpenRouter: ``reasoning`` with an effort, whoever serves the model."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """By the name of the model behind it; told by levels, whatever its own provider wants."""
        name = model_name(model, settings)
        own = name.rpartition("/")[2].replace(".", "-") if name.startswith("anthropic/") else name.rpartition("/")[2]
        tables = (openai.reasoning_of, anthropic.reasoning_of, google.reasoning_of)
        known = next((found for table in tables if (found := table(own)) is not None), None)
        return None if known is None else replace(known, form="effort", budgets={}, levels=(), off=None)

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From the call, else from the instance."""
        places = (settings.get("reasoning"), model.reasoning)
        return first_effort(places) or known.default

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """An effort in place of a number of tokens: only one of both may be sent."""
        own = without(mapping(settings.get("reasoning") or model.reasoning), ("max_tokens", "enabled"))
        return Said({}, {**settings, "reasoning": {**own, "effort": effort}})

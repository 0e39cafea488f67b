"""How models with a switch are asked to think: DeepSeek's, Qwen's by ChatQwen, and those of Ollama.

Read in langchain-deepseek 1.1, langchain-qwq 0.3 and langchain-ollama 1.1. ChatDeepSeek keeps what was thought in
`additional_kwargs` and does not send it back, which its API wants after a tool call. ChatQwen writes its switch into
``extra_body`` when it is made, and sends one that stands in the call as a field of its own, which counts for nothing;
it chooses by its own field whether it must stream.
"""

from __future__ import annotations

from typing import Any

from leanloop.adapters.langchain.dialect import Said, Settings, effort_in, first_effort, mapping, without
from leanloop.adapters.langchain.provider import model_name
from leanloop.adapters.reasoning import deepseek, open_weights
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import Effort

__all__ = ["DeepSeek", "Ollama", "Qwen"]


def _extra(model: Any, settings: Settings) -> dict[str, object]:
    return dict(mapping(settings.get("extra_body") or model.extra_body))


class DeepSeek:
    """ChatDeepSeek."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """By the model's name."""
        return deepseek.reasoning_of(model_name(model, settings))

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From ``extra_body``, then the effort."""
        extra = _extra(model, settings)
        if mapping(extra.get("thinking")).get("type") == "disabled":
            return "none"
        places = (settings.get("reasoning_effort"), extra.get("reasoning_effort"), model.reasoning_effort)
        found = first_effort(places)
        return known.default if found is None else known.nearest(found)

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """A switch in ``extra_body`` and, where it is on, an effort."""
        given = without(settings, ("reasoning_effort", "effort"))
        on = effort != "none"
        extra = without(_extra(model, settings), ("reasoning_effort",))
        given["extra_body"] = {**extra, "thinking": {"type": "enabled" if on else "disabled"}}
        return Said({"reasoning_effort": None}, {**given, "reasoning_effort": effort} if on else given)


class Qwen:
    """ChatQwen."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """By the model's name: of one with a single mode nothing."""
        return open_weights.reasoning_of(model_name(model, settings))

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From ``extra_body``, into which the integration has written its own field."""
        switch = _extra(model, settings).get("enable_thinking", model.enable_thinking)
        return known.default if switch is None else known.efforts[-1] if switch else "none"

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """In its own field and, as that is read once, in the ``extra_body`` of the call."""
        on = effort != "none"
        extra = _extra(model, settings) | {"enable_thinking": on}
        given = without(settings, ("enable_thinking", "thinking_budget"))
        given["extra_body"] = extra if on else without(extra, ("thinking_budget",))
        return Said({"enable_thinking": on} if on else {"enable_thinking": on, "thinking_budget": None}, given)


class Ollama:
    """ChatOllama."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """By the model's name."""
        return open_weights.reasoning_of(model_name(model, settings))

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From ``reasoning``: a switch, or a level."""
        said = settings.get("reasoning", model.reasoning)
        if said is False:
            return "none"
        return effort_in(said) or known.default

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """As a level where the model knows levels, else as a switch."""
        word: object = effort if known.form == "effort" else effort != "none"
        return Said({}, {**settings, "reasoning": word})

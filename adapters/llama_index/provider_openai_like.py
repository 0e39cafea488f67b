"""Classes that speak as OpenAI's to other servers: DeepSeek, and those that serve open models (vLLM, SGLang).

Read in llama-index-llms-openai-like 0.8 and -deepseek 0.4, which send what OpenAI's class does: an effort to models of
OpenAI's names only, and never back what a model thought (`reasoning_content`). What `additional_kwargs` hold is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from leanloop.adapters.llama_index.provider_openai import OpenAI
from leanloop.adapters.llama_index.sent import Sent, mapping
from leanloop.adapters.llama_index.thinking import Wanted
from leanloop.adapters.reasoning import deepseek
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.adapters.reasoning.open_weights import SWITCH

__all__ = ["DeepSeek", "OpenAILike"]

_TEMPLATE = "chat_template_kwargs"
_SWITCHES = ("enable_thinking", "thinking")
"""What the templates of models call it: Qwen's and most; DeepSeek's and Granite's."""


class OpenAILike(OpenAI):
    """A server that speaks as OpenAI's. That its model can be told to think is shown by the user telling it."""

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """As the user's own `additional_kwargs` show it: ``{"extra_body": {"chat_template_kwargs": {...}}}``."""
        return SWITCH if _switch(sent) else super().reasoning(sent, tools=tools)

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By that switch."""
        switch = _switch(sent)
        if switch is None:
            return super().says(sent, known)
        name, where = switch
        return known.efforts[-1] if where[name] else "none"

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By the switch that the user has set."""
        switch = _switch(sent)
        if switch is None:
            super().think(sent, wanted)
            return
        name, where = switch
        asked = wanted.asked(SWITCH, self.says(sent, SWITCH))
        if asked is not None:
            body = mapping(sent.extras.get("extra_body"))
            turned = {**where, name: asked != "none"}
            sent.add(extra_body={**body, _TEMPLATE: turned} if _TEMPLATE in body else turned)


class DeepSeek(OpenAI):
    """DeepSeek's own server: a switch and a level."""

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """Beside tools it may not think: the class does not send back what it thought, as the API then demands."""
        known = deepseek.reasoning_of(str(sent.get("model") or ""))
        return replace(known, efforts=("none",)) if known is not None and tools else known

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By the switch, and the level beside it."""
        given = {**sent.kwargs, **sent.extras}
        off = mapping(mapping(given.get("extra_body")).get("thinking")).get("type") == "disabled"
        return "none" if off else given.get("reasoning_effort")

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By `extra_body` and `reasoning_effort`, in `additional_kwargs`, which beat all else."""
        called = any(message.tool_calls for message in wanted.messages)
        known = self.reasoning(sent, tools=wanted.tools or called)
        if known is None:
            return
        asked = wanted.asked(known, self.says(sent, known))
        if asked is None:
            return
        body, on = mapping({**sent.kwargs, **sent.extras}.get("extra_body")), asked != "none"
        sent.kwargs.pop("reasoning_effort", None)
        sent.add(
            extra_body={**body, "thinking": {"type": "enabled" if on else "disabled"}},
            reasoning_effort=asked if on else None,
        )


def _switch(sent: Sent) -> tuple[str, Mapping[str, object]] | None:
    """The name of the switch that the user has set, and what it stands in."""
    body = mapping(sent.extras.get("extra_body"))
    where = mapping(body.get(_TEMPLATE)) if _TEMPLATE in body else body
    return next(((name, where) for name in _SWITCHES if isinstance(where.get(name), bool)), None)

"""Anthropic's class. Read in llama-index-llms-anthropic 0.12: a parameter of the call beats the attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock

from leanloop.adapters.llama_index.cache_marks import Marking, with_mark
from leanloop.adapters.llama_index.provider import Provider, count
from leanloop.adapters.llama_index.sent import Sent, extras_of, mapping
from leanloop.adapters.llama_index.thinking import Wanted, begun_turn, is_signed
from leanloop.adapters.reasoning.anthropic import BUDGETS, WITHOUT_THINKING, reasoning_of
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.adapters.reasoning.spent import effort_of_tokens
from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.plugins.cache_marks import BEHIND_TOOLS

__all__ = ["Anthropic"]

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

    def reasoning(self, sent: Sent, *, tools: bool = False) -> Reasoning | None:
        """By the model's name, on any platform."""
        return reasoning_of(str(sent.get("model") or ""))

    def says(self, sent: Sent, known: Reasoning) -> object:
        """By the kind of thinking, and the budget or the level beside it."""
        thinking, config = _said(sent)
        kind = thinking.get("type")
        if kind in ("disabled", "between_tools"):
            return "none"
        if kind == "enabled":
            return effort_of_tokens(BUDGETS, thinking.get("budget_tokens"))
        unsaid = "high" if known.default in (None, "none") else known.default
        return (config.get("effort") or unsaid) if kind or known.default != "none" else "none"

    def think(self, sent: Sent, wanted: Wanted) -> None:
        """By the parameter `thinking`, beside a level in `output_config` where the model knows levels."""
        known = self.reasoning(sent)
        if known is None:
            return
        thinking, config = _said(sent)
        level = config.get("effort")
        asked = wanted.asked(known, self.says(sent, known))
        if asked not in (None, "none") and known.form == "budget":
            asked = _within(sent, known, asked)
        if asked == "none" and "none" in known.efforts:
            if thinking or known.default != "none":
                sent.kwargs["thinking"] = {"type": known.off or "disabled"}
            if level in EFFORTS and level not in WITHOUT_THINKING:
                sent.kwargs["output_config"] = {**config, "effort": "high"}
        elif asked is not None:
            sent.kwargs["thinking"] = _thinking(known, thinking, asked)
            if not known.takes_sampling(asked):
                sent.drop_sampling()
                sent.attributes["temperature"] = 1.0  # the one it takes; the class knows which models take none
        thinks = asked not in (None, "none")
        most = asked if thinks else wanted.ceiling
        if most is not None and known.levels and (thinks or known.off is None):
            _level(sent, known, most, exactly=thinks)

    def with_thoughts(self, sent: Sent, messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
        """Without what another provider's model thought, which is not signed; and without what was thought in the turn
        that is going on where thinking is off now, which the API may answer with 400.
        """
        thinking, _ = _said(sent)
        known = self.reasoning(sent)
        on = thinking.get("type") != "disabled" if thinking else known is not None and known.default != "none"
        changed, turn = list(messages), None
        for number, message in enumerate(messages):
            if any(isinstance(block, ThinkingBlock) for block in message.blocks):
                turn = begun_turn(messages) if turn is None else turn
                ours = [block for block in message.blocks if _stays(block, on or number < turn)]
                if len(ours) < len(message.blocks):
                    changed[number] = message.model_copy(update={"blocks": ours})
        return changed

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


def _said(sent: Sent) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """What a call says of thinking and of its output, by what the class reads first."""
    given = {**sent.extras, **sent.kwargs}
    return mapping(given.get("thinking") or sent.get("thinking_dict")), mapping(given.get("output_config"))


def _thinking(known: Reasoning, own: Mapping[str, object], asked: Effort) -> dict[str, object]:
    """The parameter `thinking`, with the user's own choice of what is shown."""
    kept = {name: value for name, value in own.items() if name not in ("type", "budget_tokens")}
    if known.form == "budget":
        return {**kept, "type": "enabled", "budget_tokens": known.budgets[asked]}
    # The class sends nothing back that came empty. Where what is sent back is bound to all before it, none goes back.
    shown = {"display": "summarized"} if known.hides and not known.bound else {}
    return {**shown, **kept, "type": "adaptive"}


def _within(sent: Sent, known: Reasoning, asked: Effort) -> Effort:
    """The most of it that the output cap has room for: it must exceed the budget."""
    cap = {**sent.extras, **sent.kwargs}.get("max_tokens") or sent.get("max_tokens")
    room = cap if isinstance(cap, int) else 0
    within: Effort = "none"
    for effort in known.efforts[: known.efforts.index(asked) + 1]:
        if known.budgets.get(effort, 0) < room:
            within = effort
    return within


def _level(sent: Sent, known: Reasoning, most: Effort, *, exactly: bool) -> None:
    """The level beside it: that effort, or at most that."""
    _, config = _said(sent)
    level = replace(known, efforts=known.levels, default="high" if known.default == "none" else known.default)
    asked = level.asked(most if exactly else None, most, config.get("effort"))
    if asked is not None:
        sent.kwargs["output_config"] = {**config, "effort": asked}


def _stays(block: object, on: bool) -> bool:
    return not isinstance(block, ThinkingBlock) or (on and is_signed(block))

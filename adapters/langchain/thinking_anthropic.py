"""How ChatAnthropic is asked to think: a budget, or adaptive thinking and a level.

Read in langchain-anthropic 1.7, `_get_request_payload`: ``thinking`` of the instance wins over that of the call, and
makes `bind_tools` drop a forced tool; ``reasoning_effort`` and ``effort`` turn adaptive thinking on where nobody says
anything of it, and any word is passed on. So all of it is taken off the instance and said in the call.
"""

from __future__ import annotations

from typing import Any

from leanloop.adapters.langchain.dialect import Said, Settings, first_effort, mapping, with_levels, without
from leanloop.adapters.langchain.provider import model_name, output_cap
from leanloop.adapters.reasoning.anthropic import WITHOUT_THINKING, reasoning_of
from leanloop.adapters.reasoning.known import SAMPLING, Reasoning
from leanloop.adapters.reasoning.spent import effort_of_tokens
from leanloop.budgets.degrade_step import EFFORTS, Effort

__all__ = ["Anthropic", "loosened"]

_BINDING_BETA = "thinking-binding-controls-2026-08-01"

_WORDS = frozenset({"thinking", "effort", "reasoning_effort", "output_config"})
_LEAST = 1_024
_ROOM = 64
"""Output tokens beside a thinking budget, without which there would be no answer."""


class Anthropic:
    """ChatAnthropic, and what derives from it."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """By the model's name; its profile tells no more, and nothing of the models that are told a budget."""
        known = reasoning_of(model_name(model, settings))
        return with_levels(known, model) if known is None or not known.budgets else known

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """From what would be sent; the instance's ``thinking`` first."""
        thinking = mapping(model.thinking if model.thinking is not None else settings.get("thinking"))
        kind = thinking.get("type")
        if kind in ("disabled", "between_tools"):
            return "none"
        if kind == "enabled":
            return effort_of_tokens(known.budgets, thinking.get("budget_tokens")) or known.efforts[-1]
        level = self._level(model, settings)
        if kind == "adaptive" or (_asks(model, settings) and "xhigh" in known.levels):
            return level or ("high" if known.default == "none" else known.default)
        return known.default if known.default == "none" else level or known.default

    def say(
        self,
        model: Any,
        settings: Settings,
        known: Reasoning,
        effort: Effort | None,
        ceiling: Effort | None = None,
    ) -> Said:
        """``thinking`` and ``output_config`` in the call, nothing of it on the instance.

        Args:
            model: the chat model.
            settings: the call-time parameters.
            known: how it reasons.
            effort: None leaves thinking as it is.
            ceiling: the most of the level that stands beside it, thinking or not.
        """
        given = without(settings, _WORDS)
        level = self._level(model, settings)
        own = model.thinking if model.thinking is not None else settings.get("thinking")
        if effort is None:
            thinking: object = own
        else:
            thinking = self._thinking(model, settings, known, effort, mapping(own))
            if effort in known.levels:
                level = effort
            elif effort == "none" and level is not None and level not in WITHOUT_THINKING:
                level = "high"
        if ceiling is not None and known.levels:
            most = _most(known.levels, ceiling)
            if EFFORTS.index(level or "high") > EFFORTS.index(most):
                level = most
        if thinking is not None:
            given["thinking"] = thinking
        config = {**mapping(model.output_config), **mapping(settings.get("output_config"))}
        config = {name: value for name, value in config.items() if name != "effort"}
        if level in known.levels:
            config["effort"] = level
        if config:
            given["output_config"] = config
        fields: dict[str, object] = {"thinking": None, "reasoning_effort": None, "output_config": None}
        if effort is not None and not known.takes_sampling(effort):
            fields |= dict.fromkeys(SAMPLING)
            given = without(given, SAMPLING)
        return Said(fields, given)

    def _thinking(
        self, model: Any, settings: Settings, known: Reasoning, effort: Effort, own: Settings
    ) -> dict[str, object] | None:
        if effort == "none":
            return None if known.default == "none" else {"type": known.off or "disabled"}
        shown = {"display": own["display"]} if "display" in own else {}
        if known.form != "budget":
            if known.hides and not shown:
                shown = {"display": "summarized"}  # as the integration asks for it by itself
            return {"type": "adaptive", **shown}
        cap = output_cap(model, settings) or model.max_tokens
        tokens = known.budgets[effort]
        if isinstance(cap, int) and tokens + _ROOM > cap:
            tokens = cap - _ROOM
        return {"type": "enabled", "budget_tokens": tokens, **shown} if tokens >= _LEAST else None

    def _level(self, model: Any, settings: Settings) -> Effort | None:
        """The level that is asked for, from the strongest place where it may stand to the weakest."""
        places = (settings.get("effort"), settings.get("reasoning_effort"), settings.get("output_config"))
        own = (model.reasoning_effort, model.output_config)
        return first_effort((*places, *own))


def loosened(model: Any, settings: Settings) -> dict[str, Any]:
    """The parameters with which thinking that is bound to a history we have changed is dropped, not an error 400.

    https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/fix-bound-to-a-different-conversation
    """
    thinking = {"type": "adaptive", **mapping(settings.get("thinking"))}
    if thinking["type"] != "adaptive":
        return dict(settings)
    binding = {"prefix_mismatch_behavior": "drop_block", **mapping(thinking.get("block_binding"))}
    betas = [*(settings.get("betas") or model.betas or ())]
    betas += [_BINDING_BETA] * (_BINDING_BETA not in betas)
    return {**settings, "thinking": {**thinking, "block_binding": binding}, "betas": betas}


def _asks(model: Any, settings: Settings) -> bool:
    """Whether an effort stands where the integration takes it for a wish to think."""
    return bool(settings.get("effort") or settings.get("reasoning_effort") or model.reasoning_effort)


def _most(levels: tuple[Effort, ...], ceiling: Effort) -> Effort:
    """The highest level (they ascend) that is none above `ceiling`; the least of all where each is."""
    within: list[Effort] = [one for one in levels if EFFORTS.index(one) <= EFFORTS.index(ceiling)]
    return within[-1] if within else levels[0]

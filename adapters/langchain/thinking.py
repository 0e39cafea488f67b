"""How much a chat model is asked to think, and what it can be asked, whatever its integration calls it."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

from langchain_core.language_models import BaseChatModel

from leanloop.adapters.langchain.dialect import Dialect, Said, Settings, mapping, without
from leanloop.adapters.langchain.giving_back import giving_back
from leanloop.adapters.langchain.provider import (
    bindings,
    model_name,
    output_cap,
    packages_of,
    provider_of,
    thinking_tokens,
    unbound,
)
from leanloop.adapters.langchain.thinking_anthropic import Anthropic, loosened
from leanloop.adapters.langchain.thinking_google import Google
from leanloop.adapters.langchain.thinking_level import Leveled, OpenRouter, groq, of_profile
from leanloop.adapters.langchain.thinking_openai import OpenAI
from leanloop.adapters.langchain.thinking_switch import DeepSeek, Ollama, Qwen
from leanloop.adapters.langchain.twin import in_place_of, twin_of
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import Effort
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.call import ModelCall
from leanloop.plugins.thinking.turn import turn_of

__all__ = ["abilities_of", "apart", "forces", "is_rewritten", "known_of", "with_thinking"]

_log = logging.getLogger("leanloop")

_DIALECTS: Mapping[str, Dialect] = {
    "langchain_anthropic": Anthropic(),  # and what derives from it: ChatAnthropicBedrock
    "langchain_deepseek": DeepSeek(),
    "langchain_fireworks": Leveled(of_profile),
    "langchain_google_genai": Google(),
    "langchain_groq": Leveled(groq, on="default"),
    "langchain_ollama": Ollama(),
    "langchain_openai": OpenAI(),
    "langchain_openrouter": OpenRouter(),
    "langchain_qwq": Qwen(),
    "langchain_xai": Leveled(of_profile),
    "leanloop": Leveled(of_profile),  # ScriptedModel
}
"""By the package of a model's class, or of the nearest that it derives from. ChatMistralAI (langchain-mistralai 1.1)
passes on no such parameter, and ChatBedrockConverse (langchain-aws 1.9) reads its own only when it is made."""

_FREE = (None, False, "auto", "none")

_said: set[tuple[str, Effort]] = set()


def abilities_of(own: object, settings: Settings, *, tools: bool = False, forced: bool = False) -> Abilities:
    """What a chat model, or a binding of one, can do in a call with these call-time parameters.

    Args:
        own: the model.
        settings: the call-time parameters.
        tools: the call offers tools.
        forced: it must call one of them.
    """
    model = unbound(own)
    profile = mapping(getattr(model, "profile", None))
    told = Abilities(
        provider=provider_of(model).prices,
        context=_count(profile.get("max_input_tokens")),
        tools=_flag(profile.get("tool_calling")),
        images=_flag(profile.get("image_inputs")),
        reasons=_flag(profile.get("reasoning_output")),
        output=_count(profile.get("max_output_tokens")),
    )
    dialect = None if model is None else _dialect_of(type(model))
    if dialect is None:
        return told
    given = _given(own, settings)
    known = dialect.known(model, given, tools=tools)
    if known is None:
        return told
    current = dialect.current(model, given, known)
    can = (known.forced() if forced else known).abilities(told.provider, context=told.context, tools=told.tools)
    reasons = None if current is None else current != "none"
    return replace(can, default=current, images=told.images, output=told.output, reasons=reasons)


def known_of(model: BaseChatModel) -> Reasoning | None:
    """How a chat model reasons, as it stands; None where it knows no effort."""
    dialect = _dialect_of(type(model))
    return None if dialect is None else dialect.known(model, {}, tools=False)


def with_thinking(
    own: Any, settings: Settings, call: ModelCall, *, rewritten: bool = False
) -> tuple[Any, dict[str, Any]]:
    """The model to call and the call-time parameters, so that as much is thought as `call` asks for.

    They stay as they are where nothing is asked, or no more and no less than the user does; and, which is said once,
    where the model knows no effort. What its provider would refuse is not sent: thinking switched in the midst of a
    tool loop, a tool forced beside it, a temperature, what was thought on a history that has changed since.

    Args:
        own: a chat model, or a binding of one.
        settings: the call-time parameters, the output cap of this call among them.
        call: ``thinking`` is the effort asked for, ``effort`` the most of it.
        rewritten: messages, tools or model are not those of the agent.
    """
    same = own, dict(settings)
    model = unbound(own)
    if model is None:
        return same
    dialect, kind = _dialect_of(type(model)), giving_back(type(model))
    asks = call.thinking is not None or call.effort is not None
    thought = rewritten and any(message.thought for message in call.messages)
    if not asks and not rewritten and kind is None:
        return same
    given = _given(own, settings)
    known = None if dialect is None else dialect.known(model, given, tools=bool(call.tools))
    if dialect is None or known is None:
        if call.effort is not None:
            _say_once(model_name(model, given), call.effort)
        return same
    effort, ceiling = None, call.effort
    if asks or (rewritten and known.steady):
        current = dialect.current(model, given, known)
        asked = known.asked(call.thinking, ceiling, current) if asks else current
        allowed = _allowed(asked, known, call)
        effort = None if allowed == current else allowed
    anthropic = dialect if isinstance(dialect, Anthropic) else None
    loose = anthropic is not None and thought and rewritten and known.bound
    if anthropic is not None and (effort is not None or loose or (ceiling is not None and known.levels)):
        said = anthropic.say(model, given, known, effort, ceiling)
        if loose:
            said = said._replace(settings=loosened(model, said.settings))
    elif effort is not None:
        said = dialect.say(model, given, known, effort)
    else:
        return same if kind is None else (in_place_of(own, twin_of(model, {}, kind)), same[1])
    if call.force_tool:
        said = _freed(said, known)
    twin = twin_of(model, said.fields, kind)
    bound = _given(own, {})
    kept = {name: value for name, value in said.settings.items() if name not in bound or bound[name] is not value}
    return in_place_of(own, twin, bound.keys() - said.settings.keys()), kept


def apart(call: ModelCall, model: object, settings: Settings) -> ModelCall:
    """A call that is made without the agent's tools; without thinking where its cap has no room for the user's own."""
    cap, tokens = output_cap(model, settings), thinking_tokens(model, settings)
    if cap is not None and tokens >= cap and call.thinking is None:
        call = replace(call, thinking="none")
    return replace(call, tools=(), force_tool=False)


def is_rewritten(call: ModelCall, own: ModelCall) -> bool:
    """Whether messages, tools or model are not those of the agent's own call."""
    return call.messages is not own.messages or call.tools is not own.tools or call.model != own.model


def forces(choice: object) -> bool:
    """Whether a ``tool_choice``, in any provider's form, makes the model call a tool."""
    if isinstance(choice, Mapping):
        choice = cast("Mapping[str, object]", choice).get("type", "tool")
    return choice not in _FREE


def _allowed(effort: Effort | None, known: Reasoning, call: ModelCall) -> Effort | None:
    """The effort that the provider will not refuse for this call; None leaves it as the user has it."""
    if effort is None:
        return None
    if call.force_tool and not known.takes_force(effort):
        effort = next(iter(known.forced().efforts), None)
    turn = turn_of(call.messages)
    if effort is None or not known.steady or not turn.begun:
        return effort
    if turn.thought and effort == "none":
        return next((one for one in known.efforts if one != "none"), None)
    if not turn.thought and known.form != "adaptive" and "none" in known.efforts:
        return "none"  # what it would have thought before is missing; adaptive thinking may begin at any time
    return effort


def _freed(said: Said, known: Reasoning) -> Said:
    """Where a turn must go on thinking and its provider takes no forced tool beside that, the tool is not forced.

    ChatAnthropic sees to it, and warns, where thinking stands on the instance.
    """
    thinking = said.settings.get("thinking")
    if known.form != "budget" or mapping(thinking).get("type") != "enabled":
        return said
    settings = without(said.settings, ("thinking",))
    if "tool_choice" in settings:  # it was bound before
        settings["tool_choice"] = {"type": "auto"}
    return Said({**said.fields, "thinking": thinking}, settings)


def _given(own: object, settings: Settings) -> Settings:
    """All call-time parameters, those that are bound below those of the call."""
    bound = bindings(own)
    return {name: value for one in (*bound, settings) for name, value in one.items()} if bound else settings


def _dialect_of(kind: type) -> Dialect | None:
    return _by_class(cast("Hashable", kind))


@lru_cache(maxsize=256)
def _by_class(kind: Hashable) -> Dialect | None:
    return next((found for package in packages_of(kind) if (found := _DIALECTS.get(package)) is not None), None)


def _say_once(model: str, effort: Effort) -> None:
    if (model, effort) not in _said:
        _said.add((model, effort))
        _log.warning(
            "%s takes no reasoning effort, so its thinking is left as it is (effort %s was asked for). Name a model "
            "that reasons, or take the effort out of the budget file (thinking, degrade).",
            model,
            effort,
        )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None

"""How much a chat model is asked to think, whatever its integration calls it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from leanloop.adapters.langchain.dialect import Said, Settings, mapping, without
from leanloop.adapters.langchain.dialects import dialect_of, given_to
from leanloop.adapters.langchain.giving_back import giving_back
from leanloop.adapters.langchain.provider import model_name, output_cap, thinking_tokens, unbound
from leanloop.adapters.langchain.thinking_anthropic import Anthropic, loosened
from leanloop.adapters.langchain.twin import in_place_of, twin_of
from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import Effort
from leanloop.plugins.call import ModelCall
from leanloop.plugins.thinking.turn import turn_of

__all__ = ["apart", "forces", "is_rewritten", "with_thinking"]

_log = logging.getLogger("leanloop")

_FREE = (None, False, "auto", "none")

_said: set[tuple[str, Effort]] = set()


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
    dialect, kind = dialect_of(type(model)), giving_back(type(model))
    asks = call.thinking is not None or call.effort is not None
    thought = rewritten and any(message.thought for message in call.messages)
    if not asks and not rewritten and kind is None:
        return same
    given = given_to(own, settings)
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
    bound = given_to(own, {})
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


def _say_once(model: str, effort: Effort) -> None:
    if (model, effort) not in _said:
        _said.add((model, effort))
        _log.warning(
            "%s takes no reasoning effort, so its thinking is left as it is (effort %s was asked for). Name a model "
            "that reasons, or take the effort out of the budget file (thinking, degrade).",
            model,
            effort,
        )

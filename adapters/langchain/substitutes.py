"""The chat model to call where a plugin wants another one than the agent's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableBinding

from leanloop.adapters.langchain.abilities import abilities_of, known_of
from leanloop.adapters.langchain.dialect import without
from leanloop.adapters.langchain.provider import (
    MODEL_SETTINGS,
    cap_settings,
    output_cap,
    provider_of,
    thinking_tokens,
    unbound,
)
from leanloop.errors import ModelUnavailable, UsageError
from leanloop.plugins.abilities import Abilities

__all__ = ["Substitutes", "settings_for"]


class Substitutes:
    """Chat models by name: those the user gave, and copies of an agent's own with the name changed.

    Args:
        given: by the name that budget files use.

    Raises:
        UsageError: one that was given is no chat model.
    """

    def __init__(self, given: Mapping[str, BaseChatModel] | None = None) -> None:
        self._given = dict(given or {})
        for name, model in self._given.items():
            if not isinstance(cast("object", model), BaseChatModel):
                raise UsageError(
                    f"models: {name!r} is a {type(model).__name__}; give a chat model, not yet bound: "
                    f"ChatOpenAI(model={name!r})."
                )
        # One attribute, so that agents on other threads never see half of it.
        self._made: tuple[object, str, object] = (None, "", None)

    def of(self, own: object, name: str) -> Any:
        """The chat model, or the binding of one, to call instead of `own`.

        A copy shares the connection, the key and the settings of `own`, and its bindings; one that was given is used
        as it is.

        Raises:
            ModelUnavailable: none was given, and a copy would not be sent under that name.
        """
        given = self._given.get(name)
        if given is not None:
            return given
        known, made_as, made = self._made
        if known is not own or made_as != name:
            made = _renamed(own, name)
            self._made = own, name, made
        return made

    def abilities(
        self, model: object, settings: Mapping[str, Any], name: str, *, own: str, tools: bool, forced: bool
    ) -> Abilities:
        """What the model of that `name` can do in a call.

        Args:
            model: the one the call is for, or the binding of one.
            settings: the call-time parameters.
            name: whose abilities are asked for: the call's own model, or one to be called instead.
            own: the name of the call's own.
            tools: the call offers tools.
            forced: it must call one of them.

        Raises:
            ModelUnavailable: as `of` does.
        """
        if name != own:
            model, settings = self.of(model, name), without(settings, MODEL_SETTINGS)
        return abilities_of(model, settings, tools=tools, forced=forced)


def settings_for(substitute: object, name: str, settings: Mapping[str, Any], most: int | None) -> dict[str, Any]:
    """The call-time parameters `settings` as they fit a substitute: with no other model's name, its own cap kept.

    Args:
        substitute: what is called, a chat model or the binding of one.
        name: what the budget calls it.
        settings: as the call has them for the model it was meant for.
        most: the output tokens set aside for the call.

    Raises:
        ModelUnavailable: it is set to think for more tokens than that.
    """
    model: object = unbound(substitute) or substitute
    fitting = {key: value for key, value in settings.items() if key not in MODEL_SETTINGS}
    cap, thinking = output_cap(model, fitting), thinking_tokens(model, fitting)
    if most is not None and thinking >= most:
        raise ModelUnavailable(
            name,
            f"its thinking budget of {thinking:,} tokens does not fit into {most:,} of output; raise "
            "max_output, or lower the thinking budget.",
        )
    if most is not None and (cap is None or cap > most):
        fitting |= cap_settings(model, fitting, most)
    return fitting


def _renamed(own: object, name: str) -> object:
    if isinstance(own, RunnableBinding):
        binding = cast("Any", own)
        settings = {key: value for key, value in binding.kwargs.items() if key not in MODEL_SETTINGS}
        return cast("object", binding.model_copy(update={"bound": _renamed(binding.bound, name), "kwargs": settings}))
    model, field = unbound(own), provider_of(own).model_field
    if model is not own or model is None or field is None or getattr(model, "deployment_name", None):
        raise ModelUnavailable(
            name, f"give it to leanloop, as models={{{name!r}: ...}}, for {type(own).__name__} cannot be copied for it."
        )
    return _fitted(model, model.model_copy(update={field: name, "profile": None}))


def _fitted(own: BaseChatModel, twin: BaseChatModel) -> BaseChatModel:
    """The copy without what only fits the model it was made from.

    The profile says what a model can do; integrations fill it in, and from it their default output cap, when they
    are made. An effort, or Anthropic's adaptive thinking, that the new model does not know is an error 400.
    """
    fill: Any = getattr(twin, "_resolve_model_profile", None)
    twin = twin.model_copy(update={"profile": fill() if fill else None})
    changes: dict[str, object] = {}
    cap: object = getattr(own, "max_tokens", None)
    if cap is not None and cap == _largest(own):
        changes["max_tokens"] = _largest(twin) or cap
    known = known_of(twin)
    levels = () if known is None else known.levels or (() if known.form == "budget" else known.efforts)
    if getattr(own, "reasoning_effort", None) not in (None, *levels):
        changes["reasoning_effort"] = None
    thinking: object = getattr(own, "thinking", None)
    kind = cast("Mapping[str, object]", thinking).get("type") if isinstance(thinking, Mapping) else None
    if kind == ("enabled" if known is not None and known.form == "adaptive" else "adaptive"):
        changes["thinking"] = None
    return twin.model_copy(update=changes)


def _largest(model: BaseChatModel) -> object:
    profile: object = model.profile
    return cast("Mapping[str, object]", profile).get("max_output_tokens") if isinstance(profile, Mapping) else None

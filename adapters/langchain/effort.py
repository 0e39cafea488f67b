"""Less reasoning effort, in the parameter that each integration really reads."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, cast

from leanloop.adapters.langchain.provider import model_name, provider_of
from leanloop.budgets.degrade_step import EFFORTS, Effort

__all__ = ["effort_levels", "effort_settings"]

_log = logging.getLogger("leanloop")

_NAMES = ("effort", "reasoning_effort", "thinking_level")
"""One parameter under the names that integrations give it; where several are sent, none of them is sure to win."""

_said: set[tuple[str, str]] = set()


def effort_levels(model: object) -> tuple[str, ...]:
    """The efforts a model knows, by its profile; of Ollama's models, which have none, only gpt-oss knows any
    (https://docs.ollama.com/capabilities/thinking).
    """
    profile: object = getattr(model, "profile", None)
    if isinstance(profile, Mapping):
        levels = cast("Mapping[str, object]", profile).get("reasoning_effort_levels")
        return tuple(map(str, cast("list[object]", levels))) if isinstance(levels, list | tuple) else ()
    if provider_of(model).effort == "reasoning" and model_name(model).startswith("gpt-oss"):
        return ("low", "medium", "high")
    return ()


def effort_settings(model: object, settings: Mapping[str, Any], effort: Effort) -> dict[str, Any]:
    """The call-time parameters `settings` with at most that effort.

    They stay as they are where the call asks for as little already, and, which is said once, where the model does not
    know the effort. It is only ever lowered.
    """
    same, parameter, levels = dict(settings), provider_of(model).effort, effort_levels(model)
    if parameter is None or effort not in levels:
        known = (model_name(model, settings), effort)
        if known not in _said:
            _said.add(known)
            _log.warning("%s knows no reasoning effort %r (known: %s): left alone", *known, ", ".join(levels) or "none")
        return same
    current = next(_efforts(model, settings), None)
    if current in EFFORTS and EFFORTS.index(current) <= EFFORTS.index(effort):
        return same
    same = {name: value for name, value in same.items() if name not in _NAMES}
    if parameter == "output_config":  # reasoning_effort would make ChatAnthropic turn thinking on in mid-conversation
        return {**same, parameter: {**_mapping(model, settings, parameter), "effort": effort}}
    if parameter == "reasoning_effort" and (own := _mapping(model, settings, "reasoning")):
        return {**same, "reasoning": {**own, "effort": effort}}  # ChatOpenAI would send both, and this one counts
    return {**same, parameter: effort}


def _efforts(model: object, settings: Mapping[str, Any]) -> Iterator[Effort]:
    """The effort a call asks for, from the strongest place where it may stand to the weakest."""
    for name in _NAMES:
        yield from _effort(settings.get(name))
    for nested in ("output_config", "reasoning"):
        yield from _effort(settings.get(nested))
    for name in ("reasoning_effort", "output_config", "reasoning"):
        yield from _effort(getattr(model, name, None))
    profile: object = getattr(model, "profile", None)
    if isinstance(profile, Mapping):
        yield from _effort(cast("Mapping[str, object]", profile).get("reasoning_effort_default"))


def _effort(value: object) -> Iterator[Effort]:
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("effort")
    if value is False:  # Ollama's "do not think"
        yield "none"
    for known in EFFORTS:
        if known == value:
            yield known


def _mapping(model: object, settings: Mapping[str, Any], name: str) -> Mapping[str, object]:
    value: object = settings.get(name) or getattr(model, name, None)
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}

"""In which words an integration is asked to think more, or less."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Protocol, cast

from leanloop.adapters.reasoning.known import Reasoning
from leanloop.budgets.degrade_step import EFFORTS, Effort

__all__ = ["Dialect", "Said", "Settings", "effort_in", "first_effort", "mapping", "with_levels", "without"]

Settings = Mapping[str, Any]
"""Call-time parameters, those bound to the model among them."""


class Said(NamedTuple):
    """What says it.

    Attributes:
        fields: of a copy of the model, as what stands on an instance may win over the call.
        settings: the call-time parameters, in full.
    """

    fields: Mapping[str, object]
    settings: dict[str, Any]


class Dialect(Protocol):
    """One integration's words for an effort. `model` is a chat model of it, without its bindings."""

    def known(self, model: Any, settings: Settings, *, tools: bool) -> Reasoning | None:
        """How the model that is called reasons; None where it knows no effort. `tools` are offered."""
        ...

    def current(self, model: Any, settings: Settings, known: Reasoning) -> Effort | None:
        """The effort that the user asks for; the provider's own where nobody asks; None where that is not known."""
        ...

    def say(self, model: Any, settings: Settings, known: Reasoning, effort: Effort) -> Said:
        """How to ask for an effort, one that it knows."""
        ...


def with_levels(known: Reasoning | None, model: Any) -> Reasoning | None:
    """What is known of a model, with no other levels than the profile has that LangChain gives it.

    A model of which nothing is known is as its profile says; one that only chats is no reasoning model, whatever stands
    there (langchain-openai 1.7 has levels for gpt-5-chat-latest).
    """
    profile = mapping(getattr(model, "profile", None))
    levels: object = profile.get("reasoning_effort_levels")
    if not isinstance(levels, list | tuple):
        return known
    told: tuple[Effort, ...] = tuple(one for one in EFFORTS if one in cast("list[object]", levels))
    if not told:  # none of its words is one that anyone knows
        return known
    if known is None:
        default = effort_in(profile.get("reasoning_effort_default"))
        return Reasoning(told, default, samples=None if profile.get("temperature") else ())
    both = tuple(one for one in known.efforts if one in told or one == "none")
    return known if both in ((), known.efforts) else replace(known, efforts=both)


def effort_in(value: object) -> Effort | None:
    """The effort that a value is, or holds under ``effort``."""
    inner: object = cast("Mapping[str, object]", value).get("effort") if isinstance(value, Mapping) else value
    return next((one for one in EFFORTS if one == inner), None)


def first_effort(places: Iterable[object]) -> Effort | None:
    """The effort at the first place where one is."""
    found: Iterator[Effort | None] = map(effort_in, places)
    return next((effort for effort in found if effort is not None), None)


def mapping(value: object) -> Mapping[str, object]:
    """A mapping; of anything else, an empty one."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def without(settings: Settings, names: Collection[str]) -> dict[str, Any]:
    """The parameters but those."""
    return {name: value for name, value in settings.items() if name not in names}

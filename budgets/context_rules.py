"""What a budget file says under ``context``, ``prefix`` and ``retrieved``: what is sent of a growing history."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator

from leanloop.budgets.fields import FROZEN, Count, Flag, Label, Positive

__all__ = ["ContextRules", "PrefixRules", "RetrievedRules", "SummaryRules", "context_or_switch"]


class SummaryRules(BaseModel):
    """A summary in place of the results that are cleared."""

    model_config = FROZEN

    model: Label | None = None
    """The model that writes it; by default the cheapest that the budget names."""

    max_tokens: Positive = 500
    """Its length."""


def _summary_or_switch(value: object) -> object:
    if isinstance(value, bool):
        return SummaryRules() if value else None
    return value


class ContextRules(BaseModel):
    """When old tool results are cleared from what is sent."""

    model_config = FROZEN

    keep: Count = 3
    """How many of the latest results are never cleared."""

    at_tokens: Positive | None = None
    """Clear in any case before a prompt grows over this; by default only where it saves money."""

    exclude: tuple[Label, ...] = ()
    """Tools whose results are never cleared."""

    summary: Annotated[
        SummaryRules | None, BeforeValidator(_summary_or_switch, json_schema_input_type=SummaryRules | bool)
    ] = None
    """Have what is cleared summed up, ``on`` is with the defaults; by default it is not."""


class PrefixRules(BaseModel):
    """How the prompt prefix that a provider caches is kept."""

    model_config = FROZEN

    breakpoints: Flag = True
    """Whether providers that must be told where to cache (Anthropic) are told, in agents."""

    volatile: Literal["warn", "behind"] = "warn"
    """Text of the system prompt that changes from call to call: said on the receipt, or sent behind the history."""


class RetrievedRules(BaseModel):
    """What of retrieved nodes or documents a model is shown."""

    model_config = FROZEN

    max_tokens: Positive | None = None
    """The most tokens of all of them together."""

    duplicates: Literal["drop", "keep"] = "drop"
    """What becomes of passages that another one says already."""

    order: Literal["ends", "best_first", "as_given"] = "ends"
    """Best first and last and the worst in the middle, where models read least; best first; or as they came."""


def context_or_switch(value: object) -> object:
    """``context: on`` is the defaults, ``context: off`` clears nothing."""
    if isinstance(value, bool):
        return ContextRules() if value else None
    return value

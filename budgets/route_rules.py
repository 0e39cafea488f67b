"""What a budget file says under ``routes``: tiers of models, and when a call goes to which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.cascade_rules import CascadeRules, cascade_or_switch
from leanloop.budgets.fields import FROZEN, Duration, Label, Share, Usd

__all__ = ["TIERS", "RouteRules", "Tier"]

Tier = Literal["cheap", "mid", "frontier"]
TIERS: tuple[Tier, ...] = ("cheap", "mid", "frontier")
"""The cheapest first."""


_ABOVE = 0.3


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _by_tier(value: object) -> object:
    """``above: 0.3`` is for the frontier, from whatever is below it."""
    return cast("object", value) if isinstance(value, Mapping) else {"frontier": value}


Models = Annotated[
    tuple[Label, ...], BeforeValidator(_one_or_several, json_schema_input_type=Label | tuple[Label, ...])
]
"""A model, or several in order of preference."""


class RouteRules(BaseModel):
    """Tiers of models, and when a call goes to which."""

    model_config = FROZEN

    cheap: Models = ()
    """Models of the cheapest tier."""

    mid: Models = ()
    """Models of the tier between."""

    frontier: Models = ()
    """Models of the dearest tier; where none is named, the agent's own."""

    above: Annotated[
        Mapping[Tier, Share],
        BeforeValidator(_by_tier, json_schema_input_type=Share | Mapping[Tier, Share]),
    ] = Field(default_factory=dict[Tier, Share])
    """From which chance on that a tier succeeds where the one below it would fail, calls go to it; 0.3 by default."""

    when_unsure: Literal["dear", "cheap"] = "dear"
    """What becomes of calls about which too little is known."""

    valuable: Usd | None = None
    """What a task must be worth for its calls to go to the cheapest tier only where that is known to do, or where what
    it answers is checked, and not its form alone; by default any task that states its value."""

    local: Models = ()
    """Models that run where nothing leaves the house."""

    local_only: Models = ()
    """Tags whose tasks go to local models alone: a tag's name (``patient``), or one with a value (``data=private``)."""

    falls_at: Share = 0.8
    """From which spent share of any limit calls go one tier down."""

    sticky: Duration = 3_600.0
    """For how long a session stays with its tier: changing it loses the prompt prefix that the provider has cached."""

    slow: Duration | None = None
    """A model that usually takes longer than this is passed over while another of its tier, or the next, does not."""

    cascade: Annotated[
        CascadeRules | None, BeforeValidator(cascade_or_switch, json_schema_input_type=CascadeRules | bool)
    ] = None
    """How answers of cheaper tiers are checked; off where not named."""

    @model_validator(mode="after")
    def _somewhere_to_go(self) -> RouteRules:
        if not (self.cheap or self.mid or self.frontier):
            raise PydanticCustomError("no_tier", "names no model; name one of cheap, mid and frontier")
        seen: dict[str, Tier] = {}
        for tier in TIERS:
            for model in self.tier(tier):
                if model in seen:
                    context = {"model": model, "first": seen[model], "second": tier}
                    text = "names {model} for both {first} and {second}; keep one"
                    raise PydanticCustomError("model_twice", text, context)
                seen[model] = tier
        return self

    @model_validator(mode="after")
    def _no_contradiction(self) -> RouteRules:
        if self.local_only and not self.local:
            raise PydanticCustomError("nowhere_local", "has local_only, and names no model that is local; name one")
        if self.valuable is not None and not self.valuable:
            raise PydanticCustomError(
                "worth_nothing", "has valuable: 0, which every task is worth; leave it out, or name a worth in usd"
            )
        named = [tier for tier in TIERS if self.tier(tier)]
        tiers = named if self.frontier else [*named, "frontier"]
        for tier in self.above:
            if tier not in tiers[1:]:
                context = {"tier": tier, "why": "names no model" if tier not in tiers else "has no tier below it"}
                raise PydanticCustomError("above_nothing", "has above for {tier}, which {why}", context)
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """All that are named, those that check answers too."""
        beside = (self.cascade.second, self.cascade.verifier) if self.cascade is not None else ()
        return tuple(dict.fromkeys((*self.cheap, *self.mid, *self.frontier, *filter(None, beside))))

    def threshold(self, tier: Tier) -> float:
        """From which chance on that it succeeds where the one below fails calls go to it."""
        return self.above.get(tier, _ABOVE)

    def tier(self, tier: Tier) -> tuple[str, ...]:
        """The models of a tier, in order of preference."""
        return cast("tuple[str, ...]", getattr(self, tier))

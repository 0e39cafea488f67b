"""What a budget file says under ``routes``: tiers of models, when a call goes to which, and how answers are checked."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, cast

import regex
from pydantic import BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.fields import FROZEN, Duration, Label, Positive, Several, Share, Usd

__all__ = ["TIERS", "CascadeRules", "RouteRules", "Tier", "cascade_or_switch"]

Tier = Literal["cheap", "mid", "frontier"]
TIERS: tuple[Tier, ...] = ("cheap", "mid", "frontier")
"""The cheapest first."""


_ABOVE = 0.3


def _one_or_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_json(value: object) -> object:
    """Numbers as JSON has them: a budget's own are decimals, with which a schema cannot reckon."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: _as_json(one) for name, one in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in cast("list[object]", value)]
    return value


def _by_tier(value: object) -> object:
    """``above: 0.3`` is for the frontier, from whatever is below it."""
    return cast("object", value) if isinstance(value, Mapping) else {"frontier": value}


Models = Annotated[
    tuple[Label, ...], BeforeValidator(_one_or_several, json_schema_input_type=Label | tuple[Label, ...])
]
"""A model, or several in order of preference."""


class CascadeRules(BaseModel):
    """How an answer of a cheaper tier is checked before it is taken; one that fails goes to the next tier."""

    model_config = FROZEN

    gates: tuple[Label, ...] = ("tool_calls", "refusal", "format")
    """The gates an answer must pass, in this order: tool_calls, refusal, format, agreement, verifier, logprobs, or the
    name of a check of your own (`checks` of LeanLoop)."""

    samples: Several = 3
    """For agreement: how many answers must agree; fewer are asked for where they already differ."""

    second: Label | None = None
    """For agreement: another cheap model whose answer must agree, instead of several of the same."""

    verifier: Label | None = None
    """For verifier: the model that is asked whether the answer is right."""

    least_logprob: Annotated[float, Field(le=0)] = -0.35
    """For logprobs: the least mean log-probability of a token."""

    answer_form: Annotated[Mapping[str, object] | Label | None, BeforeValidator(_as_json)] = None
    """For format: what an answer in words must match, as a JSON schema or a regular expression."""

    trial: Annotated[Positive, Field(le=500)] = 200
    """After how many calls a cascade turns itself off unless it is known to save, with 95 % confidence; one that is
    known to lose does so before."""

    retry: Duration = 604_800.0
    """After how long one that turned itself off is tried again."""

    timeout: Duration = 10.0
    """How long a check of your own may take; then it has failed to decide, and the answer goes up."""

    @model_validator(mode="after")
    def _gates_have_what_they_need(self) -> CascadeRules:
        if not self.gates or len(set(self.gates)) < len(self.gates):
            raise PydanticCustomError("gates", "must name one gate or more, each once (gates); or say cascade: off")
        if "verifier" in self.gates and self.verifier is None:
            raise PydanticCustomError("no_verifier", "names the gate verifier and no model; add verifier: MODEL")
        for key, gate in (("verifier", "verifier"), ("second", "agreement"), ("answer_form", "format")):
            if getattr(self, key) is not None and gate not in self.gates:
                context = {"idle": key, "gate": gate}
                raise PydanticCustomError("idle_key", "names {idle}, which the gate {gate} is for; add that", context)
        if self.answer_form is not None:
            _form_is_one(self.answer_form)
        return self

    @property
    def looks_at_content(self) -> bool:
        """Whether a gate judges what an answer says, and not its form alone."""
        plain = {"tool_calls", "refusal"} | ({"format"} if self.answer_form is None else set[str]())
        return not plain.issuperset(self.gates)


def _form_is_one(form: Mapping[str, object] | str) -> None:
    """Refuse what is neither an expression nor a schema, now and not with the first answer.

    Raises:
        PydanticCustomError: it is none.
    """
    if isinstance(form, str):
        try:
            regex.compile(form)
        except regex.error as error:
            context = {"why": str(error)}
            raise PydanticCustomError("bad_form", "has an answer_form that cannot be read: {why}", context) from None
        return
    from jsonschema.exceptions import SchemaError  # only for who uses it: it is slow to import
    from jsonschema.validators import validator_for

    try:
        validator_for(dict(form), default=validator_for({})).check_schema(dict(form))
    except SchemaError as error:
        context = {"place": ".".join(map(str, error.absolute_path)) or "it"}
        message = "has an answer_form that is no JSON schema: {place} is wrong"
        raise PydanticCustomError("bad_form", message, context) from None


def cascade_or_switch(value: object) -> object:
    """``cascade: on`` is the defaults, ``cascade: off`` takes answers as they come."""
    if isinstance(value, bool):
        return CascadeRules() if value else None
    return value


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

"""What a budget file says under ``routes: {cascade: ...}``: how an answer of a cheaper tier is checked."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, cast

import regex
from pydantic import BaseModel, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from leanloop.budgets.fields import FROZEN, Duration, Label, Positive, Several

__all__ = ["CascadeRules", "cascade_or_switch"]


def _as_json(value: object) -> object:
    """Numbers as JSON has them: a budget's own are decimals, with which a schema cannot reckon."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: _as_json(one) for name, one in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in cast("list[object]", value)]
    return value


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

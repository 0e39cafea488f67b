"""Which models may take a call: those that may see it, can read all of it, and can do what it asks for."""

from __future__ import annotations

from collections.abc import Iterable

from leanloop.budgets.route_rules import TIERS, RouteRules
from leanloop.budgets.tokens import counter_for
from leanloop.errors import ModelUnavailable
from leanloop.plugins.call import ModelCall
from leanloop.plugins.quote import MIN_OUTPUT
from leanloop.plugins.routing.privacy import local_models
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.routing.unavailable import leave_alone, no_model
from leanloop.plugins.task import Task

__all__ = ["rungs_for"]


def rungs_for(call: ModelCall, task: Task, rules: RouteRules) -> tuple[Rung, ...]:
    """The tiers that may take the call, the cheapest first, each with the models that may.

    Where `frontier` names none the agent's own model is its tier. Where no tier has one left, the local models that no
    tier names take the calls of a task that goes to those alone, and the agent's own model those of any other.

    Raises:
        ModelUnavailable: no model is left; it says of each why. Nothing was sent.
    """
    own, allowed = call.model, local_models(task)
    named = {tier: rules.tier(tier) for tier in TIERS}
    if not named["frontier"] and own not in (*named["cheap"], *named["mid"]):
        named["frontier"] = (own,)
    reasons: dict[str, str] = {}

    def able(models: Iterable[str]) -> tuple[str, ...]:
        for model in models:
            why = _not_local(model, allowed) or _unmet(model, call, task)
            if why:
                reasons[model] = why
        return tuple(model for model in models if model not in reasons)

    rungs = tuple(Rung(tier, models) for tier in TIERS if (models := able(named[tier])))
    if not rungs:
        listed = {model for models in named.values() for model in models}
        beside = [model for model in (rules.local if allowed is not None else (own,)) if model not in listed]
        if not (models := able(beside)):
            raise no_model(own, reasons, local=allowed is not None)
        rungs = (Rung("frontier", models),)
    return rungs


def _unmet(model: str, call: ModelCall, task: Task) -> str | None:
    """Why the model cannot take the call; None where it can, for all that is known."""
    if model in task.left_alone and model != call.model:
        return "it could not be had before in this task"
    if call.abilities is None:
        return None
    try:
        can = call.abilities(model)
    except ModelUnavailable as error:
        if model != call.model:
            leave_alone(task, model, error.why)
        return error.why
    if can.tools is False and call.tools and not call.forbid_tools:
        return "it calls no tools"
    if can.images is False and any(message.images for message in call.messages):
        return "it sees no images"
    if can.context is None:
        return None
    counter = counter_for(model)
    counted = counter.expected(counter.prompt(call.messages, call.tools))
    needed = counted + max(call.min_output, call.max_output or task.budget.max_output or MIN_OUTPUT)
    return f"{needed:,} tokens, of which it takes {can.context:,}" if needed > can.context else None


def _not_local(model: str, allowed: frozenset[str] | None) -> str | None:
    return None if allowed is None or model in allowed else "it is not local"

"""What of the file's `routes` makes no sense, by itself or by the price book."""

from __future__ import annotations

from itertools import pairwise

from leanloop.budgets.prices import PriceBook
from leanloop.budgets.route_rules import TIERS, RouteRules, Tier
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown

__all__ = ["contradictions"]

_USUAL = Usage(1_500, 400)
"""A call by which prices are compared."""


def contradictions(rules: RouteRules, prices: PriceBook) -> list[str]:
    """In words: models that are dearer than one of the next tier, that have no price, that may check nothing."""
    said: list[str] = []
    costs: dict[str, int] = {}
    for model in rules.models:
        try:
            costs[model] = prices.price(model).cost(_USUAL)
        except PriceUnknown:
            said.append(f"no price is known for {model}, so that nothing is decided by what it costs")
    named: list[Tier] = [tier for tier in TIERS if rules.tier(tier)]
    for below, above in pairwise(named):
        priced = [(costs[model], model) for model in rules.tier(above) if model in costs]
        if priced:
            least, cheaper = min(priced)
            dear = [model for model in rules.tier(below) if costs.get(model, 0) > least]
            said += [f"{model} is in {below} and dearer than {cheaper}, which is in {above}" for model in dear]
    if rules.local_only and rules.cascade is not None:
        beside = {"second": rules.cascade.second, "verifier": rules.cascade.verifier}
        far = {role: model for role, model in beside.items() if model is not None and model not in rules.local}
        said += [f"{model}, the {role}, is not local: it checks no task of local_only" for role, model in far.items()]
    return said

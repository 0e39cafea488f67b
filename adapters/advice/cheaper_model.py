"""A cheaper model for which step: from labelled questions, from runs of several models, or from prices alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from statistics import fmean

from pydantic import JsonValue, ValidationError

from leanloop.adapters.advice.case import Case, Terms
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.labelled_questions import labelled_rows, mean_costs, mean_scores
from leanloop.adapters.advice.labelled_settings import settled
from leanloop.adapters.advice.paired_runs import paired_runs
from leanloop.adapters.advice.phases import PhaseCall, by_phase, calls_by_phase
from leanloop.adapters.advice.runs import Runs
from leanloop.budgets.money import format_usd
from leanloop.budgets.price_book import price_book
from leanloop.budgets.price_table import current_table
from leanloop.budgets.route_rules import RouteRules
from leanloop.budgets.same_provider import same_provider
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.trial.labelled import Labelled
from leanloop.plugins.trial.tuning import Tuning

__all__ = ["FEATURE", "cheaper_model"]

FEATURE = "cheaper model"

_TRIED = 4
"""Cheaper settings at most: each takes a second or two, and each more makes all bounds wider."""

_SHOWN = 3
"""Models whose price is compared."""


def cheaper_model(runs: Runs) -> Change | Unmeasured:
    """Which calls a cheaper model may take over: by labelled rows where there are some of two models, else by tasks
    that were run with several; of runs of one model only what others would cost is told, and never advised.
    """
    cases, terms = runs.cases, runs.terms
    if terms.budget.routes is not None:
        return Unmeasured(FEATURE, "the budget file has routes; leanloop tune routes finds their threshold")
    calls = calls_by_phase(cases, terms.budget)
    rows, assumed = _with_costs(labelled_rows(runs), calls, terms)
    dear, cheaper = _settings(rows, cases)
    found: Change | Unmeasured | None
    if dear is not None and cheaper:
        found = settled(FEATURE, rows, terms, dear=dear, cheaper=cheaper, keys=_keys)
    else:
        found = paired_runs(FEATURE, runs)
    if isinstance(found, Change):
        return replace(found, notes=(*found.notes, *_about(found.keys, cases, terms), *assumed))
    prices = _prices(calls, terms)
    if found is None and dear is not None:
        why = f"none of the labelled rows is of a model that costs less than {dear}"
        return Unmeasured(FEATURE, why, prices)
    if found is None:
        [(model, _)] = Counter(case.model for case in cases).most_common(1) or [("MODEL", 0)]
        why = (
            "what a cheaper model would lose is not in a recording. To measure it: leanloop evaluate QUESTIONS "
            f"--models {model},CHEAPER --out rows.jsonl, and then leanloop advise with --labelled rows.jsonl"
        )
        return Unmeasured(FEATURE, why, prices)
    return Unmeasured(FEATURE, found.why, (*found.notes, *assumed, *prices))


def _settings(rows: Sequence[Labelled], cases: Sequence[Case]) -> tuple[Setting | None, list[Setting]]:
    """The setting that questions go to now, the runs' own model or else the dearest; and those of other models that
    cost less with as much thinking, those with the most rows first. Where costs are not known, the one that does best
    is taken for the dearest, and each of the others may be cheaper.
    """
    count = Counter(row.setting for row in rows)
    runs = Counter(case.model for case in cases)
    costs = mean_costs(rows)
    known = costs.keys() == count.keys()
    worth = costs if known else mean_scores(rows)
    dear = max(worth, key=lambda one: (runs[one.model], worth[one], str(one)), default=None)
    if dear is None:
        return None, []
    others = [one for one in worth if one.effort == dear.effort and _are_tiers(one.model, dear.model)]
    cheaper = [one for one in others if not known or worth[one] < worth[dear]]
    return dear, sorted(cheaper, key=lambda one: (-count[one], str(one)))[:_TRIED]


def _are_tiers(cheap: str, dear: str) -> bool:
    """Whether a budget file can name both: names in rows may be anything."""
    try:
        RouteRules.model_validate({"cheap": cheap, "frontier": dear})
    except ValidationError:
        return False
    return True


def _about(keys: Mapping[str, JsonValue], cases: Sequence[Case], terms: Terms) -> tuple[str, ...]:
    """Whether it is about another model than the runs', and what the file lacks to price those it names."""
    rules = RouteRules.model_validate(keys["routes"])
    models = sorted({case.model for case in cases})
    prices = price_book(terms.budget)
    notes: list[str] = []
    if models and set(models).isdisjoint(rules.models):
        notes.append(f"The rows are not about the runs' own model ({', '.join(models[:3])}).")
    notes += [
        f"No price is known for {model}: under a limit in usd it is refused, unless the file names it under prices."
        for model in rules.models
        if not prices.knows(model)
    ]
    return tuple(notes)


def _with_costs(
    rows: list[Labelled], calls: Sequence[PhaseCall], terms: Terms
) -> tuple[list[Labelled], tuple[str, ...]]:
    """Rows as they are where each has its cost; else at what the mean call of the runs would cost with their models,
    where all have a price.
    """
    prices = price_book(terms.budget)
    models = {row.setting.model for row in rows}
    if not calls or all(row.cost is not None for row in rows) or not all(map(prices.knows, models)):
        return rows, ()
    mean = {model: round(fmean(prices.price(model).cost(call.usage) for call in calls)) for model in models}
    note = "Not all rows have a cost: a question is taken to cost what the mean call of these runs would."
    return [replace(row, cost=mean[row.setting.model]) for row in rows], (note,)


def _keys(tuning: Tuning) -> Mapping[str, JsonValue]:
    cheap, dear = tuning.settings
    return {"routes": {"cheap": cheap.model, "frontier": dear.model, "above": tuning.above}}


def _prices(calls: Sequence[PhaseCall], terms: Terms) -> tuple[str, ...]:
    """In words, what each phase costs with the model that most calls are of, and with cheaper ones of its provider."""
    models = Counter(call.model for call in calls)
    if not models:
        return ()
    model = models.most_common(1)[0][0]
    own = [call for call in calls if call.model == model]
    prices = price_book(terms.budget)
    costs = by_phase(own, prices.price(model))
    whole = sum(costs.values())
    if not whole:
        return ()
    longest = max(call.usage.total for call in own)
    named = {*same_provider(model, current_table(), longest), *terms.budget.prices} - {model}
    others = {name: by_phase(own, prices.price(name)) for name in named if prices.knows(name)}
    # Of models at one price the nearest by name; these first, as other sizes of the same; then the dearest, which may
    # do most.
    order = sorted(others, key=lambda name: (-_alike(name, model), -sum(others[name].values()), name))
    at_price = {sum(others[name].values()): name for name in reversed(order)}
    cheaper = [name for name in order if name in at_price.values() and sum(others[name].values()) < whole]
    shares = ", ".join(f"{phase} {cost / whole:.0%}" for phase, cost in costs.items() if cost)
    notes = [f"With {model} these {len(own):,} calls cost {format_usd(whole)}: {shares}."]
    for name in cheaper[:_SHOWN]:
        its = others[name]
        each = ", ".join(f"{format_usd(its[phase])} {phase}" for phase, cost in costs.items() if cost)
        saved = 1 - sum(its.values()) / whole
        notes.append(f"With {name} they would cost {saved:.0%} less for as many tokens: {each}.")
    if not cheaper:
        notes.append("The price book has no cheaper model of its provider.")
    return tuple(notes)


def _alike(one: str, other: str) -> int:
    """How many characters two names begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))

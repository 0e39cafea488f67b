"""``leanloop outcomes experiment``: how the two arms of a budget file's experiment fare, and whether it is decided."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from leanloop.adapters.cli.budget_ledger import JsonOption
from leanloop.adapters.cli.outcome_place import OutcomeStoreOption, open_place
from leanloop.adapters.cli.plain import plain
from leanloop.adapters.cli.screen import ledger_table, screen, show_table
from leanloop.errors import UsageError
from leanloop.plugins.trial.arms import Arm, Arms, experiment_key
from leanloop.plugins.trial.bounds import Interval
from leanloop.plugins.trial.verdict import Verdict, judged

__all__ = ["experiment"]


def experiment(
    budget: Annotated[str, typer.Option("--budget", metavar="FILE", help="The budget file with the experiment.")],
    store: OutcomeStoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how tasks fare with and without the key that the file's experiment tries.

    The bounds hold however often this is asked: what they say at any time may be believed.
    """
    with open_place(budget, store) as place:
        if place.budget is None or place.budget.experiment is None:
            raise UsageError(f"{budget} has no experiment; add experiment: {{of: thinking}}, or another of its keys.")
        rules = place.budget.experiment
        [counts] = place.store.counts([experiment_key(place.budget)])
    arms = Arms.read(counts)
    verdict = judged(arms, rules)
    if as_json:
        typer.echo(json.dumps(_as_dict(arms, verdict, rules.of)))
        return
    table = ledger_table()
    for name in ("tasks", "scored", "mean score", "mean cost"):
        table.add_column(name, justify="left" if name == "tasks" else "right")
    for name, arm in ((f"with {rules.of}", arms.on), ("without", arms.off)):
        mean = f"{arm.mean_score:.1%}" if arm.tasks else "-"
        table.add_row(name, f"{arm.tasks:,}", mean, "-" if arm.mean_cost is None else f"${arm.mean_cost:.6f}")
    show_table(screen(), f"The experiment of {place.budget.agent} with {rules.of}", table)
    score, cost = verdict.score, verdict.cost
    if arms.on.tasks and arms.off.tasks:
        points = f"{100 * score.estimate:+.1f} points, {100 * score.low:+.1f} to {100 * score.high:+.1f}"
        typer.echo(plain(f"Score with it: {points} (at any time, 95 %)."))
    if abs(cost.low) < 1e9:
        typer.echo(plain(f"Cost with it: {cost.estimate:+.6f} usd a task, {cost.low:+.6f} to {cost.high:+.6f}."))
    typer.echo(plain(_said(arms, verdict)))


def _said(arms: Arms, verdict: Verdict) -> str:
    if arms.ended is not None:
        return f"It has ended: all tasks run {'with' if arms.ended == 'on' else 'without'} it."
    if verdict.better is not None:
        return f"It is decided, tasks do better {'with' if verdict.better == 'on' else 'without'} it: {verdict.why}."
    return f"It is not decided: {verdict.why}."


def _as_dict(arms: Arms, verdict: Verdict, of: str) -> dict[str, object]:
    return {
        "of": of,
        "on": _arm(arms.on),
        "off": _arm(arms.off),
        "score_difference": _bounds(verdict.score),
        "cost_difference": _bounds(verdict.cost),
        "better": verdict.better,
        "ended": arms.ended,
        "why": verdict.why,
    }


def _arm(arm: Arm) -> dict[str, object]:
    return {"scored": arm.tasks, "mean_score": arm.mean_score if arm.tasks else None, "mean_cost": arm.mean_cost}


def _bounds(interval: Interval) -> dict[str, float | None]:
    return {name: value if abs(value) < 1e300 else None for name, value in interval._asdict().items()}

"""Which tier a call is for: by how hard it is, and by what its task is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from leanloop.budgets.money import to_nano
from leanloop.budgets.route_rules import TIERS, RouteRules, Tier
from leanloop.plugins.call import ModelCall
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["Choice", "choose", "is_valuable"]

Checked = Callable[[], Steps[bool]]
"""Whether answers of the cheaper tiers will be checked, so that one may be tried."""


class Choice(NamedTuple):
    """A tier, and why.

    Attributes:
        at: its place among those that may take the call.
        least: the lowest place that may, in any case.
        estimate: that of this tier and the one below it, or else of it and the one above; None where there is but one.
        unsure: too little was known to say.
        explored: it was decided the other way, to learn.
        checked: the answers of cheaper tiers are checked.
    """

    at: int
    least: int = 0
    estimate: Estimate | None = None
    unsure: bool = False
    explored: bool = False
    checked: bool = False


def choose(
    rungs: Sequence[Rung], call: ModelCall, task: Task, *, rules: RouteRules, learning: Learning, checked: Checked
) -> Steps[Choice]:
    """From the cheapest tier up to the next that is likely to succeed where it would fail, and so on from there.

    Where that is not known, `when_unsure` says, and some calls are made the other way, to learn. A cheaper tier is
    tried where its answers are checked. A task of value goes past the cheapest tier of all, unless that one is known to
    do, or what it answers is checked.
    """
    guarded = is_valuable(task, rules) and rungs[0].tier == _cheapest(rules)
    choice = Choice(0, checked=(yield from checked()) if len(rungs) > 1 else False)
    seen = choice.checked and rules.cascade is not None and rules.cascade.looks_at_content
    wary = guarded and not seen
    place = 1
    while place < len(rungs):
        cheap, dear = (Setting(rungs[at].models[0], call.thinking) for at in (choice.at, place))
        estimate = yield from learning.estimate(call, task, cheap, dear)
        side = estimate.side(rules.threshold(rungs[place].tier))
        choice = choice._replace(estimate=estimate)
        rises = side == "above"
        if side == "unsure":
            choice = choice._replace(unsure=True)
            rises = rules.when_unsure == "dear" and not choice.checked
            if wary and choice.at == 0:
                rises = True
            elif not choice.checked and learning.explores(call, task, estimate):
                rises, choice = not rises, choice._replace(explored=True)
        if rises:
            choice = choice._replace(at=place, least=1 if wary else 0)
        place += 1
    return choice


def is_valuable(task: Task, rules: RouteRules) -> bool:
    """Whether the task, or one it is a part of, is worth what the file calls valuable; without that, states a value."""
    worth = [member.value for member in task.lineage if member.value is not None]
    return bool(worth) and (rules.valuable is None or max(worth) >= to_nano(rules.valuable))


def _cheapest(rules: RouteRules) -> Tier:
    """Of the tiers that the file names; the agent's own model is never the cheapest of several."""
    return next(tier for tier in TIERS if rules.tier(tier))

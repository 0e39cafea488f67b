"""What there is to choose from for a call: what the file asks for, as the model knows it and there is room for."""

from __future__ import annotations

import logging
from typing import NamedTuple

from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.budgets.thinking_rules import ThinkingRules
from leanloop.errors import ModelUnavailable
from leanloop.plugins.abilities import Abilities
from leanloop.plugins.call import ModelCall
from leanloop.plugins.task import Task
from leanloop.plugins.thinking.asked import fitting

__all__ = ["Offer", "known_effort"]

_log = logging.getLogger("leanloop")

_said: set[str] = set()


class Offer(NamedTuple):
    """What there is to choose from: what the file asks for, as the model knows it and there is room for."""

    rules: ThinkingRules
    can: Abilities
    most: int | None
    dear: Effort
    cheap: Effort

    @classmethod
    def of(cls, call: ModelCall, rules: ThinkingRules | None, task: Task) -> Offer | None:
        """None for a call that is to be left alone."""
        can = None if rules is None or call.apart else _abilities(call)
        if rules is None or can is None or not _may_choose(call, rules, can, task):
            return None
        most = task.budget.max_output
        return cls(rules, can, most, known_effort(rules.effort, can, most), known_effort(rules.below, can, most))


def _abilities(call: ModelCall) -> Abilities | None:
    try:
        return None if call.abilities is None else call.abilities(call.model)
    except ModelUnavailable:
        return None


def known_effort(effort: Effort, can: Abilities, most: int | None) -> Effort:
    """The nearest that the model knows and that leaves room for an answer."""
    return fitting(can.nearest(effort) or effort, can, most)


def _may_choose(call: ModelCall, rules: ThinkingRules, can: Abilities, task: Task) -> bool:
    """Whether the model can be told apart what the file wants told apart; what it cannot do is said once."""
    asked: set[Effort] = {rules.effort, rules.below, *(one for one in rules.phases.values() if isinstance(one, str))}
    lacks: list[Effort] = [one for one in EFFORTS if one in asked and one not in can.efforts]
    if not lacks:
        return True
    able = len({can.nearest(one) for one in asked}) > 1
    where = " where a tool must be called" if call.force_tool else ""
    knows = f"it knows{where}: {', '.join(can.efforts)}" if can.efforts else f"it knows none at all{where}"
    lacking = " and ".join(lacks)
    what = "the nearest that it knows is asked for" if able else "its thinking is left alone"
    text = f"{call.model} does not know the thinking effort {lacking} ({knows}); {what}."
    if text not in task.turns.said:
        task.turns.said.add(text)
        task.note(text)
    if text not in _said:
        _said.add(text)
        _log.warning("Agent %s: %s", task.agent, text)
    return able

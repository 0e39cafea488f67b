"""What is told of a decision."""

from __future__ import annotations

from leanloop.plugins.events.event import Gated, Of
from leanloop.plugins.outcomes.decision import Decision

__all__ = ["gated"]


def gated(one: Decision, of: Of) -> Gated:
    """The event of a decision."""
    costs = (one.cost, one.other_cost)
    return Gated(of, one.at, one.by, one.setting, one.other, one.chance, one.unsure, one.escalated, *costs)

"""A tier that a call may go to."""

from __future__ import annotations

from typing import NamedTuple

from leanloop.budgets.route_rules import Tier

__all__ = ["Rung"]


class Rung(NamedTuple):
    """A tier, and those of its models that may take the call, in order of preference."""

    tier: Tier
    models: tuple[str, ...]

"""What the tests of routes share."""

from __future__ import annotations

from typing import Any

import pytest
from routed import TIERS, Clock, Make, Routed

from leanloop import parse_budget
from leanloop.budgets.difficulty_rules import DifficultyRules
from leanloop.plugins.routing import routing, sessions
from leanloop.plugins.routing.health import Health


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """That of sessions and of health."""
    clock = Clock()
    monkeypatch.setattr(routing, "HEALTH", Health(clock))
    made = sessions.Sessions.__init__

    def init(self: sessions.Sessions, _: object = None) -> None:
        made(self, clock)

    monkeypatch.setattr(sessions.Sessions, "__init__", init)
    return clock


@pytest.fixture
def routed(clock: Clock) -> Make:
    """Makes an agent: the text of its routes, the rest of its budget file, and what it is given."""

    def make(routes: str = TIERS, *more: str, explore: float | None = None, **given: Any) -> Routed:
        lines = ["agent: a", "loop: off", f"routes: {{{routes}}}", *(more or ("limits: [{cycles: 99}]",))]
        budget = parse_budget("\n".join(lines), environ={})
        rules = DifficultyRules(explore=explore, families=False)
        return Routed(budget.model_copy(update={"difficulty": rules}), clock, **given)

    return make

"""What the same tokens would have cost with another model, had it made the calls before as well."""

from __future__ import annotations

from leanloop import Budget, Message, ModelCall, Task, Usage
from leanloop.budgets.route_rules import RouteRules
from leanloop.plugins.routing.health import Health
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.routing.sessions import Session

CHEAP, DEAR = "claude-haiku-4-5", "claude-opus-4-5"


def as_if(session: Session | None, model: str = DEAR) -> int | None:
    rungs = [Rung("cheap", (CHEAP,)), Rung("frontier", (DEAR,))]
    rules = RouteRules(cheap=(CHEAP,), frontier=(DEAR,))
    call, task = ModelCall(DEAR, (Message("user", "go"),)), Task(Budget(agent="a"))
    ladder = Ladder(call, rungs, task=task, rules=rules, health=Health(), session=session, clock=lambda: 1.0)
    return ladder.as_if(model, Usage(40_000, 300))


def test_the_dearer_model_would_have_read_its_cached_prefix() -> None:
    cold, warm = as_if(None), as_if(Session("cheap", CHEAP, 0.0, prompt=39_000, caches=True))
    assert cold is not None
    assert warm is not None
    assert warm < cold / 2


def test_without_a_cache_or_a_price_there_is_none() -> None:
    assert as_if(Session("cheap", CHEAP, 0.0, prompt=39_000, caches=False)) == as_if(None)
    assert as_if(None, "nobody-knows-1") is None

"""What the LeanLoop of each framework takes beside its budget, but for models and embedders, which are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, cast

from leanloop.budgets.budget import Budget
from leanloop.budgets.store import LedgerStore
from leanloop.errors import UsageError
from leanloop.plugins.alerts import OnAlert
from leanloop.plugins.cache.ground import SameAnswer
from leanloop.plugins.events.sink import Redact, Sink
from leanloop.plugins.flow import Plugin
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.supplied import Answer, Check, Difficulty, RunCode

__all__ = ["NeutralGiven", "checked_budget"]


class NeutralGiven(TypedDict, total=False):
    """What `LeanLoop` takes in every framework; see there."""

    plugins: Sequence[Plugin]
    store: LedgerStore | None
    on_alert: OnAlert | None
    same_answer: SameAnswer | None
    checks: Mapping[str, Check] | None
    answers: Mapping[str, Answer] | None
    difficulty: Difficulty | None
    outcomes: OutcomeStore | None
    cognitive_tools: Sequence[CognitiveTool]
    run_code: RunCode | None
    on_event: Sink | Sequence[Sink]
    redact: Redact | None


def checked_budget(budget: Budget | None) -> Budget:
    """The budget, or the one of an agent for whom nobody made any.

    Raises:
        UsageError: it is something else, such as a path.
    """
    if budget is not None and not isinstance(cast("object", budget), Budget):
        raise UsageError(
            f"LeanLoop() takes a Budget, not {type(budget).__name__}; for a file: LeanLoop.from_file(path)."
        )
    return budget or Budget(agent="agent")

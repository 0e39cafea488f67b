"""What is learned of an agent's calls: how likely the dearer setting succeeds where the cheaper one fails."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.budgets.budget import Budget
from leanloop.plugins.call import ModelCall
from leanloop.plugins.difficulty.estimate import Estimate
from leanloop.plugins.difficulty.setting import Setting
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.store import OutcomeStore
from leanloop.plugins.steps import Steps
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Learning"]


class Learning:
    """Estimates calls, and learns from what came of them. One per LeanLoop; threads and event loops may share it.

    Args:
        supplied: what the user brings: an own judge of difficulty, an outcome store, an embedder.
    """

    def __init__(self, supplied: Supplied | None = None) -> None:
        self._supplied = supplied or Supplied()

    def estimate(self, call: ModelCall, task: Task, cheap: Setting, dear: Setting) -> Steps[Estimate]:
        """The chance that `dear` succeeds on this call where `cheap` fails."""
        keys = yield from self.keys(call, task)
        return Estimate(0.15, 0.0, 0.6, 0.0, keys)

    def keys(self, call: ModelCall, task: Task) -> Steps[tuple[str, ...]]:
        """The kinds of call that this one is of, from the most general to its own."""
        yield from ()
        return (task.agent,)

    def decided(self, decision: Decision, task: Task) -> Steps[None]:
        """Keep a decision and its cost, so that an outcome of its task counts for it."""
        yield from ()

    def explores(self, call: ModelCall, task: Task, estimate: Estimate) -> bool:
        """Whether this call, about which too little is known, is made the other way, to learn."""
        return False

    def cost_of(self, keys: Sequence[str], setting: Setting, task: Task) -> Steps[float | None]:
        """The mean cost of a call of that kind with that setting, in nano-dollars; None where none is known."""
        yield from ()
        return None

    def outcome(self, task_id: str, score: float, budget: Budget, weight: float = 1.0) -> Steps[int]:
        """Say how a task went, from 0 to 1; gives how many decisions that counts for."""
        yield from ()
        return 0

    def observed(
        self, keys: Sequence[str], setting: Setting, score: float, budget: Budget, weight: float = 1.0
    ) -> Steps[None]:
        """One setting was tried on a call of these kinds."""
        yield from ()

    def compared(
        self,
        keys: Sequence[str],
        cheap: Setting,
        dear: Setting,
        cheap_score: float,
        dear_score: float,
        budget: Budget,
        weight: float = 1.0,
    ) -> Steps[None]:
        """Both settings were tried on the same question."""
        yield from ()

    def store_of(self, budget: Budget) -> OutcomeStore:
        """Where outcomes are kept: what the user gave, else where the budget says, else where spending is kept."""
        raise NotImplementedError

"""How far the tasks are whose calls are routed: how many calls are still to come, and whether their budget runs out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from leanloop.budgets.amount import format_amount, format_scope
from leanloop.budgets.route_rules import RouteRules
from leanloop.plugins.alerts import Alert
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.remaining_steps import RemainingSteps
from leanloop.plugins.task import Task

__all__ = ["Runs"]


@dataclass(slots=True)
class _Run:
    step: int = 0
    ended_at: int | None = None
    fallen: bool = False


class Runs:
    """The tasks of one LeanLoop."""

    def __init__(self) -> None:
        self._runs: WeakKeyDictionary[Task, _Run] = WeakKeyDictionary()
        self._steps = RemainingSteps()

    def begins(self, task: Task) -> None:
        """A call is made."""
        run = self._of(task)
        run.step += 1
        ended, run.ended_at = run.ended_at, None
        self._steps.reach(task.agent, run.step, ended_at=ended)

    def later(self, task: Task) -> float:
        """How many calls are expected after this one."""
        return self._steps.after(task.agent, self._of(task).step).calls

    def answered(self, call: ModelCall, reply: ModelReply, task: Task) -> None:
        """A reply that asks for no tool ends the task, for all that is known."""
        if all(one.name in call.answer_tools for one in reply.message.tool_calls):
            run = self._of(task)
            self._steps.end(task.agent, run.step)
            run.ended_at = run.step

    def falls(self, task: Task, rules: RouteRules) -> bool:
        """Whether calls go a tier down, since the share `falls_at` of a limit is spent; said once.

        A task that fell stays down: each change of model loses the prompt prefix its provider has cached.
        """
        run = self._of(task)
        if run.fallen:
            return True
        uses = [use for member in task.lineage if (use := member.tally.fullest(rules.falls_at)) is not None]
        if not uses:
            return False
        run.fallen = True
        fullest = max(uses, key=lambda use: use.share)
        if task.alerts.first(task.store, fullest.account, fullest.resource, "falls", task.agent):
            spent, limit = (format_amount(fullest.resource, amount) for amount in (fullest.spent, fullest.limit))
            scope = format_scope(fullest.account)
            place = task.budget.origin.place("routes", "falls_at")
            asked = f" ({place})" if place else ""
            message = (
                f"Agent {task.agent}: calls go a tier down{asked}, since {spent} of {limit} are spent for {scope}."
            )
            alert = Alert(
                "degraded", message, task.agent, task.id, scope, fullest.resource, fullest.limit, fullest.spent,
                rules.falls_at,
            )  # fmt: skip
            task.alerts.tell(alert, logging.INFO if fullest.account.startswith("task:") else logging.WARNING)
        return True

    def _of(self, task: Task) -> _Run:
        return self._runs.get(task) or self._runs.setdefault(task, _Run())

"""What went well or wrong in a step counts for what was decided for it, without anybody saying so."""

from __future__ import annotations

from collections.abc import Sequence

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.errors import LoopDetected
from leanloop.plugins.budget import NOT_DONE
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.log import warn
from leanloop.plugins.outcomes.counting import infer
from leanloop.plugins.outcomes.made import KeptAt
from leanloop.plugins.repeats import REPEATED
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["FAILED", "LOOPED", "WELL", "Outcomes"]

FAILED = 0.1
"""Weight of a step whose tools failed. Such a step says little of how the task will end: on tau-bench (1,164 results of
tools) 18 % of them were in runs that succeeded, against 31 % of the others; on InterCode (2,998) 7 % against 16 %. A
sign that goes with the outcome at a correlation r is worth about r² of an outcome (regressed on it, a mean keeps 1 - r²
of its variance): here r² is 0.005 and 0.011 for a step, 0.03 and 0.16 for whether any step of a run failed.
"""

WELL = 0.02
"""Weight of a step whose tools all went well, which is what most steps do: their runs succeed 1.03 and 1.14 times as
often as any.
"""

LOOPED = 0.5
"""Weight of a loop that the guard ends, for the latest decisions: of 37 such runs of InterCode two had succeeded."""


class Outcomes(Plugin):
    """Infers outcomes of what was decided in a task: a little from each step, more from a loop.

    A step is 0 where a tool failed, was not known, or would not take its arguments, and 1 where all tools it called
    gave a result. What the budget refused, and what was answered again, says nothing of the model. Nor does a task that
    runs out of its budget: that is a statement about the limit, and costs are compared by themselves. A cascade counts
    what its gates say. Once somebody says how the task went, that counts in place of all of this
    (`leanloop.plugins.outcomes.counting.say`).

    A store that is down is noted once for each task, and fails no call.
    """

    def idle(self, budget: Budget) -> bool:
        """Where nothing is decided that an outcome could count for."""
        return budget.thinking is None and budget.routes is None and budget.scaffold is None

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Count for the step before what its tools gave, and remember what is decided for this one."""
        if call.purpose != "step":
            reply: ModelReply = yield call
            return reply
        waiting, read = task.made.take_waiting()
        if waiting:
            failed = _failed(call.steps, read)
            if failed is not None:
                yield from _count(task, waiting, 0.0 if failed else 1.0, FAILED if failed else WELL)
        task.made.begin()
        try:
            reply = yield call
        except LoopDetected:
            yield from _count(task, task.made.take_latest(), 0.0, LOOPED)
            raise
        task.made.end(call.steps[-1] if call.steps else None)
        return reply


def _failed(steps: Sequence[Message], read: Message | None) -> bool | None:
    """Whether a tool of the last step failed; None where none gave a result that tells, behind what was `read`."""
    told: bool | None = None
    for message in reversed(steps):
        if message.role == "assistant" or message == read:
            break
        if message.role == "tool" and not message.text.startswith((REPEATED, *NOT_DONE)):
            told = told or message.is_error
    return told


def _count(task: Task, decided: Sequence[KeptAt], score: float, weight: float) -> Steps[None]:
    for decision, store in decided:
        try:
            changed = yield from infer(store, decision, score, weight)
        except Exception as error:  # noqa: BLE001  (what is learned fails no call)
            if task.note(f"What came of some calls could not be kept, so that nothing is learned of them: {error}"):
                warn(
                    "What came of calls of task %s could not be kept, so nothing is learned of them. %s", task.id, error
                )
            return
        task.made.counted(changed)

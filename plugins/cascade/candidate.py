"""An answer that may be taken, and what a gate needs to judge it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from leanloop.budgets.cascade_rules import CascadeRules
from leanloop.errors import LeanLoopError, ModelUnavailable, TaskStopped
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.cascade.verdict import Verdict, unknown
from leanloop.plugins.flow import Io
from leanloop.plugins.routing.ladder import Ladder
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Candidate", "Judged"]

Judged = Generator[Io[Any] | ModelCall, Any, Verdict]
"""The flow of a gate: it may make calls of its own."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that may be taken.

    Attributes:
        call: what it answers, with the model that did.
        reply: the answer.
        ladder: makes what further calls a gate needs, and counts them.
    """

    call: ModelCall
    reply: ModelReply
    ladder: Ladder
    rules: CascadeRules
    supplied: Supplied
    task: Task

    def beside(self, call: ModelCall) -> Generator[Io[Any] | ModelCall, Any, ModelReply | Verdict]:
        """The reply to a call of the gate's own; where it cannot be had, that the gate cannot tell."""
        try:
            reply: ModelReply = yield from self.ladder.beside(call)
        except TaskStopped:
            if self.task.stopped is not None:
                raise
            return unknown("the budget has no room for it")
        except Exception as error:
            if isinstance(error, LeanLoopError) and not isinstance(error, ModelUnavailable):
                raise
            return unknown(f"a call of {call.model} failed ({type(error).__name__})")
        return reply

"""What the budget tells of a model call: what was set aside for it, and what was booked."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Protocol

from leanloop.budgets.usage import Usage
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.events.event import Reserved, Settled
from leanloop.plugins.quote import Quote
from leanloop.plugins.task import Task
from leanloop.plugins.thinking.phase import phase_of

__all__ = ["Told", "telling"]


class Told(Protocol):
    """Tells what was booked of a call: the answer, or what went wrong."""

    def __call__(
        self, usage: Usage, cost: int | None, reply: ModelReply | None = None, *, error: BaseException | None = None
    ) -> None:
        """Tell it."""
        ...


def telling(call: ModelCall, task: Task, quote: Quote, units: int, *, retry: bool) -> Told:
    """Tell that room was set aside for a call, and give what tells the rest; where nobody listens, nothing does.

    Args:
        call: as it is sent.
        task: whose.
        quote: its worst case.
        units: output tokens that were granted.
        retry: whether an attempt of this step was made before.
    """
    return _Booked(call, task, quote, units, retry=retry) if task.sinks else _silent


def _silent(
    usage: Usage, cost: int | None, reply: ModelReply | None = None, *, error: BaseException | None = None
) -> None:
    """Nobody listens."""


class _Booked:
    """One call, from when room was set aside for it until it was booked."""

    __slots__ = ("_began", "_call", "_id", "_phase", "_task")

    def __init__(self, call: ModelCall, task: Task, quote: Quote, units: int, *, retry: bool) -> None:
        self._call, self._task, self._id = call, task, uuid.uuid4().hex
        self._began = time.monotonic()
        self._phase = call.purpose if call.purpose != "step" else "retry" if retry else phase_of(call)
        most = quote.input_cost + units * quote.output_cost if quote.price else None
        task.tell(Reserved(task.of, time.time(), self._id, call.model, quote.bound, units, most))

    def __call__(
        self, usage: Usage, cost: int | None, reply: ModelReply | None = None, *, error: BaseException | None = None
    ) -> None:
        call, task = self._call, self._task
        text = None
        if reply is not None:
            text = task.sinks.text(call.messages[-1].text if call.messages else "", reply.message.text)
        task.tell(
            Settled(
                task.of,
                time.time(),
                self._id,
                call.model,
                call.provider,
                self._phase,
                call.thinking or call.effort,
                usage,
                cost,
                time.monotonic() - self._began,
                None if error is None else type(error).__name__,
                _standing(task),
                text,
            )
        )


def _standing(task: Task) -> Mapping[str, tuple[int, int]]:
    """The limits of the task and of those it is a part of, by scope and resource."""
    return {
        f"{use.scope}: {use.resource}": (use.spent, use.limit)
        for member in task.lineage
        for use in member.tally.limits()
    }

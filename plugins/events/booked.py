"""What the budget tells of a model call: what was set aside for it, and what was booked."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Protocol

from leanloop.budgets.usage import Usage
from leanloop.plugins.call import EmbedCall, ModelCall, ModelReply
from leanloop.plugins.events.event import Reserved, Settled
from leanloop.plugins.quote import Quote
from leanloop.plugins.task import Task
from leanloop.plugins.thinking.phase import phase_of

__all__ = ["Told", "telling", "telling_of_embeddings"]


class Told(Protocol):
    """Tells what was booked of a call: the answer, or what went wrong."""

    def __call__(
        self, usage: Usage, cost: int | None, reply: ModelReply | None = None, *, error: BaseException | None = None
    ) -> None:
        """Tell it."""
        ...


def telling(call: ModelCall, task: Task, quote: Quote, units: int) -> Told:
    """Tell that room was set aside for a call, and give what tells the rest; where nobody listens, nothing does.

    A call with the messages of the one before it is another attempt at the same step, whoever makes it.

    Args:
        call: as it is sent.
        task: whose.
        quote: its worst case.
        units: output tokens that were granted.
    """
    if not task.events:
        return _silent
    last = call.messages[-1].text if call.messages else ""
    again, task.events.latest_asked = task.events.latest_asked == (len(call.messages), last), (len(call.messages), last)
    phase = call.purpose if call.purpose != "step" else "retry" if again else phase_of(call)
    most = quote.input_cost + units * quote.output_cost if quote.price else None
    effort = call.thinking or call.effort
    return _Booked(call, task, phase, last, effort).reserved(quote.bound, units, most)


def telling_of_embeddings(call: EmbedCall, task: Task, tokens: int, cost: int | None) -> Told:
    """The same of a call that makes embeddings, for which so many tokens were set aside; never with text."""
    return _Booked(call, task, "embedding").reserved(tokens, 0, cost) if task.events else _silent


def _silent(
    usage: Usage, cost: int | None, reply: ModelReply | None = None, *, error: BaseException | None = None
) -> None:
    """Nobody listens."""


class _Booked:
    """One call, from when room was set aside for it until it was booked."""

    __slots__ = ("_asked", "_began", "_call", "_effort", "_id", "_phase", "_task")

    def __init__(
        self, call: ModelCall | EmbedCall, task: Task, phase: str, asked: str = "", effort: str | None = None
    ) -> None:
        self._call, self._task, self._phase, self._asked, self._effort = call, task, phase, asked, effort
        self._began = time.monotonic()
        self._id = uuid.uuid4().hex

    def reserved(self, tokens: int, units: int, most: int | None) -> _Booked:
        events = self._task.events
        events.tell(Reserved(events.of, time.time(), self._id, self._call.model, tokens, units, most))
        return self

    def __call__(
        self, usage: Usage, cost: int | None, reply: ModelReply | None = None, *, error: BaseException | None = None
    ) -> None:
        call, task = self._call, self._task
        settled = Settled(
            task.events.of,
            time.time(),
            self._id,
            call.model,
            call.provider,
            self._phase,
            self._effort,
            usage,
            cost,
            time.monotonic() - self._began,
            None if error is None else type(error).__name__,
            _standing(task),
        )
        task.events.tell(settled, None if reply is None else (self._asked, reply.message.text))


def _standing(task: Task) -> Mapping[str, tuple[int, int]]:
    """The limits of the task and of those it is a part of, by scope and resource."""
    return {
        f"{use.scope}: {use.resource}": (use.spent, use.limit)
        for member in task.lineage
        for use in member.tally.limits()
    }

"""Whose turn it is to answer a call, and which failure of one is a reason to ask the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from leanloop.errors import BudgetExceeded
from leanloop.plugins.call import ModelCall
from leanloop.plugins.drive_stream import shown
from leanloop.plugins.routing.failure import failure_of, reason_of, retry_after
from leanloop.plugins.routing.health import Health
from leanloop.plugins.routing.rung import Rung
from leanloop.plugins.routing.unavailable import leave_alone
from leanloop.plugins.task import Task

__all__ = ["Turn", "Turns"]


class Turn(NamedTuple):
    """A model whose turn it is; `late` once it was passed over, so that it is asked all the same."""

    rung: Rung
    model: str
    late: bool = False


class Turns:
    """The models that one call may go to, one after the other.

    One that is ailing or slow is passed over, one that cannot be had or does not serve the call is left alone. In its
    place come the others of its tier, then those of the tiers above, then those below, the nearest first: an answer
    of a lesser model is better than none. At last come the ones that were passed over. Where the budget has no room in
    usd for a call, the tiers below are asked before the task lands.

    Args:
        rungs: the tiers in the order in which they are asked.
        task: whose call it is.
        health: knows which models to pass over.
        slow: the file's.

    Attributes:
        first: what the first model raised that was asked; None where none did.
    """

    def __init__(self, rungs: Sequence[Rung], task: Task, health: Health, slow: float | None) -> None:
        self.first: Exception | None = None
        self._waiting = deque(Turn(rung, model) for rung in rungs for model in rung.models)
        self._below: deque[Turn] = deque()
        self._task = task
        self._health = health
        self._slow = slow
        self._tentative = False
        self._for_good = False
        self._landing = False
        self._refusals: dict[str, str] = {}

    def next(self) -> Turn | None:
        """Whose turn it is; None where all have been asked."""
        while self._waiting:
            turn = self._waiting.popleft()
            if turn.late or self._health.lets(turn.model, self._slow):
                return turn
            self._waiting.append(turn._replace(late=True))
        return None

    def is_final(self, call: ModelCall, turn: Turn, every: Sequence[Rung]) -> bool:
        """Whether a refusal stops the task: not where a cheaper tier can be asked; `every` has the cheapest first."""
        self._landing = call.purpose == "landing"
        self._tentative = False
        if call.final and not self._for_good and "usd" in self._task.limited:
            place = every.index(turn.rung)
            self._below = deque(one for one in self._waiting if every.index(one.rung) < place)
            self._tentative = bool(self._below)
        return call.final and not self._tentative

    def failed(self, turn: Turn, error: Exception, *, own: str) -> None:
        """Go on to the next model.

        Raises:
            Exception: the error, where another model is of no help, or comes too late.
        """
        stopped = self._task.stopped is not None and not self._landing
        if isinstance(error, BudgetExceeded) and self._tentative and not stopped:
            self._no_room(turn, error)
            return
        kind = failure_of(error)
        if kind == "other" or shown(error) or (kind == "refused" and turn.model == own):
            raise error
        self.first = self.first or error
        if kind == "ailing":
            self._health.failed(turn.model, retry_after(error))
            self._task.note(f"Routes went past {turn.model}: {reason_of(error)}.")
        elif kind == "refused":  # perhaps the call is to blame: another model will tell
            self._refusals[turn.model] = reason_of(error)
        else:
            leave_alone(self._task, turn.model, reason_of(error))

    def answered(self) -> None:
        """A model answered: those that refused the call before it are to blame."""
        for model, why in self._refusals.items():
            leave_alone(self._task, model, why)

    def _no_room(self, turn: Turn, error: BudgetExceeded) -> None:
        if error.resource == "usd":
            self._task.note(f"The budget had no room in usd for {turn.model}: a cheaper tier was asked.")
            self._waiting = self._below
        else:  # a cheaper model is of no help: let it be refused for good
            self._for_good = True
            self._waiting.appendleft(turn._replace(late=True))

"""How many model calls a task has still to come, from how many the same agent's tasks have made."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

__all__ = ["UNKNOWN", "Later", "RemainingSteps", "StepHistory"]

_LONGEST: Final = 512
"""Steps that are told apart; beyond them a task is expected to go on for as long as it has."""

_PRIOR: Final = 2.0
"""How many tasks the prior weighs, at each step."""

_TASKS: Final = 500
"""With more tasks than this all counts are halved: an agent changes, and its old habits fade."""

_AGENTS: Final = 256


class Later(NamedTuple):
    """Model calls expected after this one, and how much of that is a guess, from 0 to 1."""

    calls: float
    doubt: float


UNKNOWN: Final = Later(0.0, 1.0)


class StepHistory:
    """How long one agent's tasks are: at each step, how many reached it and how many ended there.

    The estimate is that of Kaplan and Meier (Journal of the American Statistical Association 53, 1958), so that tasks
    which are still running, or were broken off, count for the steps they made. Where few tasks were seen it leans on
    Lindy's law, that what has lasted `k` steps lasts `k` more: a share 2 / (k + 2) ends at each step (the discrete
    Pareto law of exponent 2), which weighs as much as two tasks.
    """

    __slots__ = ("_ended", "_expected", "_reached", "_stale")

    def __init__(self) -> None:
        self._reached = [0.0] * (_LONGEST + 1)
        self._ended = [0.0] * (_LONGEST + 1)
        self._expected: list[float] = [float(step) for step in range(_LONGEST + 1)]
        self._stale = False

    def reach(self, step: int) -> None:
        """A task makes its call number `step`, from 1."""
        if step <= _LONGEST:
            self._reached[step] += 1

    def end(self, step: int) -> None:
        """A task ended with call number `step`."""
        if step <= _LONGEST:
            self._ended[step] += 1
            if self._reached[1] > _TASKS:
                self._reached = [count / 2 for count in self._reached]
                self._ended = [count / 2 for count in self._ended]
            self._stale = True

    def reopen(self, step: int) -> None:
        """A task that had ended there goes on after all: the user said something more."""
        if step <= _LONGEST:
            self._ended[step] = max(0.0, self._ended[step] - 1)

    def expected(self, step: int) -> float:
        """Calls expected after call number `step`."""
        if self._stale:
            self._estimate()
        return self._expected[step] if step <= _LONGEST else float(step)

    def doubt(self, step: int) -> float:
        """How much of that is the prior's, 0 to 1."""
        return _PRIOR / (self._reached[step] + _PRIOR) if step <= _LONGEST else 1.0

    def _estimate(self) -> None:
        """From the longest down: E(k) = (1 - h(k)) (1 + E(k + 1)). Once a task at most, so that a call looks it up."""
        self._stale = False
        later = float(_LONGEST)
        for step in range(_LONGEST - 1, 0, -1):
            prior = 2 / (step + 2)
            ended = min(1.0, (self._ended[step] + _PRIOR * prior) / (self._reached[step] + _PRIOR))
            later = (1 - ended) * (1 + later)
            self._expected[step] = later


class RemainingSteps:
    """The histories of all agents of this process, the latest used of them; thread-safe.

    They are not kept beyond the process: Lindy's law serves until a handful of tasks have been seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._agents: OrderedDict[str, StepHistory] = OrderedDict()

    def step(self, agent: str, step: int, *, ended_at: int | None = None) -> Later:
        """Note call number `step` of a task, and get how many are expected after it.

        Args:
            agent: the agent's name.
            step: from 1.
            ended_at: where the task was noted as ended, if it was; it goes on.
        """
        self.reach(agent, step, ended_at=ended_at)
        return self.after(agent, step)

    def reach(self, agent: str, step: int, *, ended_at: int | None = None) -> None:
        """Note call number `step` of a task; arguments as for `step`."""
        with self._lock:
            history = self._of(agent)
            if ended_at is not None:
                history.reopen(ended_at)
            history.reach(step)

    def after(self, agent: str, step: int) -> Later:
        """How many calls are expected after call number `step`."""
        with self._lock:
            history = self._of(agent)
            return Later(history.expected(step), history.doubt(step))

    def end(self, agent: str, step: int) -> None:
        """Note that a task ended with call number `step`."""
        with self._lock:
            self._of(agent).end(step)

    def _of(self, agent: str) -> StepHistory:
        history = self._agents.get(agent)
        if history is None:
            history = self._agents[agent] = StepHistory()
            if len(self._agents) > _AGENTS:
                self._agents.popitem(last=False)
        self._agents.move_to_end(agent)
        return history

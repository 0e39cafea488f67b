"""The tasks that a file of events tells of, as they stand now."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from rich.console import Console

from leanloop.adapters.cli.watch_follow import Followed
from leanloop.adapters.cli.watch_frame import (
    Drawing,
    Filling,
    Running,
    Spender,
    agents_table,
    filling_table,
    tasks_table,
    titled,
)

__all__ = ["EventsView"]

_SILENT = 900.0
"""Seconds after which a task that tells nothing more is taken for failed: no event says so."""

_LARGEST = 1e18
"""No amount that is told is larger."""

_THIS_TASK = "this task: "

_WINDOWS = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0, "week": 604_800.0, "month": 2_678_400.0}
"""Seconds after which a window has certainly ended, by the last word of a limit's scope."""

_MOST_LIMITS = 10_000
"""Limits that are kept, of which there may be one for each user; of one more, that told of longest ago is forgotten."""


@dataclass(slots=True)
class _Seen:
    """A task; what its sub-tasks spend counts here, too."""

    agent: str
    began: float
    last: float
    phase: str = ""
    model: str = ""
    calls: int = 0
    tokens: int = 0
    cost: int | None = 0
    open: set[str] = field(default_factory=set[str])
    share: float | None = None


@dataclass(slots=True)
class _Agent:
    calls: int = 0
    tokens: int = 0
    cost: int = 0
    unpriced: int = 0
    ended: int = 0


class EventsView:
    """What is known from a file of events; each look reads what is new.

    Args:
        followed: the file.
    """

    def __init__(self, followed: Followed) -> None:
        self._followed = followed
        self._tasks: dict[str, _Seen] = {}
        self._agents: dict[str, _Agent] = {}
        self._limits: OrderedDict[str, tuple[float, int, int]] = OrderedDict()  # when, spent, limit

    def look(self, console: Console, now: float) -> Drawing:
        """How things stand at `now`, in seconds since the epoch.

        Raises:
            UsageError: the file cannot be read.
        """
        for row in self._followed.rows():
            self._take(row)
        self._tasks = {task: one for task, one in self._tasks.items() if one.last > now - _SILENT}
        self._limits = OrderedDict((words, one) for words, one in self._limits.items() if now < one[0] + _lasts(words))
        running = [_running(task, one, now) for task, one in self._tasks.items()]
        title = f"{self._followed.path}"
        if self._followed.skipped:
            title += f", without its first {self._followed.skipped:,} bytes"
        elif not self._followed.path.exists():
            title += ", which is not there yet"
        spenders = [self._spender(agent) for agent in self._agents]
        filling = [_filling(words, *two) for words, (_, *two) in self._limits.items()]
        return lambda most: titled(
            title,
            agents_table(spenders, console, most),
            filling_table(filling, console, most),
            tasks_table(running, console, most),
        )

    def _take(self, row: Mapping[str, Any]) -> None:
        """Count one row; a field of another kind than ours writes is as if it were not told."""
        task, agent, at = _text(row, "task"), _text(row, "agent"), _number(row, "at")
        if not task or at is None:
            return
        event = _text(row, "event")
        if event == "task_ended":
            if self._tasks.pop(task, None) is not None:
                self._agents.setdefault(agent, _Agent()).ended += 1
            return
        one = self._tasks.setdefault(task, _Seen(agent, at, at))
        one.last = max(one.last, at)
        if event == "reserved":
            one.open.add(_text(row, "call"))
            one.model = _text(row, "model")
        elif event == "settled":
            one.open.discard(_text(row, "call"))
            one.phase, one.model = _text(row, "phase"), _text(row, "model")
            self._settled(row, task, agent, at)

    def _settled(self, row: Mapping[str, Any], task: str, agent: str, at: float) -> None:
        tokens = int(_number(row, "input") or 0) + int(_number(row, "output") or 0)
        told = _number(row, "cost")
        cost = None if told is None else int(told)
        within = row.get("within")
        above = (
            [one for one in cast("list[object]", within) if isinstance(one, str)] if isinstance(within, list) else []
        )
        for name in (task, *above):
            seen = self._tasks.get(name)
            if seen is not None:
                seen.calls, seen.tokens = seen.calls + 1, seen.tokens + tokens
                seen.cost = None if seen.cost is None or cost is None else seen.cost + cost
        spent = self._agents.setdefault(agent, _Agent())
        spent.calls, spent.tokens, spent.cost = spent.calls + 1, spent.tokens + tokens, spent.cost + (cost or 0)
        spent.unpriced += cost is None
        limits = row.get("limits")
        for words, two in cast("dict[str, object]", limits).items() if isinstance(limits, dict) else ():
            match two:
                case [int(used), int(most)] if abs(used) < _LARGEST and abs(most) < _LARGEST:
                    self._limit(task, words, used, most, at)
                case _:
                    pass

    def _limit(self, task: str, words: str, spent: int, most: int, at: float) -> None:
        if not words.startswith(_THIS_TASK):
            self._limits[words] = at, spent, most
            self._limits.move_to_end(words)
            if len(self._limits) > _MOST_LIMITS:
                self._limits.popitem(last=False)
            return
        share = spent / most if most > 0 else 1.0
        one = self._tasks[task]
        one.share = max(one.share or 0.0, share)

    def _spender(self, agent: str) -> Spender:
        spent = self._agents[agent]
        running = sum(one.agent == agent for one in self._tasks.values())
        return Spender(agent, spent.calls, spent.tokens, spent.cost, spent.unpriced, running, spent.ended)


def _running(task: str, one: _Seen, now: float) -> Running:
    phase = f"{one.phase}..." if one.open else one.phase
    seconds = max(0.0, now - one.began)
    return Running(task, one.agent, phase, one.model, one.calls, one.tokens, one.cost, seconds, one.share)


def _filling(words: str, spent: int, most: int) -> Filling:
    scope, _, resource = words.rpartition(": ")
    return Filling(f"{resource} of {scope}", resource, spent, most=most)


def _lasts(words: str) -> float:
    """Seconds for which a limit stands as it was told: its window's, as ``user=u1 per rolling hour: usd`` says it."""
    return _WINDOWS.get(words.rpartition(": ")[0].rpartition(" ")[2], math.inf)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST else None

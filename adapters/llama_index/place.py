"""Where a call comes from: a step of an agent, one of its tools, or neither.

LlamaIndex hands no run id to models and tools, but every step and tool of a run sees the context variables that
were set when it began, in threads and async tasks alike.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Generator, Hashable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

from leanloop.budgets.message import Message
from leanloop.plugins.current import enter, leave
from leanloop.plugins.task import Task

__all__ = ["Member", "Run", "beginning", "current_run", "current_step", "in_tool", "stepping", "using_tool"]


@dataclass(slots=True, eq=False)
class Member:
    """One agent's part of a run: its task, and its steps as the loop guard reads them.

    The steps are kept apart from the messages, since ReAct and CodeAct tell theirs in prose, and LlamaIndex's
    messages do not say which results were errors.
    """

    task: Task
    steps: tuple[Message, ...] = ()


@dataclass(slots=True, eq=False)
class Run:
    """One run of a guarded agent or workflow. `members` are by guard and agent, `latest` by guard."""

    root: Member
    members: dict[Hashable, Member] = field(default_factory=dict[Hashable, Member])
    latest: dict[object, Member] = field(default_factory=dict[object, Member])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def child_id(self, name: str) -> str:
        """The id of the task of one of the agents: the same again when the run is resumed elsewhere."""
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self.root.task.id}\n{name}").hex


_Inside = tuple[Literal["step", "tool"], Member]

_run: ContextVar[Run | None] = ContextVar("leanloop_llama_run", default=None)
_inside: ContextVar[_Inside | None] = ContextVar("leanloop_llama_inside", default=None)


def current_run() -> Run | None:
    """The run this code is part of."""
    return _run.get()


def current_step() -> Member | None:
    """The agent whose step this is; None inside its tools."""
    inside = _inside.get()
    return inside[1] if inside is not None and inside[0] == "step" else None


def in_tool() -> bool:
    """Whether this code runs inside a tool call that is counted."""
    inside = _inside.get()
    return inside is not None and inside[0] == "tool"


@contextmanager
def beginning(run: Run) -> Generator[None, None, None]:
    """Around the call that begins a run; its steps take the context with them."""
    tokens = _run.set(run), _inside.set(None)
    entered = enter(run.root.task)
    try:
        yield
    finally:
        leave(entered)
        _inside.reset(tokens[1])
        _run.reset(tokens[0])


def stepping(member: Member) -> _Within:
    """Around one step of an agent."""
    return _Within(("step", member))


def using_tool(member: Member) -> _Within:
    """Around one call of a tool."""
    return _Within(("tool", member))


class _Within:
    __slots__ = ("_entered", "_inside", "_token")

    def __init__(self, inside: _Inside) -> None:
        self._inside = inside

    def __enter__(self) -> None:
        self._token = _inside.set(self._inside)
        self._entered = enter(self._inside[1].task)

    def __exit__(self, *_: object) -> None:
        leave(self._entered)
        _inside.reset(self._token)

"""Where a call comes from: which run, and whether it is a step of an agent or one of its tools.

LlamaIndex hands no run id to models and tools, but every step and tool of a run sees the context variables that
were set when it began, in threads and async tasks alike.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

from llama_index_instrumentation.dispatcher import active_instrument_tags

from leanloop.adapters.llama_index.covered import within
from leanloop.budgets.message import Message
from leanloop.plugins.current import enter, leave
from leanloop.plugins.task import Task

__all__ = [
    "Member",
    "Scope",
    "beginning",
    "current_agent",
    "current_run",
    "current_scope",
    "current_step",
    "in_last_step",
    "in_tool_call",
    "last_step",
    "stepping",
    "using_tool",
]


@dataclass(slots=True, eq=False)
class Member:
    """One agent's part of a run: its task, and its steps as the loop guard reads them.

    The steps are kept apart from the messages, since ReAct and CodeAct tell theirs in prose, and LlamaIndex's
    messages do not say which results were errors.
    """

    task: Task
    steps: tuple[Message, ...] = ()


@dataclass(slots=True, eq=False)
class Scope:
    """A guarded run: the task of the whole, and the tasks of its agents, to be closed with it.

    `max_iterations` is LlamaIndex's own, where the run was seen to begin, and `steps` those taken since. `session`
    names the conversation that it goes on, empty where nothing tells of one.
    """

    run_id: str
    root: Task
    opened: list[Task] = field(default_factory=list[Task])
    max_iterations: int | None = None
    steps: int = 0
    session: str = ""


class _Inside(NamedTuple):
    member: Member
    tool: object  # None in a step
    agent: str = ""


_scope: ContextVar[Scope | None] = ContextVar("leanloop_llama_scope", default=None)
_last: ContextVar[bool] = ContextVar("leanloop_llama_last_step", default=False)
_inside: ContextVar[_Inside | None] = ContextVar("leanloop_llama_inside", default=None)


def current_scope() -> Scope | None:
    """The guarded run this code is part of; None in a run that is not guarded, also inside one that is."""
    scope, run_id = _scope.get(), _workflow_run()
    return scope if scope is not None and run_id in (None, scope.run_id) else None


def current_run() -> str | None:
    """What tells the run this code is part of from others: the id of its task, or of the workflow's run."""
    scope = current_scope()
    return _workflow_run() if scope is None else scope.root.id


def _workflow_run() -> str | None:
    run_id: object = active_instrument_tags.get().get("llamaindex.run_id")
    return run_id if isinstance(run_id, str) else None


def current_step() -> Member | None:
    """The agent whose step this is; None inside its tools."""
    inside = _inside.get()
    return inside.member if inside is not None and inside.tool is None else None


def current_agent() -> str:
    """The name of the agent whose step this is; empty where it is none's."""
    inside = _inside.get()
    return "" if inside is None else inside.agent


def in_tool_call(tool: object) -> bool:
    """Whether this code runs inside a counted call of `tool`: one of its methods called another."""
    inside = _inside.get()
    return inside is not None and inside.tool is tool


@contextmanager
def beginning(scope: Scope) -> Generator[None, None, None]:
    """Around the call that begins a run; its steps take the context with them."""
    outer, inside, entered = _scope.set(scope), _inside.set(None), enter(scope.root)
    try:
        yield
    finally:
        leave(entered)
        _inside.reset(inside)
        _scope.reset(outer)


def in_last_step() -> bool:
    """Whether this is the step of a workflow that ends the run, in which LlamaIndex asks for a structured answer."""
    return _last.get()


@contextmanager
def last_step() -> Generator[None, None, None]:
    """Around a step that may end a run."""
    token = _last.set(True)
    try:
        yield
    finally:
        _last.reset(token)


def stepping(member: Member, agent: str = "") -> _Within:
    """Around one step of the agent of that name, or of what lands as one."""
    return _Within(_Inside(member, None, agent))


def using_tool(member: Member, tool: object) -> _Within:
    """Around one call of a tool."""
    return _Within(_Inside(member, tool))


class _Within(within):
    __slots__ = ("_inside", "_token")

    def __init__(self, inside: _Inside) -> None:
        super().__init__(inside.member.task, metered=inside.tool is not None)
        self._inside = inside

    def __enter__(self) -> None:
        self._token = _inside.set(self._inside)
        super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        _inside.reset(self._token)

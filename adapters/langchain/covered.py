"""Marks calls that are counted already, so that middleware, wrapper and callback never count one twice.

The marks are context variables: they reach the callbacks of the very call they cover, in threads and
async tasks alike, and nothing beside it.
"""

from __future__ import annotations

from contextvars import ContextVar
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

from leanloop.adapters.langchain.run import Run
from leanloop.adapters.langchain.stop import bubbling
from leanloop.errors import TaskStopped
from leanloop.plugins.current import enter, leave
from leanloop.plugins.flow import Paused
from leanloop.plugins.task import Task

__all__ = [
    "GUARDED",
    "calling",
    "in_model_call",
    "in_tool_call",
    "model_call_covered",
    "tool_call_covered",
    "tool_run_covered",
    "within",
]

GUARDED = "leanloop_guarded"
"""In the metadata of a run whose model or tool counts its own calls (`wrap`, `wrap_tool`)."""


class _Covered:
    """The tool call that is counted already: its name, then the run it turned out to be, and whether it has begun."""

    __slots__ = ("began", "name", "run")

    def __init__(self, name: str) -> None:
        self.name = name
        self.run: UUID | None = None
        self.began = False


_model: ContextVar[bool] = ContextVar("leanloop_model_covered", default=False)
_tool: ContextVar[_Covered | None] = ContextVar("leanloop_tool_covered", default=None)
_meter: ContextVar[BaseCallbackHandler | None] = ContextVar("leanloop_meter", default=None)

# Every callback manager configured where `_meter` is set gets the handler, and passes it on to what runs
# inside it: that is how a sub-agent without middleware is seen.
register_configure_hook(_meter, inheritable=True)


def in_model_call() -> bool:
    """Whether this code runs inside a model call that is being counted."""
    return _model.get()


def in_tool_call() -> bool:
    """Whether this code runs inside a tool call that is being counted."""
    return _tool.get() is not None


class model_call_covered:  # noqa: N801  (a context manager, named as one)
    """Around the one place where a counted model call is made."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _model.set(True)

    def __exit__(self, *_: object) -> None:
        _model.reset(self._token)


class within:  # noqa: N801
    """Around a call of `task`: what it calls in turn belongs to the task.

    For a tool's call, `handler` sees every model and tool call made inside, and `tool` is counted already
    ("" for one that has begun).
    """

    __slots__ = ("_entered", "_handler", "_task", "_tokens", "_tool")

    def __init__(self, task: Task, handler: BaseCallbackHandler | None = None, tool: str | None = None) -> None:
        self._task = task
        self._handler = handler
        self._tool = tool

    def __enter__(self) -> None:
        tool = None if self._tool is None else _Covered(self._tool)
        self._tokens = (_model.set(False), _tool.set(tool), _meter.set(self._handler or _meter.get()))
        self._entered = enter(self._task)

    def __exit__(self, kind: object = None, error: BaseException | None = None, trace: object = None) -> None:
        leave(self._entered)
        model, tool, handler = self._tokens
        _meter.reset(handler)
        _tool.reset(tool)
        _model.reset(model)


class calling(within):  # noqa: N801
    """Around one call of a run; what leaves it is of a kind that LangGraph lets pass."""

    __slots__ = ("_member",)

    def __init__(self, member: Run, handler: BaseCallbackHandler | None = None, tool: str | None = None) -> None:
        super().__init__(member.task, handler, tool)
        self._member = member

    def __enter__(self) -> None:
        self._member.idle = False
        super().__enter__()

    def __exit__(self, kind: object = None, error: BaseException | None = None, trace: object = None) -> None:
        super().__exit__()
        if error is None:
            return
        self._member.idle = True
        if isinstance(error, Paused):
            self._member.task.clock.pause()
            raise error.cause from None
        if isinstance(error, TaskStopped):
            raise bubbling(error) from None


def tool_call_covered(name: str, run_id: UUID) -> bool:
    """True for the run of the tool `within` was entered for, which is the first of that name; what it calls
    in turn is not covered. Every callback that sees the run gets the same answer.
    """
    covered = _tool.get()
    if covered is None:
        return False
    if covered.run is None and covered.name == name:
        covered.run = run_id
    return covered.run == run_id


def tool_run_covered(name: str) -> bool:
    """True, once, in the body of the tool `within` was entered for."""
    covered = _tool.get()
    if covered is None or covered.began or covered.name != name:
        return False
    covered.began = True
    return True

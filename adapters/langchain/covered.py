"""Marks calls that are counted already, so that middleware, wrapper and callback never count one twice.

The marks are context variables: they reach the callbacks of the very call they cover, in threads and
async tasks alike, and nothing beside it.
"""

from __future__ import annotations

from contextvars import ContextVar

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

from leanloop.plugins.task import Task, enter, leave

__all__ = ["in_model_call", "model_call_covered", "tool_call_covered", "within"]

_model: ContextVar[bool] = ContextVar("leanloop_model_covered", default=False)
_tool: ContextVar[list[str] | None] = ContextVar("leanloop_tool_covered", default=None)
_meter: ContextVar[BaseCallbackHandler | None] = ContextVar("leanloop_meter", default=None)

# Every callback manager configured where `_meter` is set gets the handler, and passes it on to what runs
# inside it: that is how a sub-agent without middleware is seen.
register_configure_hook(_meter, inheritable=True)


def in_model_call() -> bool:
    """Whether this code runs inside a model call that is being counted."""
    return _model.get()


class model_call_covered:  # noqa: N801  (a context manager, named as one)
    """Around the one place where a counted model call is made."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _model.set(True)

    def __exit__(self, *_: object) -> None:
        _model.reset(self._token)


class within:  # noqa: N801
    """Around a call of `task`: what it calls in turn belongs to the task and is seen by `handler`.

    `tool` is the tool that is counted already, where the call is a tool's.
    """

    __slots__ = ("_entered", "_handler", "_task", "_tokens", "_tool")

    def __init__(self, task: Task, handler: BaseCallbackHandler, tool: str | None = None) -> None:
        self._task = task
        self._handler = handler
        self._tool = tool

    def __enter__(self) -> None:
        tool = [] if self._tool is None else [self._tool]
        self._tokens = (_model.set(False), _tool.set(tool), _meter.set(self._handler))
        self._entered = enter(self._task)

    def __exit__(self, *_: object) -> None:
        leave(self._entered)
        model, tool, handler = self._tokens
        _meter.reset(handler)
        _tool.reset(tool)
        _model.reset(model)


def tool_call_covered(name: str) -> bool:
    """True once for the tool `within` was entered for; what that tool calls in turn is not covered."""
    covered = _tool.get()
    if covered and covered[0] == name:
        covered.clear()
        return True
    return False

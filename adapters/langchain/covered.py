"""Marks calls that are counted already, so that middleware, wrapper and callback never count one twice.

The marks are context variables: they reach the callbacks of the very call they cover, in threads and
async tasks alike, and nothing beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

from leanloop.plugins.task import Task, entered

__all__ = ["in_model_call", "meter", "model_call_covered", "tool_call_covered", "within"]

_model: ContextVar[bool] = ContextVar("leanloop_model_covered", default=False)
_tool: ContextVar[list[str] | None] = ContextVar("leanloop_tool_covered", default=None)
_meter: ContextVar[BaseCallbackHandler | None] = ContextVar("leanloop_meter", default=None)

# Every callback manager configured where `_meter` is set gets the handler, and passes it on to what runs
# inside it: that is how a sub-agent without middleware is seen.
register_configure_hook(_meter, inheritable=True)


def in_model_call() -> bool:
    """Whether this code runs inside a model call that is being counted."""
    return _model.get()


@contextmanager
def model_call_covered() -> Iterator[None]:
    """Around the one place where a counted model call is made."""
    token = _model.set(True)
    try:
        yield
    finally:
        _model.reset(token)


@contextmanager
def within(task: Task, tool: str | None = None) -> Iterator[None]:
    """Around a tool's run: it belongs to `task`, `tool` itself is counted, and all it does is metered."""
    model, covered = _model.set(False), _tool.set([tool] if tool is not None else [])
    try:
        with entered(task):
            yield
    finally:
        _tool.reset(covered)
        _model.reset(model)


@contextmanager
def meter(handler: BaseCallbackHandler) -> Iterator[None]:
    """Have `handler` see every model and tool call made inside."""
    token = _meter.set(handler)
    try:
        yield
    finally:
        _meter.reset(token)


def tool_call_covered(name: str) -> bool:
    """True once for the tool `within` was entered for; what that tool calls in turn is not covered."""
    covered = _tool.get()
    if covered and covered[0] == name:
        covered.clear()
        return True
    return False

"""A tool under a budget outside create_agent: its calls are counted, limited, and what it calls is metered."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp

from leanloop.adapters.langchain.asking import history_asking
from leanloop.adapters.langchain.callback import METER
from leanloop.adapters.langchain.covered import GUARDED, calling, tool_run_covered
from leanloop.adapters.langchain.middleware import LeanLoop, unless_ours
from leanloop.adapters.langchain.tool_call import hints_of
from leanloop.adapters.langchain.tool_output import output_of, result_from
from leanloop.adapters.langchain.wrap import loop_of
from leanloop.budgets.budget import Budget
from leanloop.errors import UsageError
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.read_result import READ_RESULT
from leanloop.plugins.task import Task

__all__ = ["wrap_tool"]

Tool = TypeVar("Tool", bound=BaseTool)


def wrap_tool(tool: Tool, budget: LeanLoop | Budget | str | Path | None = None) -> Tool:
    """`tool` under a budget; a call that does not fit is answered with the reason instead of being run.

    Args:
        tool: a LangChain tool; it is left as it was, the guarded one is a copy.
        budget: as for `leanloop.adapters.langchain.wrap`; pass both the same `LeanLoop`, or none.

    Raises:
        UsageError: `tool` is no LangChain tool.
    """
    if not isinstance(cast("object", tool), BaseTool):
        raise UsageError(f"wrap_tool() takes a LangChain tool, not {type(tool).__name__}; decorate it with @tool.")
    loop = loop_of(budget)
    kind = type(tool)
    methods: dict[str, object] = {"__module__": kind.__module__, "_run": _guard(getattr(kind, "_run"), loop)}  # noqa: B009
    own_async = getattr(kind, "_arun")  # noqa: B009  (both are LangChain's hooks for subclasses)
    if own_async is not getattr(BaseTool, "_arun"):  # noqa: B009  (LangChain's own runs _run in a thread)
        methods["_arun"] = _aguard(own_async, loop)
    guarded = type(kind.__name__, (kind,), methods)
    twin = tool.model_copy(update={"metadata": {**(tool.metadata or {}), GUARDED: True}})
    object.__setattr__(twin, "__class__", guarded)
    return twin


def _guard(inner: Callable[..., object], loop: LeanLoop) -> Callable[..., object]:
    @functools.wraps(inner)
    def _run(self: BaseTool, *args: Any, **kwargs: Any) -> object:
        if tool_run_covered(self.name):
            return inner(self, *args, **kwargs)
        member = loop.runs.around()
        asked = _asked(self, args, kwargs, member.task)

        def send(call: ToolCall) -> ToolResult:
            try:
                return result_from(self, inner(self, *args, **kwargs), asked)
            except GraphBubbleUp as stop:
                raise unless_ours(stop) from stop

        with calling(member, METER, ""):
            return output_of(self, run(loop.stack.tool_flow(asked, member.task), send), asked)

    return _run


def _aguard(inner: Callable[..., Awaitable[object]], loop: LeanLoop) -> Callable[..., Awaitable[object]]:
    @functools.wraps(inner)
    async def _arun(self: BaseTool, *args: Any, **kwargs: Any) -> object:
        if tool_run_covered(self.name):
            return await inner(self, *args, **kwargs)
        member = loop.runs.around()
        asked = _asked(self, args, kwargs, member.task)

        async def send(call: ToolCall) -> ToolResult:
            try:
                return result_from(self, await inner(self, *args, **kwargs), asked)
            except GraphBubbleUp as stop:
                raise unless_ours(stop) from stop

        with calling(member, METER, ""):
            return output_of(self, await arun(loop.stack.tool_flow(asked, member.task), send), asked)

    return _arun


def _asked(tool: BaseTool, args: tuple[object, ...], kwargs: dict[str, Any], task: Task) -> ToolCall:
    given = {name: value for name, value in kwargs.items() if name not in ("config", "run_manager")}
    arguments = json.dumps([*args, given] if args else given, default=str, sort_keys=True)
    readable = bool(task.readable) and tool.name != READ_RESULT
    return ToolCall(
        uuid.uuid4().hex,
        tool.name,
        arguments,
        history=history_asking(tool.name, arguments, task),
        readable=readable,
        direct=tool.return_direct,
        hints=hints_of(tool),
    )

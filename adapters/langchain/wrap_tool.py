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

from leanloop.adapters.langchain.callback import METER
from leanloop.adapters.langchain.covered import GUARDED, calling, tool_run_covered
from leanloop.adapters.langchain.middleware import LeanLoop, unless_ours
from leanloop.adapters.langchain.wrap import loop_of, run_of
from leanloop.budgets.budget import Budget
from leanloop.errors import UsageError
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run

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
        asked = _asked(self, args, kwargs)
        outcome: list[object] = []

        def send(call: ToolCall) -> ToolResult:
            try:
                outcome[:] = [inner(self, *args, **kwargs)]
            except GraphBubbleUp as stop:
                raise unless_ours(stop) from stop
            return _result(outcome[0])

        member = run_of(loop, ())
        with calling(member, METER, ""):
            return _seen(self, run(loop.stack.tool_flow(asked, member.task), send), outcome)

    return _run


def _aguard(inner: Callable[..., Awaitable[object]], loop: LeanLoop) -> Callable[..., Awaitable[object]]:
    @functools.wraps(inner)
    async def _arun(self: BaseTool, *args: Any, **kwargs: Any) -> object:
        if tool_run_covered(self.name):
            return await inner(self, *args, **kwargs)
        asked = _asked(self, args, kwargs)
        outcome: list[object] = []

        async def send(call: ToolCall) -> ToolResult:
            try:
                outcome[:] = [await inner(self, *args, **kwargs)]
            except GraphBubbleUp as stop:
                raise unless_ours(stop) from stop
            return _result(outcome[0])

        member = run_of(loop, ())
        with calling(member, METER, ""):
            return _seen(self, await arun(loop.stack.tool_flow(asked, member.task), send), outcome)

    return _arun


def _asked(tool: BaseTool, args: tuple[object, ...], kwargs: dict[str, Any]) -> ToolCall:
    given = {name: value for name, value in kwargs.items() if name not in ("config", "run_manager")}
    arguments = json.dumps([*args, given] if args else given, default=str, sort_keys=True)
    return ToolCall(uuid.uuid4().hex, tool.name, arguments)


def _result(output: object) -> ToolResult:
    return ToolResult(output if isinstance(output, str) else str(output), raw=output)


def _seen(tool: BaseTool, result: ToolResult, outcome: list[object]) -> object:
    """The tool's own output where no plugin changed it, else the text a plugin put in its place."""
    if outcome and result.raw is outcome[0]:
        return outcome[0]
    return (result.text, None) if tool.response_format == "content_and_artifact" else result.text

"""The tool by which a LangChain agent reads on in results that were shortened."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, cast

from langchain_core.tools import BaseTool, ToolException
from pydantic import BaseModel, PrivateAttr

from leanloop.adapters.langchain.asking import history_asking
from leanloop.adapters.langchain.covered import GUARDED, calling
from leanloop.adapters.langchain.runs import Runs
from leanloop.budgets.json_text import json_text
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.read_result import READ_DESCRIPTION, READ_RESULT, ReadArguments, read_steps
from leanloop.plugins.stack import Stack
from leanloop.plugins.steps import aperform, perform
from leanloop.plugins.task import Task

__all__ = ["ReadResultTool", "is_read_tool", "with_read_tool"]


class ReadResultTool(BaseTool):
    """`read_result`, as `LeanLoop` offers it. In ``create_agent`` the middleware answers it; this is for elsewhere.

    Its calls are counted in the budget it is under, like those of any tool that `wrap_tool` guards.
    """

    name: str = READ_RESULT
    description: str = READ_DESCRIPTION
    args_schema: Any = None
    handle_tool_error: Any = True
    _stack: Stack = PrivateAttr()
    _runs: Runs = PrivateAttr()

    def __init__(self, stack: Stack, runs: Runs) -> None:
        super().__init__(args_schema=ReadArguments.model_json_schema(), metadata={GUARDED: True})
        self._stack = stack
        self._runs = runs

    def _run(self, **given: object) -> str:
        member = self._runs.around()

        def send(call: ToolCall) -> ToolResult:  # where the budget of the task says `results: off`
            return perform(read_steps(call.arguments, member.task, call.history))

        with calling(member):
            return _said(run(self._stack.tool_flow(_asked(given, member.task), member.task), send))

    async def _arun(self, **given: object) -> str:
        member = self._runs.around()

        async def send(call: ToolCall) -> ToolResult:
            return await aperform(read_steps(call.arguments, member.task, call.history))

        with calling(member):
            return _said(await arun(self._stack.tool_flow(_asked(given, member.task), member.task), send))


def is_read_tool(tool: object) -> bool:
    """Whether it is leanloop's own `read_result`, of whichever `LeanLoop`."""
    return type(tool) is ReadResultTool


def with_read_tool(tools: Sequence[object], own: BaseTool | None) -> Sequence[object]:
    """What an agent is offered where `own` is to be among its tools: the same sequence where nothing is changed.

    An agent with no other tool has nothing to read on in, and stays without. One whose tools a middleware chose gets
    it back, behind them; one with a tool of its own by that name keeps that.
    """
    if own is None or not tools:
        return tools
    if any(map(is_read_tool, tools)):
        return [] if all(map(is_read_tool, tools)) else tools
    return tools if any(_name(tool) == own.name for tool in tools) else [*tools, own]


def _name(tool: object) -> object:
    return cast("dict[str, object]", tool).get("name") if isinstance(tool, dict) else getattr(tool, "name", None)


def _asked(given: dict[str, object], task: Task) -> ToolCall:
    plain = {name: value.model_dump() if isinstance(value, BaseModel) else value for name, value in given.items()}
    arguments = json_text({name: value for name, value in plain.items() if value is not None})
    history = history_asking(READ_RESULT, arguments, task)
    return ToolCall(uuid.uuid4().hex, READ_RESULT, arguments, history=history, readable=True)


def _said(result: ToolResult) -> str:
    if result.is_error:
        raise ToolException(result.text)
    return result.text

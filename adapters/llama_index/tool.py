"""A tool under a budget: its calls are counted, limited, and what it calls in turn belongs to the agent's task."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeVar, cast

from llama_index.core.agent.workflow.codeact_agent import EXECUTE_TOOL_NAME
from llama_index.core.base.llms.types import TextBlock
from llama_index.core.tools import BaseTool, QueryEngineTool, RetrieverTool, ToolMetadata, ToolOutput
from llama_index.core.tools.types import AsyncBaseTool
from workflows.runtime.types import results as workflow_results

from leanloop.adapters.llama_index.changed import blocks_with_text
from leanloop.adapters.llama_index.guard import Guard
from leanloop.adapters.llama_index.place import in_tool_call, using_tool
from leanloop.adapters.llama_index.query_engine import guard_parts
from leanloop.adapters.llama_index.read_result import is_read_tool, reading_in
from leanloop.adapters.llama_index.tool_hints import hints_of
from leanloop.adapters.llama_index.tool_schema import remember_schema
from leanloop.budgets.json_text import json_text
from leanloop.budgets.message import Changed, Message
from leanloop.errors import TaskStopped, UsageError
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import Paused
from leanloop.plugins.read_result import READ_RESULT

__all__ = ["guarded_tool", "guarded_tools"]

Tool = TypeVar("Tool", bound=BaseTool)

_WAITING: type[Exception] | tuple[()] = getattr(workflow_results, "WaitingForEvent", ())
"""What a tool raises that waits for a person; it is called again when the answer is there (llama-index-workflows 2.9;
before, it waited inside its call)."""


def guarded_tools(tools: Sequence[Tool], guard: Guard) -> list[Tool]:
    """Twins of `tools`, in their order.

    Raises:
        UsageError: `tools` is one tool or function, or something in it is no LlamaIndex tool.
    """
    if isinstance(cast("object", tools), BaseTool) or callable(tools):
        raise UsageError(f"tools() takes a list of LlamaIndex tools, not one {type(tools).__name__}: tools([tool]).")
    return [guarded_tool(tool, guard) for tool in tools]


def guarded_tool(tool: Tool, guard: Guard) -> Tool:
    """A twin of `tool`; a call that does not fit is answered with the reason instead of being run.

    Its class is one below the tool's own: LlamaIndex hands the workflow's context to a `FunctionTool` only, and
    CodeActAgent takes nothing else. A query engine that it asks is guarded with it. A tool that is guarded already
    is given back as it is.

    Raises:
        UsageError: `tool` is no LlamaIndex tool.
    """
    if not isinstance(cast("object", tool), BaseTool):
        raise UsageError(f"tools() takes LlamaIndex tools, not {type(tool).__name__}: FunctionTool.from_defaults(fn).")
    if isinstance(tool, _Called):
        return tool
    twin = guard.twin(tool, _Calls if isinstance(tool, AsyncBaseTool) else _Called)
    held = vars(twin)
    if isinstance(held.get("_metadata"), ToolMetadata):
        held["_metadata"] = remember_schema(held["_metadata"])
    if isinstance(tool, QueryEngineTool | RetrieverTool):
        guard_parts(twin, guard)
    return twin


class _Call:
    """One call of a tool, for both drivers."""

    def __init__(self, tool: BaseTool, guard: Guard, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        self.tool = tool
        self.guard = guard
        self.member = guard.member()
        self._cached = self.member.task.budget.cache is not None
        context: object = getattr(tool, "ctx_param_name", None)
        given = {name: value for name, value in kwargs.items() if name != context}
        self._input: dict[str, object] = {"args": args, "kwargs": given}
        self.asked = self._asked(json_text([*args, given] if args else given), given.get("code"))
        self._output: ToolOutput | None = None

    def _asked(self, arguments: str, code: object) -> ToolCall:
        name, readable, history = _name(self.tool), bool(self.member.task.readable), self.member.steps
        called = _id_of(name, arguments, history)
        if name == READ_RESULT:
            readable = is_read_tool(self.tool)
        elif name == EXECUTE_TOOL_NAME and readable and isinstance(code, str):
            reading = reading_in(code)
            name, arguments = (name, arguments) if reading is None else (READ_RESULT, reading)
        direct = bool(self.tool.metadata.return_direct)
        hints = hints_of(self.tool if self._cached else None)
        return ToolCall(called, name, arguments, history=history, readable=readable, direct=direct, hints=hints)

    def ran(self, output: object) -> ToolResult:
        """The neutral result of what the tool gave."""
        if not isinstance(output, ToolOutput):
            return ToolResult(str(output), plain=isinstance(output, str), raw=output)
        self._output = output
        # Nobody else asks. A key has what the model gave the tool, not what the user gave it for all calls.
        plain = self._cached and not getattr(self.tool, "partial_params", None) and _is_plain(output)
        return ToolResult(output.content, output.is_error, plain, raw=output)

    def failed(self, error: Exception) -> ToolResult:
        """The neutral result of a tool that raised; an end of a task, or a wait for a person, is none."""
        if isinstance(error, _WAITING):
            raise Paused(error) from error
        if isinstance(error, TaskStopped):
            raise error
        return ToolResult(str(error), is_error=True, raw=error)

    def left(self, error: BaseException) -> BaseException:
        """What is raised in place of `error`.

        LlamaIndex shows the model what a tool raises and goes on, so a stop is made to last for the whole task.
        """
        if isinstance(error, Paused):
            self.member.task.clock.pause()
            return error.cause
        if isinstance(error, TaskStopped):
            self.member.task.stop(error)
        return error

    def shown(self, result: ToolResult) -> object:
        """The tool's own output or error where no plugin changed it, else its text in place of the tool's."""
        raw = result.raw
        if isinstance(raw, Exception):
            raise raw
        if raw is not None and not isinstance(raw, Changed):
            return raw
        ran = self._output
        return ToolOutput(
            tool_name=_name(self.tool),
            blocks=blocks_with_text(ran.blocks if ran else [], result.text),
            raw_input=ran.raw_input if ran else self._input,
            raw_output=ran.raw_output if ran else result.text,
            is_error=result.is_error,
        )


class _Called:
    """Guards a tool that can only be called."""

    leanloop_: ClassVar[Guard]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inner: Any = getattr(super(), "__call__")  # noqa: B009, B004
        return _run(self, inner, args, kwargs)


class _Calls(_Called):
    """Guards a tool's `call` and `acall`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        inner: Any = getattr(super(_Called, self), "__call__")  # noqa: B009, B004
        return inner(*args, **kwargs)  # which ends in `call`

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Guarded."""
        inner: Any = getattr(super(), "call")  # noqa: B009
        return _run(self, inner, args, kwargs)

    async def acall(self, *args: Any, **kwargs: Any) -> Any:
        """Guarded."""
        inner: Any = getattr(super(), "acall")  # noqa: B009
        if in_tool_call(self):
            return await inner(*args, **kwargs)
        made = _Call(cast("BaseTool", self), self.leanloop_, args, kwargs)

        async def send(call: ToolCall) -> ToolResult:
            try:
                return made.ran(await inner(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 shown to the model, as LlamaIndex does
                return made.failed(error)

        with using_tool(made.member, self):
            try:
                result = await arun(made.guard.tool_flow(made.asked, made.member), send)
            except (Paused, TaskStopped) as error:
                raise made.left(error) from None
        return made.shown(result)


def _run(tool: _Called, inner: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    if in_tool_call(tool):
        return inner(*args, **kwargs)
    made = _Call(cast("BaseTool", tool), tool.leanloop_, args, kwargs)

    def send(call: ToolCall) -> ToolResult:
        try:
            return made.ran(inner(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 shown to the model, as LlamaIndex does
            return made.failed(error)

    with using_tool(made.member, tool):
        try:
            result = run(made.guard.tool_flow(made.asked, made.member), send)
        except (Paused, TaskStopped) as error:
            raise made.left(error) from None
    return made.shown(result)


def _is_plain(output: ToolOutput) -> bool:
    """Whether the text is all there is. What a function gave is in there as text, where it is data and no object."""
    return all(isinstance(block, TextBlock) for block in output.blocks) and _is_data(output.raw_output)


def _is_data(value: object) -> bool:
    if isinstance(value, dict | list | tuple):
        parts = cast("Iterable[object]", value.values() if isinstance(value, dict) else value)
        return all(map(_is_data, parts))
    return value is None or isinstance(value, str | int | float)


def _id_of(name: str, arguments: str, history: Sequence[Message]) -> str:
    """The id under which the model asked for a call, which LlamaIndex does not hand to tools."""
    asked = history[-1].tool_calls if history else ()
    found = (request.id for request in asked if request.name == name and request.arguments == arguments)
    return next(found, None) or uuid.uuid4().hex


def _name(tool: BaseTool) -> str:
    return tool.metadata.name or ""

"""The tool by which LlamaIndex's agents read on in results that were shortened."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from inspect import Parameter, Signature
from typing import Any, cast

from llama_index.core.tools import BaseTool, FunctionTool
from pydantic_core import PydanticUndefined

from leanloop.budgets.json_text import json_text
from leanloop.errors import UsageError
from leanloop.plugins.call import ToolResult
from leanloop.plugins.current import current_task
from leanloop.plugins.read_result import READ_DESCRIPTION, READ_RESULT, ReadArguments, read_steps
from leanloop.plugins.steps import Steps, aperform, perform

__all__ = ["is_read_tool", "read_tool", "reading_in", "with_read_tool"]

_LONGEST_CODE = 4_000
"""Characters of code that is looked through for a call of the tool."""


def read_tool() -> FunctionTool:
    """`read_result`, to be guarded: the guard answers its calls, and counts them."""
    tool = FunctionTool.from_defaults(
        _read, async_fn=_aread, name=READ_RESULT, description=READ_DESCRIPTION, fn_schema=ReadArguments
    )
    cast("Any", tool).leanloop_reads = True
    return tool


def is_read_tool(tool: object) -> bool:
    """Whether it is leanloop's own `read_result`, guarded or not."""
    return getattr(tool, "leanloop_reads", False) is True


def with_read_tool(tools: Sequence[BaseTool], own: BaseTool | None) -> list[BaseTool]:
    """The tools of an agent that has any, with `own`; one with a tool of its own by that name keeps that."""
    if own is None or any(tool.metadata.name == READ_RESULT for tool in tools):
        return list(tools)
    return [*tools, own]


def reading_in(code: str) -> str | None:
    """The arguments, as JSON text, of code that is one call of the tool; None of any other.

    CodeActAgent's model has tools as functions of the place its code is run in, and leanloop cannot put one there.
    """
    if READ_RESULT not in code or len(code) > _LONGEST_CODE:
        return None
    try:
        (statement,) = ast.parse(code.strip()).body
        made = _called(statement, "print")
        call = made.args[0] if made is not None and len(made.args) == 1 and not made.keywords else statement
        reading = _called(call, READ_RESULT)
        if reading is None:
            return None
        given = dict(zip(ReadArguments.model_fields, map(ast.literal_eval, reading.args), strict=False))
        given |= {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in reading.keywords}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return json_text(given)


def _called(node: ast.AST, name: str) -> ast.Call | None:
    call = node.value if isinstance(node, ast.Expr | ast.Assign) else node
    return call if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name else None


def _read(**given: object) -> str:
    return _said(perform(_steps(given)))


async def _aread(**given: object) -> str:
    return _said(await aperform(_steps(given)))


def _steps(given: dict[str, object]) -> Steps[ToolResult]:
    """What is left where the budget says ``results: off``: an answer that says so."""
    task = current_task()
    if task is None:
        raise UsageError(f"{READ_RESULT} reads the results of a task; guard it: loop.tools([...]), loop.agent(agent).")
    return read_steps(json_text({name: value for name, value in given.items() if value is not None}), task)


def _said(result: ToolResult) -> str:
    if result.is_error:
        raise UsageError(result.text)
    return result.text


def _signature() -> Signature:
    """The arguments by name: CodeActAgent shows its model signatures."""
    return Signature(
        [
            Parameter(
                name,
                Parameter.POSITIONAL_OR_KEYWORD,
                default=Parameter.empty if field.default is PydanticUndefined else field.default,
                annotation=field.annotation,
            )
            for name, field in ReadArguments.model_fields.items()
        ],
        return_annotation=str,
    )


for _function in (_read, _aread):
    _function.__name__ = READ_RESULT
    _function.__doc__ = READ_DESCRIPTION
    setattr(_function, "__signature__", _signature())  # noqa: B010 (no attribute of a function to type checkers)

"""One use of a cognitive tool: a separate call of the same model, which sees the tool's prompt and its inputs alone."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from leanloop.budgets.message import Message
from leanloop.budgets.tokens import counter_for
from leanloop.errors import BudgetExceeded, TaskStopped
from leanloop.plugins.call import ModelCall, ModelReply, ToolResult
from leanloop.plugins.flow import Io, ModelFlow
from leanloop.plugins.scaffold.inputs import inputs_of, rendered
from leanloop.plugins.scaffold.leak import without_answer
from leanloop.plugins.scaffold.think_tool import NOTED, THINK
from leanloop.plugins.scaffold.tool import CognitiveTool
from leanloop.plugins.scaffold.use_code import USE_CODE, run_code
from leanloop.plugins.supplied import RunCode
from leanloop.plugins.task import Task

__all__ = ["Asks", "think", "thought_of"]

Asks = Callable[[ModelCall], ModelFlow]
"""Makes the separate call, through a cache where there is one."""


def think(
    tool: CognitiveTool,
    arguments: str,
    call: ModelCall,
    task: Task,
    *,
    most: int,
    asks: Asks,
    run: RunCode | None = None,
) -> Generator[Io[Any] | ModelCall, Any, ToolResult]:
    """What the tool says to the arguments of one call of it; what goes wrong is said to the model, which goes on.

    Args:
        tool: which it is.
        arguments: JSON, as the model wrote it.
        call: the agent's call in which it asked for it, whose model, caps and settings hold here too.
        task: whose budget pays for it.
        most: output tokens of the separate call.
        asks: makes it.
        run: runs the code of `use_code`.
    """
    given, missing, shortened = inputs_of(tool, arguments, counter_for(call.model).text)
    if missing:
        return ToolResult(f"{tool.name} needs {' and '.join(missing)}; nothing was given.", is_error=True)
    if tool is THINK:
        return ToolResult(NOTED)
    if tool is USE_CODE and run is not None:
        # Not from `given`, which is cut: half a program is none.
        whole = inputs_of(tool, arguments, lambda _: 0).given
        return (yield from run_code(whole["code"], run, call.model))
    if shortened:
        task.note(f"What was given to {tool.name} was too long, and was shortened.")
    try:
        reply: ModelReply = yield from asks(thought_of(tool, rendered(given), call, most))
    except TaskStopped as stop:
        if task.stopped is not None or not isinstance(stop, BudgetExceeded):
            raise
        task.note(f"{tool.name} was asked for and not run: the limit of {stop.resource} has no room for it.")
        return ToolResult(f"Not run: the budget has no room for {tool.name}. Go on without it.", is_error=True)
    except Exception as error:  # noqa: BLE001 a thought is a help; the agent goes on without
        task.note(f"The cognitive tool {tool.name} failed ({type(error).__name__}); the agent went on without.")
        return ToolResult(f"{tool.name} failed. Go on without it.", is_error=True)
    said = reply.message.text.strip()
    if tool.no_answer:
        said, left_out = without_answer(said)
        if left_out:
            task.note(f"{tool.name} gave an answer, which it is not to do; that was left out.")
    return (
        ToolResult(said) if said else ToolResult(f"{tool.name} gave nothing of use. Go on without it.", is_error=True)
    )


def thought_of(tool: CognitiveTool, inputs: str, call: ModelCall, most: int) -> ModelCall:
    """The separate call: no history, no tools, nothing of the agent's prompt."""
    return replace(
        call,
        messages=(Message("system", tool.prompt), Message("user", inputs)),
        tools=(),
        answer_tools=frozenset(),
        forbid_tools=False,
        force_tool=False,
        structured=False,
        max_output=most + call.min_output,
        purpose="thought",
        hold_stream=True,
        final=False,
        cache_marks=None,
        readable=False,
        history=(),
    )

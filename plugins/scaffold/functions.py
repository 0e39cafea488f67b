"""Cognitive tools as plain functions, over whatever asks a model.

As in::

    def ask(system: str, text: str) -> str:
        return model.invoke([("system", system), ("user", text)]).text

    checked = examine_answer(ask, question, reasoning)

Within a task (``with leanloop.task(...)``) each use is counted as a tool call, and refused as one; what `ask` does is
counted where its model is guarded.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from leanloop.budgets.json_text import json_text
from leanloop.budgets.tokens import counter_for
from leanloop.errors import UsageError
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.current import current_task
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.scaffold.catalogue import built_in
from leanloop.plugins.scaffold.inputs import inputs_of, rendered
from leanloop.plugins.scaffold.leak import without_answer
from leanloop.plugins.scaffold.tool import CognitiveTool

__all__ = ["arun_tool", "backtracking", "examine_answer", "recall_related", "run_tool", "understand_question"]

Ask = Callable[[str, str], str]
"""Asks a model, given a system prompt and a text, and gives what it says."""


def run_tool(tool: CognitiveTool, ask: Ask, **inputs: str) -> str:
    """What a cognitive tool says to its inputs, each a text; what is too long is shortened.

    Raises:
        UsageError: an input is missing, empty, or none of the tool's; or the task may make no further tool call.
    """
    text = _text(tool, inputs)

    def answer(_: ToolCall) -> ToolResult:
        return ToolResult(_checked(tool, ask(tool.prompt, text)))

    task, call = current_task(), _call(tool, inputs)
    return _said(answer(call) if task is None else run(BudgetGuard().on_tool(call, task), answer))


async def arun_tool(tool: CognitiveTool, ask: Callable[[str, str], Awaitable[str]], **inputs: str) -> str:
    """`run_tool`, awaited, with an `ask` that is."""
    text = _text(tool, inputs)

    async def answer(_: ToolCall) -> ToolResult:
        return ToolResult(_checked(tool, await ask(tool.prompt, text)))

    task, call = current_task(), _call(tool, inputs)
    return _said(await (answer(call) if task is None else arun(BudgetGuard().on_tool(call, task), answer)))


def understand_question(ask: Ask, question: str) -> str:
    """The question taken apart: what is asked, given, missing and easily misread. No answer."""
    return run_tool(built_in("understand_question"), ask, question=question)


def recall_related(ask: Ask, question: str) -> str:
    """Rules and solved examples of the same kind. No answer."""
    return run_tool(built_in("recall_related"), ask, question=question)


def examine_answer(ask: Ask, question: str, reasoning: str) -> str:
    """What holds and what does not in some reasoning, and in the answer it leads to."""
    return run_tool(built_in("examine_answer"), ask, question=question, reasoning=reasoning)


def backtracking(ask: Ask, question: str, reasoning: str) -> str:
    """The last step of some reasoning that holds, and other ways from there."""
    return run_tool(built_in("backtracking"), ask, question=question, reasoning=reasoning)


def _text(tool: CognitiveTool, inputs: dict[str, str]) -> str:
    unknown = sorted(inputs.keys() - tool.inputs.keys())
    given = inputs_of(tool, json_text(inputs), counter_for("gpt-4o").text)
    if unknown or given.missing:
        wrong = f"has no input {unknown[0]!r}" if unknown else f"needs {' and '.join(given.missing)}"
        raise UsageError(f"The cognitive tool {tool.name} {wrong}; it takes {', '.join(tool.inputs)}.")
    return rendered(given.given)


def _call(tool: CognitiveTool, inputs: dict[str, str]) -> ToolCall:
    return ToolCall(uuid.uuid4().hex, tool.name, json_text(inputs))


def _checked(tool: CognitiveTool, said: str) -> str:
    return without_answer(said)[0] if tool.no_answer else said


def _said(result: ToolResult) -> str:
    if result.is_error:
        raise UsageError(result.text)
    return result.text

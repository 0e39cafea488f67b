"""The tool `read_result`: parts of a whole result that was shortened or cleared."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.budgets.tokens import counter_for
from leanloop.errors import StoreError
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.flow import Io, Plugin, ToolFlow
from leanloop.plugins.results.answer import answer, earlier_answers
from leanloop.plugins.results.ask import READ_RESULT, ReadArguments, asked_for
from leanloop.plugins.results.beside import beside
from leanloop.plugins.results.handle import is_handle, scope_of
from leanloop.plugins.results.store import Kept
from leanloop.plugins.results.stores import results_of
from leanloop.plugins.task import Task

__all__ = ["READ_DESCRIPTION", "READ_RESULT", "ReadArguments", "ReadResult", "read_steps"]

READ_DESCRIPTION = "Read on in a shortened or cleared tool result; one of lines, search, path."
"""What the model is told of the tool. Short, since it is in every prompt: the rest is said where it is needed."""

_USE = 'read_result takes a handle, and one of lines ("120-180"), search and path; page goes on behind an answer.'
_UNKNOWN = (
    "There is no result with this handle, or it is no longer kept. Use a handle exactly as a shortened result gives "
    "it, or call the tool that gave the result again."
)


class ReadResult(Plugin):
    """Answers the calls of `read_result`, in agents to which leanloop has given the tool."""

    def idle(self, budget: Budget) -> bool:
        """Nothing is kept, so nothing is read, where the file says ``results: off``."""
        return budget.results is None

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        """Read, where the tool is ours."""
        if call.name != READ_RESULT or not call.readable:
            other: ToolResult = yield call
            return other
        return (yield from read_steps(call.arguments, task, call.history))


def read_steps(arguments: str, task: Task, history: Sequence[Message] = ()) -> Generator[Io[Any], Any, ToolResult]:
    """The answer to one call of `read_result`.

    A handle that was never given out, is expired or belongs to somebody else gets one and the same answer. What stands
    in `history` already, and was not cleared, is not given again.

    Args:
        arguments: JSON, as the model wrote it.
        task: whose tags say what it may read, and whose budget how much.
        history: what the model has seen.
    """
    rules = task.budget.results
    asked = asked_for(arguments)
    if asked is None:
        return ToolResult(_USE, is_error=True)
    if rules is None:
        return ToolResult(_UNKNOWN, is_error=True)
    if not task.take_read(rules.reads):
        return ToolResult(
            f"read_result may be called {rules.reads:,} times in one task, and was. Go on with what you have.",
            is_error=True,
        )
    if not is_handle(asked.handle):
        return ToolResult(_UNKNOWN, is_error=True)
    store = results_of(task)
    try:
        kept: Kept | None = yield Io(store.get, store.aget, scope_of(task, rules), asked.handle)
    except StoreError as error:
        task.note(f"A result could not be read back. {error}")
        return ToolResult(
            "The result cannot be read just now. Go on without it, or call its tool again.", is_error=True
        )
    if kept is None:
        return ToolResult(_UNKNOWN, is_error=True)
    text = kept.text
    count = counter_for(task.latest_model or "gpt-4o").text

    earlier = earlier_answers(history, asked.handle, task)
    return (yield from beside(text, lambda: answer(asked, text, rules.read_tokens, count, earlier)))

"""The tool `read_result`: parts of a whole result that was shortened or cleared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.budgets.tokens import counter_for
from leanloop.errors import StoreError
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.flow import Io, Plugin, ToolFlow
from leanloop.plugins.results.handle import is_handle, scope_of
from leanloop.plugins.results.part import Part, Wrong
from leanloop.plugins.results.search import search
from leanloop.plugins.results.store import Kept
from leanloop.plugins.results.stores import results_of
from leanloop.plugins.results.text_range import first_unread, line_span, range_in, read_range
from leanloop.plugins.task import Task

__all__ = ["READ_DESCRIPTION", "READ_RESULT", "ReadArguments", "ReadResult", "read_steps"]

READ_RESULT = "read_result"
"""The tool's name."""

READ_DESCRIPTION = "Read on in a shortened or cleared tool result; one of lines, search, path."
"""What the model is told of the tool. Short, since it is in every prompt: the rest is said where it is needed."""

_USE = 'read_result takes a handle, and one of lines ("120-180"), search and path; page goes on behind an answer.'
_UNKNOWN = (
    "There is no result with this handle, or it is no longer kept. Use a handle exactly as a shortened result gives "
    "it, or call the tool that gave the result again."
)
_HEAD = 60
"""Tokens kept free for the line above a part, of as many as a quarter of its room."""

_LONGEST_HEAD = 1_000

_LARGE = 200_000
"""Characters from which on a text is read on a thread of its own, where an event loop would stand still."""


def _short(schema: dict[str, Any]) -> None:
    """Without what tells a model nothing: it is in every prompt."""
    del schema["title"], schema["description"]
    for field in schema["properties"].values():
        for word in ("title", "default", "minimum"):
            field.pop(word, None)


class ReadArguments(BaseModel):
    """What the model gives."""

    model_config = ConfigDict(frozen=True, json_schema_extra=_short)

    handle: str
    lines: str = Field(default="", description='"120-180", "-40" (last)')
    search: str = Field(default="", description="plain text")
    path: str = Field(default="", description="JSONPath")
    page: int = Field(default=0, ge=0)


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
    asked = _asked(arguments)
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
    tokens = max(1, rules.read_tokens - min(_HEAD, rules.read_tokens // 4))

    def read() -> ToolResult:
        return _answer(asked, text, tokens, count, _earlier(history, asked.handle, task))

    if len(text) > _LARGE:
        answer: ToolResult = yield Io(read, lambda: asyncio.to_thread(read))
        return answer
    return read()


def _asked(arguments: str) -> ReadArguments | None:
    try:
        given: object = json.loads(arguments)
        if not isinstance(given, dict):
            return None
        named = {name: value for name, value in cast("dict[str, object]", given).items() if value is not None}
        asked = ReadArguments.model_validate(named)
    except (ValueError, RecursionError):  # pydantic's ValidationError is one
        return None
    return asked if [asked.lines, asked.search, asked.path].count("") >= 2 else None


class _Earlier(NamedTuple):
    """An earlier answer that still stands in what is sent: to what, and the line above it."""

    asked: ReadArguments | None
    head: str


def _earlier(history: Sequence[Message], handle: str, task: Task) -> list[_Earlier]:
    asked: dict[str, str] = {}
    found: list[_Earlier] = []
    for message in history:
        asked |= {one.id: one.arguments for one in message.tool_calls if one.name == READ_RESULT}
        if message.role != "tool" or message.tool_call_id not in asked or message.tool_call_id in task.cleared:
            continue
        head = message.text[:_LONGEST_HEAD].partition("\n")[0]
        if not message.is_error and head.startswith(f"[{handle}: "):
            found.append(_Earlier(_asked(asked[message.tool_call_id]), head))
    return found


def _answer(
    asked: ReadArguments, text: str, tokens: int, count: Callable[[str], int], earlier: Sequence[_Earlier]
) -> ToolResult:
    try:
        if asked.search or asked.path:
            same = next((one for one in earlier if one.asked == asked), None)
            if same is not None:
                return _stands(same)
            if asked.search:
                return _told(asked.handle, search(text, asked.search, asked.page, tokens, count))
            from leanloop.plugins.results.json_path import read_path  # its parser is loaded where it is used

            return _told(asked.handle, read_path(text, asked.path, asked.page, tokens, count))
        known = [(one, given) for one in earlier if (given := range_in(one.head)) is not None]
        start, end = line_span(text, asked.lines) if asked.lines else (0, len(text))
        if asked.page:
            start = max(start, asked.page)
        elif not asked.lines:
            start = first_unread(given for _, given in known)
        if start >= end:
            return ToolResult(f"There is no more of {asked.handle}: it has {len(text)} characters.")
        part = read_range(text, start, end, tokens, count)
        for one, (low, high) in known:
            if low <= start and start + len(part.body) <= high:
                return _stands(one)
        return _told(asked.handle, part)
    except Wrong as wrong:
        return ToolResult(f"{asked.handle}: {wrong}", is_error=True)


def _told(handle: str, part: Part) -> ToolResult:
    more = "" if part.next is None else f"; for more the same with page={part.next}"
    return ToolResult(f"[{handle}: {part.what}{more}]\n{part.body}")


def _stands(earlier: _Earlier) -> ToolResult:
    return ToolResult(
        f"You have this part already, in an earlier answer of read_result: the one that begins {earlier.head}"
    )

"""The answer to a call of `read_result` about a text that is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from leanloop.budgets.message import Message
from leanloop.plugins.call import ToolResult
from leanloop.plugins.results.ask import READ_RESULT, ReadArguments, asked_for
from leanloop.plugins.results.part import Part, Wrong
from leanloop.plugins.results.search import search
from leanloop.plugins.results.text_range import first_unread, line_span, range_in, read_range

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["Earlier", "answer", "earlier_answers"]

_HEAD = 40
"""Tokens kept free for the line above a part, of as many as a quarter of its room."""

_LONGEST_HEAD = 1_000


class Earlier(NamedTuple):
    """An earlier answer that still stands in what is sent: to what, and the line above it."""

    asked: ReadArguments | None
    head: str


def earlier_answers(history: Sequence[Message], handle: str, task: Task) -> list[Earlier]:
    """What `read_result` gave of a result so far, and was not cleared."""
    asked: dict[str, str] = {}
    found: list[Earlier] = []
    for message in history:
        for one in message.tool_calls:
            asked.pop(one.id, None)  # some models use their ids again, and then for another tool
            if one.name == READ_RESULT:
                asked[one.id] = one.arguments
        if message.role != "tool" or message.tool_call_id not in asked or message.tool_call_id in task.cleared:
            continue
        head = message.text[:_LONGEST_HEAD].partition("\n")[0]
        if not message.is_error and head.startswith(f"[{handle}: "):
            found.append(Earlier(asked_for(asked[message.tool_call_id]), head))
    return found


def answer(
    asked: ReadArguments, text: str, tokens: int, count: Callable[[str], int], earlier: Sequence[Earlier]
) -> ToolResult:
    """A part of `text` below a line that says which, within `tokens`; or where that part stands already."""
    room = tokens - min(_HEAD, tokens // 4)
    while True:
        try:
            told = _told(asked, text, max(1, room), count, earlier)
        except Wrong as wrong:
            return ToolResult(f"{asked.handle}: {wrong}", is_error=True)
        over = count(told.text) - tokens
        if over <= 0 or room <= 1:
            return told
        room -= over


def _told(
    asked: ReadArguments, text: str, tokens: int, count: Callable[[str], int], earlier: Sequence[Earlier]
) -> ToolResult:
    if asked.search or asked.path:
        for one in earlier:
            if one.asked == asked:
                return _stands(one)
        return _shown(asked.handle, _found(asked, text, tokens, count))
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
    return _shown(asked.handle, part)


def _found(asked: ReadArguments, text: str, tokens: int, count: Callable[[str], int]) -> Part:
    if asked.search:
        return search(text, asked.search, asked.page, tokens, count)
    from leanloop.plugins.results.json_path import read_path  # its parser is loaded where it is used

    return read_path(text, asked.path, asked.page, tokens, count)


def _shown(handle: str, part: Part) -> ToolResult:
    more = "" if part.next is None else f"; for more the same with page={part.next}"
    return ToolResult(f"[{handle}: {part.what}{more}]\n{part.body}")


def _stands(earlier: Earlier) -> ToolResult:
    return ToolResult(
        f"You have this part already, in an earlier answer of read_result: the one that begins {earlier.head}"
    )

"""The result limit: a tool result is shortened once, when it arrives, and kept whole for reading back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Changed
from leanloop.budgets.result_rules import Kind, ResultRules, ToolResultRules
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.flow import Io, Plugin, ToolFlow
from leanloop.plugins.receipt import Saving
from leanloop.plugins.results.exceeds import about, exceeds
from leanloop.plugins.results.keep import keep
from leanloop.plugins.shorten.json_form import compact_json
from leanloop.plugins.shorten.marker import marker
from leanloop.plugins.shorten.shorten import kind_of, shorten
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import words_of
from leanloop.plugins.task import Task

__all__ = ["FLOOR", "ResultLimit"]

FLOOR = 200
"""Tokens that a result gets however little is left, so that it can say what it is and what went wrong."""

_MARKER = 80
"""Tokens kept free for the line above a shortened result, of as many as a quarter of its room."""

_LARGE = 200_000
"""Characters from which on a text is shortened on a thread of its own, where an event loop would stand still."""

_OTHERWISE = "gpt-4o"
"""Whose tokens are counted before the task's first model call."""


class ResultLimit(Plugin):
    """Keeps each tool result within its tokens, and all results of one step within theirs.

    The limit of a result is the least of ``max_tokens`` (its tool's, or that of all), its part of what is left of
    ``batch``, and ``share`` of the tokens the task has left; never under `FLOOR`, unless the file says so.
    What is within its limit passes as it is, or as the same JSON in fewer tokens. What is over it is kept whole in the
    result store, and shown in part below one line that says what is shown and how to get the rest. Where it cannot be
    kept, or the agent has no `read_result`, it is shown whole, up to ``hard_cap``.

    `is_error` stays, and `raw` of a changed result is `Changed`: the adapter writes the text into what the tool gave,
    and keeps status, artifact and images. A result that ends the run (`ToolCall.direct`) is the user's, and left alone.
    """

    def idle(self, budget: Budget) -> bool:
        """Nothing to do where the file says ``results: off``."""
        return budget.results is None

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        """Have the tool run, and shorten what it gave."""
        result: ToolResult = yield call
        rules = task.budget.results
        if rules is None or not result.text:
            return result
        own = rules.tools.get(call.name, _ALL)
        count = counter_for(task.latest_model or _OTHERWISE).text
        if own is None or call.direct:
            task.batches.give_back(call, -about(result.text, count)[0], rules.batch)
            return result
        granted = task.batches.grant(call, _wish(own, rules, task), rules.batch)
        room = Room(max(granted, min(FLOOR, own.max_tokens or rules.max_tokens)), count)
        large = len(result.text) > _LARGE
        fits: bool = yield from _work(large, lambda: not exceeds(result.text, room.tokens, count))
        if fits:
            # A compacted result has no handle: only where the blanks that are lost say nothing, in JSON on one line.
            one_line = rules.compact and "\n" not in result.text.strip()
            shown = (compact_json(result.text) if one_line else None) or result.text
        else:
            shown = yield from _shortened(result.text, own.kind, room, call, task)
        spent, _ = about(shown, count)
        task.batches.give_back(call, granted - spent, rules.batch)
        if shown is result.text:
            return result
        before, counted = about(result.text, count)
        if spent >= before:
            return result
        how = "counted" if counted else "estimated from samples of what was left out"
        task.save(
            Saving("result limit", "tool results shortened", f"{how}, once for each", calls=1, tokens=before - spent)
        )
        return replace(result, text=shown, raw=Changed.of(result.raw))


_ALL = ToolResultRules()


def _wish(own: ToolResultRules, rules: ResultRules, task: Task) -> int:
    left = task.left("tokens", "input_tokens")
    limit = own.max_tokens or rules.max_tokens
    return limit if left is None else min(limit, int(left * rules.share))


def _shortened(text: str, given: Kind | None, room: Room, call: ToolCall, task: Task) -> Generator[Io[Any], Any, str]:
    """What is shown of a text that is over its limit: the text itself where it can neither be kept nor is too long."""
    rules = task.budget.results or ResultRules()
    large = len(text) > _LARGE
    kind = given or kind_of(text)
    inner = replace(room, tokens=room.tokens - min(_MARKER, room.tokens // 4), words=words_of(call))
    shown: Shown = yield from _work(large, lambda: shorten(text, inner, kind))
    if shown.complete:
        return shown.text
    handle = (yield from keep(text, call.name, kind, task)) if call.readable else None
    if handle is None:
        wide = replace(inner, tokens=max(inner.tokens, rules.hard_cap))
        whole: bool = yield from _work(large, lambda: not exceeds(text, rules.hard_cap, room.count))
        if whole:
            return text
        shown = yield from _work(large, lambda: shorten(text, wide, kind))
        if shown.complete:
            return shown.text
    before, _ = about(text, room.count)
    return f"{marker(shown.what, before, handle)}\n{shown.text}"


def _work(large: bool, work: Callable[[], object]) -> Generator[Io[Any], Any, Any]:
    """Do it here, or where it takes long beside the event loop."""
    if large:
        return (yield Io(work, lambda: asyncio.to_thread(work)))
    return work()

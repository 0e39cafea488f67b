"""The result limit: a tool result is shortened once, when it arrives, and kept whole for reading back."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Changed
from leanloop.budgets.result_rules import Kind, ResultRules, ToolResultRules
from leanloop.budgets.tokens import counter_for
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.events.event import Shortened
from leanloop.plugins.flow import Io, Plugin, ToolFlow
from leanloop.plugins.receipt import Saving
from leanloop.plugins.results.beside import beside
from leanloop.plugins.results.exceeds import about, exceeds
from leanloop.plugins.results.handle import handle_of, scope_of
from leanloop.plugins.results.keep import keep
from leanloop.plugins.results.stores import results_of
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

_COMPACTED = 100
"""Characters for a token of its room, in JSON that is worth compacting to see whether it fits without loss."""

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
        rules = task.budget.results or ResultRules()
        if call.readable:
            results_of(task)  # a store that cannot be opened here is said before the tool does anything
        batch = task.batches.of(call, rules.batch)
        try:
            result: ToolResult = yield call
        except Exception:
            batch.grant(0)  # it leaves its share to the others of its step
            raise
        own = rules.tools.get(call.name, _ALL)
        count = counter_for(task.latest_model or _OTHERWISE).text
        before, counted = about(result.text, count)
        if task.budget.results is None or own is None or call.direct:
            batch.grant(0)
            batch.give_back(-before)
            return result
        granted = batch.grant(_wish(own, rules, task))
        room = Room(max(granted, min(FLOOR, own.max_tokens or rules.max_tokens)), count)
        shown = yield from beside(result.text, lambda: _whole(result.text, room, compact=rules.compact))
        if shown is None:
            shown = yield from _shortened(result.text, own.kind, room, call, task)
        spent = before if shown is result.text else about(shown, count)[0]
        batch.give_back(granted - min(spent, before))
        if spent >= before:
            return result
        how = "counted" if counted else "estimated from samples of the whole"
        saved = Saving("result limit", "tool results shortened", f"{how}, once each", calls=1, tokens=before - spent)
        task.save(saved)
        if task.events:
            task.events.tell(Shortened(task.events.of, time.time(), call.name, before, spent))
        return replace(result, text=shown, raw=Changed.of(result.raw))


_ALL = ToolResultRules()


def _wish(own: ToolResultRules, rules: ResultRules, task: Task) -> int:
    left = task.left("tokens", "input_tokens")
    limit = own.max_tokens or rules.max_tokens
    return limit if left is None else min(limit, int(left * rules.share))


def _on_one_line(text: str) -> bool:
    """Whether the blanks of a JSON text say nothing. What is laid out may be a file to be edited by its exact text."""
    return "\n" not in text.strip()


def _whole(text: str, room: Room, *, compact: bool) -> str | None:
    """All of a text within its room, as JSON in fewer tokens where that is less; None where it does not fit."""
    if compact and _on_one_line(text) and len(text) <= room.tokens * _COMPACTED:
        compacted = compact_json(text)
        if compacted is not None and not exceeds(compacted, room.tokens, room.count):
            return compacted
    return None if exceeds(text, room.tokens, room.count) else text


def _shortened(text: str, given: Kind | None, room: Room, call: ToolCall, task: Task) -> Generator[Io[Any], Any, str]:
    """What is shown of a text that is over its limit: all of it where it can neither be kept nor is far too long."""
    rules = task.budget.results or ResultRules()
    kind = given or kind_of(text)
    room = replace(room, words=words_of(call))
    scope = scope_of(task, rules)
    shown, marked = yield from beside(text, lambda: _marked(text, room, kind, handle_of(scope, text)))
    if shown.complete and _on_one_line(text):
        return shown.text
    handle = (yield from keep(text, call.name, kind, task)) if call.readable else None
    if handle is not None:
        task.shown_parts.add(marked, handle)
        return marked
    if not call.readable:
        task.note(f"Results of {call.name} over their limit were not shortened: the agent has no read_result.")
    fits: bool = yield from beside(text, lambda: not exceeds(text, rules.hard_cap, room.count))
    if fits:
        return text
    task.note(f"A result of {call.name} could not be kept, and was cut to results.hard_cap, {rules.hard_cap:,} tokens.")
    wide = replace(room, tokens=max(room.tokens, rules.hard_cap))
    _, marked = yield from beside(text, lambda: _marked(text, wide, kind, None))
    return marked


def _marked(text: str, room: Room, kind: Kind, handle: str | None) -> tuple[Shown, str]:
    """What is shown, and that below the line that says what it is; both together within the room."""
    whole, _ = about(text, room.count)
    inner = room.tokens - min(_MARKER, room.tokens // 4)
    while True:
        shown = shorten(text, replace(room, tokens=inner), kind)
        marked = f"{marker(shown.what, whole, handle)}\n{shown.text}"
        over = room.count(marked) - room.tokens
        if over <= 0 or inner <= 1:
            return shown, marked
        inner = max(1, inner - over)

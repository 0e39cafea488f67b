"""Results of tools that only read, given again for the same arguments until their time is over or something writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules, ToolCacheRules
from leanloop.errors import StoreError
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.ground import Ground, Grounds
from leanloop.plugins.cache.keep import kept, unreadable
from leanloop.plugins.cache.replay import kept_result, replayed_result
from leanloop.plugins.cache.single_flight import Turn
from leanloop.plugins.call import ToolCall, ToolResult
from leanloop.plugins.flow import Io, Plugin, ToolFlow
from leanloop.plugins.receipt import Saving
from leanloop.plugins.task import Task

__all__ = ["ToolCache"]

_WORTH = 100_000
"""Nano-dollars: what running a tool is taken to be worth, where nobody says; about a small model call."""


class ToolCache(Plugin):
    """Gives the results of the tools that the budget file declares to change nothing.

    The key is the tool's name and its arguments, whatever their order. Errors are not kept, and neither is what is
    more than text. A call of a tool under `evicted_by` drops what it may have changed, when it has ended, however it
    ended; a result that was being read meanwhile is not kept.

    Args:
        grounds: makes what it stands on.
        clock: seconds since the epoch.
    """

    def __init__(self, grounds: Grounds, *, clock: Callable[[], float] = time.time) -> None:
        self._grounds = grounds
        self._clock = clock

    def idle(self, budget: Budget) -> bool:
        """Whether the budget names no tools to be cached."""
        return budget.cache is None or not (budget.cache.tools or budget.cache.hints)

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        """Give the result again, or run the tool and keep its result."""
        ground = self._grounds.of(task.budget)
        if ground is None:
            result: ToolResult = yield call
            return result
        written = _written_by(call.name, ground.rules)
        rules = _rules_for(call, ground.rules)
        tags = _tags(call, task, ground.rules)
        if written or rules is None or tags is None:
            try:
                result = yield call
            finally:
                yield from _evict(written, ground)
            return result
        key = ground.keys.of_tool(call, tags, rules.ttl).exact
        return (yield from self._read(key, call, task, ground, rules))

    def _read(self, key: str, call: ToolCall, task: Task, ground: Ground, rules: ToolCacheRules) -> ToolFlow:
        turn: Turn = yield Io(ground.flight.join, ground.flight.ajoin, (key,))
        if turn.found is not None:
            known = replayed_result(turn.found.entry.reply)
            if known is not None:
                task.cached(results=1)
                task.save(Saving("cache", f"a result of {call.name} was given again", "counted", calls=1))
                return known
            yield from unreadable(turn.found.entry, ground)
        entry, failed = None, True
        try:
            result: ToolResult = yield call
            failed = False
            if result.plain and not result.is_error:
                entry = yield from kept(
                    self._entry(key, result, call, task.agent, ground.rules.ttl if rules.ttl is None else rules.ttl),
                    turn,
                    ground,
                )
        finally:
            yield Io(ground.flight.leave, ground.flight.aleave, turn, entry, failed=failed)
        task.cached(misses=1)
        return result

    def _entry(self, key: str, result: ToolResult, call: ToolCall, agent: str, ttl: float) -> Entry:
        return Entry(
            key,
            kept_result(result),
            self._clock(),
            ttl,
            worth=_WORTH,
            label=f"{agent}: {call.name}",
            tags=(f"agent:{agent}", f"tool:{call.name}"),
        )


def _rules_for(call: ToolCall, rules: CacheRules) -> ToolCacheRules | None:
    """How a tool is cached: as the file says, else as it says of itself, where the file believes it."""
    named = rules.tools.get(call.name)
    if named is not None or not rules.hints:
        return named
    return _hinted(call.hints)


def _hinted(hints: Mapping[str, object]) -> ToolCacheRules | None:
    """What a tool of an MCP server says: that it only reads, and for how many milliseconds its results hold.

    ``readOnlyHint`` (https://modelcontextprotocol.io/specification/2025-06-18/schema#toolannotations) alone does not
    say that a result may be given again: one that only reads a clock has it too. ``ttlMs`` says so.
    """
    lifetime = hints.get("ttlMs")
    if hints.get("readOnlyHint") is not True or isinstance(lifetime, bool) or not isinstance(lifetime, int | float):
        return None
    return ToolCacheRules(ttl=lifetime / 1000) if 1 <= lifetime <= 86_400_000 * 365 else None


def _tags(call: ToolCall, task: Task, rules: CacheRules) -> Mapping[str, str] | None:
    """Whose result it is; None where a tool says that it is private, and it is not known whose this one is.

    ``cacheScope`` is that of MCP's SEP-2549: ``public`` is the same for everybody.
    """
    scope = call.hints.get("cacheScope") if rules.hints and call.name not in rules.tools else None
    if scope == "public":
        return {}
    return None if scope == "private" and not any(name in task.tags for name in rules.scope) else task.tags


def _written_by(name: str, rules: CacheRules) -> tuple[str, ...]:
    """The tools whose results a call of this one may make wrong."""
    return tuple(tool for tool, its in rules.tools.items() if name in its.evicted_by)


def _evict(tools: tuple[str, ...], ground: Ground) -> Generator[Io[Any], Any, None]:
    for tool in tools:
        try:
            yield Io(ground.store.forget, ground.store.aforget, tag=f"tool:{tool}")
        except StoreError as error:
            ground.tell(error)

"""Tools that were asked for the same again within a run, and whether they gave the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from leanloop.adapters.traces.trace import Trace
from leanloop.budgets.fields import shown
from leanloop.plugins.cache.cacheable import volatile
from leanloop.plugins.repeats import same_arguments

__all__ = ["only_reads", "repeated_results"]

_WORD = re.compile(r"[A-Z]{2,40}(?![a-z])|[A-Z]?[a-z]{1,40}")

_READS = frozenset(
    {"describe", "fetch", "find", "get", "list", "load", "look", "lookup", "read", "retrieve", "search", "show", "view"}
)
_DOES_MORE = frozenset(
    {
        "add",
        "and",
        "clear",
        "create",
        "delete",
        "next",
        "or",
        "pop",
        "put",
        "random",
        "remove",
        "replace",
        "run",
        "save",
    }
    | {"send", "set", "then", "update", "upsert", "write"}
)

_LEAST = 3
"""Repetitions from which on a tool is named."""

_NAMED = 5

_LONGEST_KEY = 1_000
"""Characters; a longer one is shown without the tools that it names."""


@dataclass(slots=True)
class _Tool:
    """What was seen of one tool: calls with a result, those made again within a run, those that gave the same."""

    calls: int = 0
    again: int = 0
    same: int = 0


@dataclass(slots=True)
class _Run:
    """The latest results within one run, by what was asked."""

    reads: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    others: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


def repeated_results(traces: Iterable[Trace]) -> tuple[str, ...]:
    """In words: tools whose results came again, the most often first, with the key for those that only read by name.

    What a tool that may write changes is not known, so a call of one drops all that was read before it, as
    ``evicted_by`` in the key does. No key is given for a tool that was ever seen to give something else.
    """
    tools: dict[str, _Tool] = {}
    for trace in traces:
        _look(trace, tools)
    found = sorted((name for name, its in tools.items() if its.same >= _LEAST), key=lambda name: -tools[name].same)
    writers = [name for name in sorted(tools) if not only_reads(name)]
    steady = [name for name in found if only_reads(name) and tools[name].same == tools[name].again]
    notes = [_with_key(name, tools[name], writers) for name in steady[:_NAMED]]
    others = [name for name in found if name not in steady]
    if others:
        said = ", ".join(f"{shown(name)} ({tools[name].same:,} of {tools[name].again:,})" for name in others[:_NAMED])
        more = f" and {len(others) - _NAMED:,} other tools" if len(others) > _NAMED else ""
        notes.append(
            f"{said}{more} gave the same again for equal arguments in one run, but may change something, or what they "
            "read changes: their results are not to be given again."
        )
    return tuple(notes)


def only_reads(name: str) -> bool:
    """Whether a tool changes nothing, as far as its name says: it begins with a word for reading, and has none for
    anything else, nor for the present moment.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    return bool(words) and words[0] in _READS and _DOES_MORE.isdisjoint(words) and not volatile(" ".join(words))


def _look(trace: Trace, tools: dict[str, _Tool]) -> None:
    run = _Run()
    asked: dict[str, tuple[str, str]] = {}
    for message in trace.messages:
        if message.role == "assistant":
            asked = {call.id: (call.name, same_arguments(call.arguments)) for call in message.tool_calls}
        call = asked.pop(message.tool_call_id, None) if message.role == "tool" and message.tool_call_id else None
        if call is None:
            continue
        tool = tools.setdefault(call[0], _Tool())
        tool.calls += 1
        if only_reads(call[0]):
            known = run.reads
        else:
            known = run.others
            run.reads.clear()
        if message.is_error:
            known.pop(call, None)
            continue
        if call in known:
            tool.again += 1
            tool.same += known[call] == message.text
        known[call] = message.text


def _with_key(name: str, tool: _Tool, writers: list[str]) -> str:
    evicted_by = json.dumps(writers)
    if len(evicted_by) + len(name) > _LONGEST_KEY:
        evicted_by = "[every tool that may change what it reads]"
    return (
        f"The tool {shown(name)} was called {tool.calls:,} times, {tool.again:,} of them again with equal arguments in "
        f"one run, and gave the same each time. If all it does is read, write cache: {{tools: {{{json.dumps(name)}: "
        f"{{evicted_by: {evicted_by}}}}}}}."
    )

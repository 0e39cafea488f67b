"""Puts the model calls of one trace together into runs.

Calls whose prompt goes on from where another's reply ended are one run; a sub-agent's, or those after a summary has
replaced the history, are another run of the same trace. What stood in the prompt of the first call was told to it, not
asked for in this run.

A call that is told of twice, by a model and by what is wrapped around it, is one: same prompt, same reply, one within
the time of the other.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from leanloop.adapters.traces.found import FoundCall, FoundTrace
from leanloop.adapters.traces.prefix_hashes import prefix_hashes
from leanloop.adapters.traces.tool_runs import Conversation, told_apart
from leanloop.adapters.traces.trace import UNSAID, RecordedCall, Trace
from leanloop.budgets.message import Message

__all__ = ["joined"]

_UNNAMED = "events"
"""Runs of which the record names no trace."""


@dataclass(slots=True)
class _Run:
    messages: tuple[Message, ...]
    calls: list[RecordedCall]


def joined(name: str | None, found: FoundTrace) -> Iterator[Trace]:
    """The runs of a trace, by its name where it has one; the first has what belongs to no other."""
    runs: list[_Run] = []
    ends: defaultdict[int, deque[_Run]] = defaultdict(deque)  # by the hash of all their messages
    for call in _once(found.calls):
        whole = (*call.prompt, call.reply)
        hashes = prefix_hashes(whole)
        run = _taken(ends, hashes, whole, len(call.prompt))
        if run is None:
            run = _Run(whole, [])
            runs.append(run)
        run.messages = whole
        run.calls.append(call.recorded(len(call.prompt), found.agent))
        ends[hashes[-1]].append(run)
    unsaid = tuple(call.recorded(UNSAID, found.agent) for call in _once(found.unsaid))
    if unsaid and not runs:
        runs.append(_Run((), []))
    tools = told_apart(
        [replace(tool, agent=tool.agent or found.agent) for tool in found.tools],
        [Conversation(run.messages, [call.place for call in run.calls]) for run in runs],
    )
    status, tags = "error" if found.failed else None, tuple(sorted(found.tags.items()))
    for number, (run, its) in enumerate(zip(runs, tools, strict=True), start=1):
        own = name or _UNNAMED
        own, more = (own, unsaid) if number == 1 else (f"{own}/{number}", ())
        yield Trace(own, run.messages, found.reward, status, tuple(run.calls), name, tags, more, its, found.file)


def _taken(
    ends: Mapping[int, deque[_Run]], hashes: Sequence[int], whole: tuple[Message, ...], prompt: int
) -> _Run | None:
    """The first run that ends where a prompt goes on, as far on as may be; it ends there no longer."""
    for place in range(prompt, 0, -1):
        waiting = ends.get(hashes[place])
        if waiting and waiting[0].messages == whole[:place]:
            return waiting.popleft()
    return None


def _once(calls: Sequence[FoundCall]) -> list[FoundCall]:
    """The calls in the order they began, without those that only hold another."""
    ordered = sorted(calls, key=lambda call: (_time(call), len(call.prompt)))
    kept: list[FoundCall] = []
    for call in ordered:
        if kept and kept[-1].holds(call):
            kept[-1] = call
        else:
            kept.append(call)
    return kept


def _time(call: FoundCall) -> float:
    known = call.ended if call.began is None else call.began
    return math.inf if known is None else known

"""Puts the model calls of a record together into runs.

Traces of frameworks hold a model call at a time, each with its whole prompt. Calls of one trace whose prompt goes on
from where another's reply ended are one run; a sub-agent's, or those after a summary has replaced the history, are
another run of the same trace. What stood in the prompt of the first call was told to it, not asked for in this run.

A call that is told of twice, by a model and by what is wrapped around it, is one: same prompt, same reply, one within
the time of the other.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from leanloop.adapters.traces.tool_runs import Conversation, told_apart
from leanloop.adapters.traces.trace import UNSAID, RecordedCall, RecordedTool, Trace
from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage

__all__ = ["FoundCall", "Gathering"]

_LETTERS = 200_000_000
"""Of the messages that are kept, over all traces."""

_UNNAMED = "events"
"""Runs of which the record names no trace."""


@dataclass(frozen=True, slots=True)
class FoundCall:
    """One model call as a record has it; times as Unix time, `id` the record's own name for it in its trace."""

    prompt: tuple[Message, ...]
    reply: Message
    model: str | None = None
    usage: Usage | None = None
    cost: int | None = None
    began: float | None = None
    ended: float | None = None
    agent: str | None = None
    phase: str | None = None
    error: str | None = None
    id: str | None = None

    def holds(self, other: FoundCall) -> bool:
        """Whether the other's time lies within its own, and it says the same; where it says nothing, used the same."""
        times = (self.began, other.began, other.ended, self.ended)
        known = [time for time in times if time is not None]
        return (
            len(known) == len(times)
            and known == sorted(known)
            and self.prompt == other.prompt
            and self.reply == other.reply
            and (bool(self.prompt) or self.usage == other.usage)
        )

    def recorded(self, place: int, agent: str | None) -> RecordedCall:
        """What is known of it beside its texts; `agent` where it names none."""
        began, ended = self.began, self.ended
        seconds = None if began is None or ended is None else max(0.0, ended - began)
        return RecordedCall(
            place, self.model, self.usage, self.cost, began, seconds, self.agent or agent, self.phase, self.error
        )


@dataclass(slots=True)
class _Found:
    calls: list[FoundCall] = field(default_factory=list[FoundCall])
    known: dict[Message, Message] = field(default_factory=dict[Message, Message])
    there: set[int] = field(default_factory=set[int])  # what was added under an id, by its hash
    letters: int = 0
    reward: float | None = None
    failed: bool = False
    agent: str | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])
    unsaid: list[FoundCall] = field(default_factory=list[FoundCall])
    tools: list[RecordedTool] = field(default_factory=list[RecordedTool])


class Gathering:
    """Calls by trace, None for those of which no trace is named.

    Only `most` traces are kept, with so many `letters` in their messages: with more, that which heard nothing for
    longest is given out.
    """

    def __init__(self, most: int = 10_000, letters: int = _LETTERS) -> None:
        self._most = most
        self._most_letters = letters
        self._letters = 0
        self._found: OrderedDict[str | None, _Found] = OrderedDict()

    def add(self, trace: str | None, call: FoundCall) -> None:
        """Add a call. Equal messages are kept once, so that a long run does not hold its history again and again."""
        found = self._of(trace)
        if _was_there(call, found.there):
            return
        known = found.known
        new = sum(_letters(message) for message in (*call.prompt, call.reply) if message not in known)
        found.letters += new
        self._letters += new
        prompt = tuple(known.setdefault(message, message) for message in call.prompt)
        reply = known.setdefault(call.reply, call.reply)
        found.calls.append(replace(call, prompt=prompt, reply=reply))

    def add_unsaid(self, trace: str, call: FoundCall) -> None:
        """Add a call whose texts are not recorded, or that failed: its prompt and reply are empty."""
        found = self._of(trace)
        if not _was_there(call, found.there):
            found.unsaid.append(call)

    def add_tool(self, trace: str, tool: RecordedTool) -> None:
        """Add a tool that ran."""
        self._of(trace).tools.append(tool)

    def describe(self, trace: str | None, *, agent: str | None = None, tags: Iterable[tuple[str, str]] = ()) -> None:
        """Who made the calls that name nobody, and what the trace was for; what is said first stays."""
        found = self._of(trace)
        found.agent = found.agent or agent
        found.tags = dict(tags) | found.tags

    def judge(self, trace: str, *, reward: float | None = None, failed: bool = False) -> None:
        """What the trace was judged to be worth, and whether it ended with an error."""
        found = self._of(trace)
        found.reward = found.reward if reward is None else reward
        found.failed |= failed

    def ready(self) -> Iterator[Trace]:
        """The runs of traces there is no more room for."""
        while len(self._found) > self._most or (self._letters > self._most_letters and len(self._found) > 1):
            name, found = self._found.popitem(last=False)
            self._letters -= found.letters
            yield from _runs(name, found)

    def rest(self) -> Iterator[Trace]:
        """The runs of all traces that are left."""
        while self._found:
            yield from _runs(*self._found.popitem(last=False))

    def _of(self, trace: str | None) -> _Found:
        found = self._found.setdefault(trace, _Found())
        self._found.move_to_end(trace)
        return found


@dataclass(slots=True)
class _Run:
    messages: tuple[Message, ...]
    calls: list[RecordedCall]


def _runs(name: str | None, found: _Found) -> Iterator[Trace]:
    runs: list[_Run] = []
    ends: dict[int, _Run] = {}  # by the hash of all its messages
    for call in _once(found.calls):
        whole = (*call.prompt, call.reply)
        hashes = _hashes(whole)
        run = None
        for place in range(len(call.prompt), 0, -1):
            run = ends.get(hashes[place])
            if run is not None and run.messages == whole[:place]:
                del ends[hashes[place]]
                break
            run = None
        if run is None:
            run = _Run(whole, [])
            runs.append(run)
        run.messages = whole
        run.calls.append(call.recorded(len(call.prompt), found.agent))
        ends[hashes[-1]] = run
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
        yield Trace(own, run.messages, found.reward, status, tuple(run.calls), name, tags, more, its)


def _once(calls: Sequence[FoundCall]) -> list[FoundCall]:
    """The calls in the order they began, without those that only hold another."""
    ordered = sorted(calls, key=lambda call: (call.began if call.began is not None else math.inf, len(call.prompt)))
    kept: list[FoundCall] = []
    for call in ordered:
        if kept and kept[-1].holds(call):
            kept[-1] = call
        else:
            kept.append(call)
    return kept


def _was_there(call: FoundCall, there: set[int]) -> bool:
    if call.id is None:
        return False
    before, own = len(there), hash((call.id, call.prompt, call.reply))
    there.add(own)
    return len(there) == before


def _letters(message: Message) -> int:
    return len(message.text) + sum(len(call.arguments) for call in message.tool_calls)


def _hashes(messages: Sequence[Message]) -> list[int]:
    """Of the first none, one, two ... messages."""
    found = [0]
    for message in messages:
        found.append(hash((found[-1], message)))
    return found

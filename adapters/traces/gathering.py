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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from leanloop.adapters.traces.trace import RecordedCall, Trace
from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage

__all__ = ["FoundCall", "Gathering"]


@dataclass(frozen=True, slots=True)
class FoundCall:
    """One model call as a record has it; times as Unix time."""

    prompt: tuple[Message, ...]
    reply: Message
    model: str | None = None
    usage: Usage | None = None
    cost: int | None = None
    began: float | None = None
    ended: float | None = None

    def holds(self, other: FoundCall) -> bool:
        """Whether the other's time lies within its own, and it says the same."""
        times = (self.began, other.began, other.ended, self.ended)
        known = [time for time in times if time is not None]
        return (
            len(known) == len(times)
            and known == sorted(known)
            and self.prompt == other.prompt
            and self.reply == other.reply
        )


@dataclass(slots=True)
class _Found:
    calls: list[FoundCall] = field(default_factory=list[FoundCall])
    known: dict[Message, Message] = field(default_factory=dict[Message, Message])
    reward: float | None = None
    failed: bool = False


class Gathering:
    """Calls by trace. Only `most` traces are kept: with one more, that which heard nothing for longest is given out."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._found: OrderedDict[str, _Found] = OrderedDict()

    def add(self, trace: str, call: FoundCall) -> None:
        """Add a call. Equal messages are kept once, so that a long run does not hold its history again and again."""
        found = self._of(trace)
        known = found.known
        prompt = tuple(known.setdefault(message, message) for message in call.prompt)
        reply = known.setdefault(call.reply, call.reply)
        found.calls.append(FoundCall(prompt, reply, call.model, call.usage, call.cost, call.began, call.ended))

    def judge(self, trace: str, *, reward: float | None = None, failed: bool = False) -> None:
        """What the trace was judged to be worth, and whether it ended with an error."""
        found = self._of(trace)
        found.reward = found.reward if reward is None else reward
        found.failed |= failed

    def ready(self) -> Iterator[Trace]:
        """The runs of traces there is no more room for."""
        while len(self._found) > self._most:
            yield from _runs(*self._found.popitem(last=False))

    def rest(self) -> Iterator[Trace]:
        """The runs of all traces that are left."""
        while self._found:
            yield from _runs(*self._found.popitem(last=False))

    def _of(self, trace: str) -> _Found:
        found = self._found.setdefault(trace, _Found())
        self._found.move_to_end(trace)
        return found


@dataclass(slots=True)
class _Run:
    messages: tuple[Message, ...]
    calls: list[RecordedCall]


def _runs(name: str, found: _Found) -> Iterator[Trace]:
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
        began, ended = call.began, call.ended
        seconds = None if began is None or ended is None else max(0.0, ended - began)
        run.calls.append(RecordedCall(len(call.prompt), call.model, call.usage, call.cost, began, seconds))
        ends[hashes[-1]] = run
    status = "error" if found.failed else None
    for number, run in enumerate(runs, start=1):
        own = name if number == 1 else f"{name}/{number}"
        yield Trace(own, run.messages, found.reward, status, tuple(run.calls))


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


def _hashes(messages: Sequence[Message]) -> list[int]:
    """Of the first none, one, two ... messages."""
    found = [0]
    for message in messages:
        found.append(hash((found[-1], message)))
    return found

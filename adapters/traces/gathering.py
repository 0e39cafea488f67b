"""Gathers the model calls of a record by trace, as far as there is room for them.

Traces of frameworks hold a model call at a time, each with its whole prompt; those of one trace may be anywhere in a
file. How they become runs is in `leanloop.adapters.traces.joined`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from leanloop.adapters.traces.found import FoundCall, FoundTrace
from leanloop.adapters.traces.joined import joined
from leanloop.adapters.traces.records import Record
from leanloop.adapters.traces.trace import RecordedTool, Trace
from leanloop.budgets.message import Message
from leanloop.errors import TraceError

__all__ = ["Gathering"]

_LETTERS = 200_000_000
"""Of the messages that are kept, over all traces."""

_MOST_TAGS = 100
"""Of one trace; each of its rows in a report has them all."""


class Gathering:
    """Calls by trace, None for those of which no trace is named.

    Only `most` traces are kept, with so many `letters` in their messages: with more, that which heard nothing for
    longest is given out.
    """

    def __init__(self, most: int = 10_000, letters: int = _LETTERS) -> None:
        self._most = most
        self._most_letters = letters
        self._letters = 0
        self._found: OrderedDict[str | None, FoundTrace] = OrderedDict()

    def runs(
        self, records: Iterator[Record | TraceError], file: str, wrong: str, take: Callable[[object], Iterable[str]]
    ) -> Iterator[Trace | TraceError]:
        """The runs in records; what cannot be read comes as the error that says why.

        Args:
            records: of the file, in order.
            file: its name, for errors.
            wrong: what a record is not, for errors.
            take: adds what a record's value holds, and says which parts of it cannot be taken; a ValueError is of the
                whole of it.
        """
        for record in records:
            if isinstance(record, TraceError):
                yield record
                continue
            try:
                for part in take(record.value(file)):
                    yield TraceError(part, file=file, line=record.line)
            except TraceError as error:
                yield error
            except ValueError as error:
                yield TraceError(f"{wrong}: {error}", file=file, line=record.line)
            yield from self.ready()
        yield from self.rest()

    def add(self, trace: str | None, call: FoundCall) -> None:
        """Add a call, once where it has an id."""
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
        """Who made the calls that name nobody, and what the trace was for; what is said first stays.

        A trace is described once as a rule, but a broken record may do so at each call: tags beyond 100 are left out.
        """
        found = self._of(trace)
        found.agent = found.agent or agent
        for tag, value in tags:
            if len(found.tags) < _MOST_TAGS:
                found.tags.setdefault(tag, value)

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
            yield from joined(name, found)

    def rest(self) -> Iterator[Trace]:
        """The runs of all traces that are left."""
        while self._found:
            yield from joined(*self._found.popitem(last=False))

    def _of(self, trace: str | None) -> FoundTrace:
        found = self._found.setdefault(trace, FoundTrace())
        self._found.move_to_end(trace)
        return found


def _was_there(call: FoundCall, there: set[int]) -> bool:
    if call.id is None:
        return False
    before, own = len(there), hash((call.id, call.prompt, call.reply))
    there.add(own)
    return len(there) == before


def _letters(message: Message) -> int:
    return len(message.text) + sum(len(call.arguments) for call in message.tool_calls)

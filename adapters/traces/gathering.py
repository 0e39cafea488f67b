"""Gathers the model calls of a record by trace, as far as there is room for them.

Traces of frameworks hold a model call at a time, each with its whole prompt; those of one trace may be anywhere in a
file, or in several. How they become runs is in `leanloop.adapters.traces.joined`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from leanloop.adapters.traces.found import FoundCall, FoundTrace
from leanloop.adapters.traces.joined import joined
from leanloop.adapters.traces.recorded_value import Record
from leanloop.adapters.traces.trace import RecordedTool, Trace
from leanloop.budgets.message import Message
from leanloop.errors import TraceError

__all__ = ["Gathering"]

_LETTERS = 200_000_000
"""Of the messages that are kept, over all traces."""

_MOST_TAGS = 100
"""Of one trace; each of its rows in a report has them all."""


def _no_pieces(own: str, pieces: list[object]) -> list[FoundCall]:
    """Of a format that never tells of a call in pieces."""
    return []


class Gathering:
    """Calls by trace, None for those of which no trace is named, from as many files as they are spread over.

    Only `most` traces are kept, with so many `letters` in their messages: with more, that which heard nothing for
    longest is given out.

    Args:
        most, letters: see above.
        unsaid: runs have `Trace.unsaid`; else a call that did not fail and has no texts is an error.
        whole: makes calls of an id and the pieces that were added of it.
    """

    def __init__(
        self,
        most: int = 10_000,
        letters: int = _LETTERS,
        *,
        unsaid: bool = False,
        whole: Callable[[str, list[object]], list[FoundCall]] = _no_pieces,
    ) -> None:
        self._most = most
        self._most_letters = letters
        self._unsaid = unsaid
        self._whole = whole
        self._letters = 0
        self._file, self._line = "", 0
        self._found: OrderedDict[str | None, FoundTrace] = OrderedDict()

    def runs(
        self, records: Iterator[Record | TraceError], file: str, wrong: str, take: Callable[[object], Iterable[str]]
    ) -> Iterator[Trace | TraceError]:
        """The runs in the records of a file that no other file can add to; what cannot be read comes as the error that
        says why. Those of traces wait for `rest`, or for there to be no more room.

        Args:
            records: of the file, in order.
            file: its name, for errors.
            wrong: what a record is not, for errors.
            take: adds what a record's value holds, and says which parts of it cannot be taken; a ValueError is of the
                whole of it.
        """
        self._file = file
        for record in records:
            if isinstance(record, TraceError):
                yield record
                continue
            self._line = record.line
            try:
                for part in take(record.value(file)):
                    yield self._error(part)
            except TraceError as error:
                yield error
            except ValueError as error:
                yield self._error(f"{wrong}: {error}")
            yield from self.ready()
        if None in self._found:
            yield from self._out(None, self._found.pop(None))

    def ready(self) -> Iterator[Trace | TraceError]:
        """The runs of traces there is no more room for."""
        while len(self._found) > self._most or (self._letters > self._most_letters and len(self._found) > 1):
            yield from self._out(*self._found.popitem(last=False))

    def rest(self) -> Iterator[Trace | TraceError]:
        """The runs of all traces that are left."""
        while self._found:
            yield from self._out(*self._found.popitem(last=False))

    def add(self, trace: str | None, call: FoundCall) -> None:
        """Add a call, once where it has an id."""
        found = self._of(trace)
        if not _was_there(call, found.there):
            found.calls.append(self._kept(call, found))

    def add_unsaid(self, trace: str, call: FoundCall, why: str | None = None) -> None:
        """Add a call whose texts are not recorded, or that failed: its prompt and reply are empty.

        Args:
            trace: it is of.
            call: it.
            why: what to say of it, if it has no texts and should have; None of one that need not.
        """
        found = self._of(trace)
        if not _was_there(call, found.there):
            found.unsaid.append(call)
            self._complain(found, call, why)

    def add_told(self, trace: str, call: FoundCall, why: str | None = None) -> None:
        """Add what a record that stands apart from a call tells of it, by the id of the call or of what it is in."""
        found = self._of(trace)
        if not _was_there(call, found.there):
            found.told.setdefault(call.id or "", []).append(self._kept(call, found))
            self._complain(found, call, why)

    def add_piece(self, trace: str, own: str, piece: object, letters: int) -> None:
        """Add one of the records that only together tell of a call, by the id of the call or of what it is in."""
        found = self._of(trace)
        found.pieces.setdefault(own, []).append(piece)
        found.letters += letters
        self._letters += letters

    def add_tool(self, trace: str | None, tool: RecordedTool) -> None:
        """Add a tool that ran, once where it is known when."""
        found = self._of(trace)
        if tool.began is None or hash(tool) not in found.there:
            found.there.add(hash(tool))
            found.tools.append(tool)

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

    def _of(self, trace: str | None) -> FoundTrace:
        found = self._found.setdefault(trace, FoundTrace(self._file))
        self._found.move_to_end(trace)
        return found

    def _kept(self, call: FoundCall, found: FoundTrace) -> FoundCall:
        known = found.known
        new = sum(_letters(message) for message in (*call.prompt, call.reply) if message not in known)
        found.letters += new
        self._letters += new
        prompt = tuple(known.setdefault(message, message) for message in call.prompt)
        return replace(call, prompt=prompt, reply=known.setdefault(call.reply, call.reply))

    def _complain(self, found: FoundTrace, call: FoundCall, why: str | None) -> None:
        if why is not None:
            found.why.setdefault(call.id or f"line {self._line}", self._error(why))

    def _error(self, message: str) -> TraceError:
        return TraceError(message, file=self._file, line=self._line)

    def _out(self, name: str | None, found: FoundTrace) -> Iterator[Trace | TraceError]:
        self._letters -= found.letters
        found.tell_texts(self._whole)
        if not self._unsaid:
            yield from found.why.values()
            found.unsaid.clear()
        yield from joined(name, found)


def _was_there(call: FoundCall, there: set[int]) -> bool:
    if call.id is None:
        return False
    before, own = len(there), hash((call.id, call.prompt, call.reply))
    there.add(own)
    return len(there) == before


def _letters(message: Message) -> int:
    return len(message.text) + sum(len(call.arguments) for call in message.tool_calls)

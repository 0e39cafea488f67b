"""Which format a file of recorded runs is in, by what its first value holds, and its runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, Protocol

from leanloop.adapters.traces.fields import at
from leanloop.adapters.traces.form import TraceFormat
from leanloop.adapters.traces.langsmith import is_langsmith, read_langsmith
from leanloop.adapters.traces.llama_index import is_llama_index, read_llama_index
from leanloop.adapters.traces.openai import parse_trace
from leanloop.adapters.traces.otel import is_otel, read_otel
from leanloop.adapters.traces.records import LONGEST_VALUE, Record, read_records
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_list

__all__ = ["read_runs", "recorded_format"]

_LOOKED_AT = 20
"""Values that may be broken before the first that tells."""


class _Read(Protocol):
    def __call__(
        self, records: Iterator[Record | TraceError], file: str, *, unsaid: bool = False
    ) -> Iterator[Trace | TraceError]: ...


def read_runs(
    stream: IO[bytes],
    file: str,
    form: TraceFormat | None = None,
    *,
    longest: int = LONGEST_VALUE,
    unsaid: bool = False,
) -> Iterator[Trace | TraceError]:
    """The runs of an open file, one at a time; what is none comes as the error that says why.

    Args:
        stream: read to its end, and not held whole.
        file: the name that errors carry.
        form: its format; None to go by what its first values hold.
        longest: bytes of one value.
        unsaid: give also what no agent can be played from: calls whose texts are not recorded (no error then), and
            those that failed, as `Trace.unsaid`, in a run that may have no messages.
    """
    records = read_records(stream, file, longest=longest)
    if form is None:
        first: list[Record | TraceError] = []
        while form is None and len(first) < _LOOKED_AT and (more := next(records, None)) is not None:
            first.append(more)
            form = _format(_value(more))
        records = itertools.chain(first, records)
    yield from _READ[form or TraceFormat.OPENAI](records, file, unsaid=unsaid)


def recorded_format(stream: IO[bytes]) -> TraceFormat | None:
    """The format of recorded runs that the first values of a file are in; None where they are in none of them."""
    for record in itertools.islice(read_records(BytesIO(stream.read(LONGEST_VALUE)), ""), _LOOKED_AT):
        value = _value(record)
        form = _format(value)
        if form is not None:
            return form if form != TraceFormat.OPENAI or is_list(at(value, "messages")) else None
    return None


def _value(record: Record | TraceError) -> object:
    """What it says, None where it is broken."""
    try:
        return None if isinstance(record, TraceError) else record.value("")
    except TraceError:
        return None


def _format(value: object) -> TraceFormat | None:
    """The format that a value is in: any that is no other's is taken for OpenAI's; None where there is no value."""
    if value is None:
        return None
    return next((form for form, holds in _HOLDS.items() if holds(value)), TraceFormat.OPENAI)


def _read_openai(
    records: Iterator[Record | TraceError], file: str, *, unsaid: bool = False
) -> Iterator[Trace | TraceError]:
    for record in records:
        if isinstance(record, TraceError):
            yield record
            continue
        try:
            yield parse_trace(record.text, file, record.line)
        except TraceError as error:
            yield error


_HOLDS: dict[TraceFormat, Callable[[object], bool]] = {
    TraceFormat.LANGSMITH: is_langsmith,
    TraceFormat.OTEL: is_otel,
    TraceFormat.LLAMA_INDEX: is_llama_index,
}
_READ: dict[TraceFormat, _Read] = {
    TraceFormat.OPENAI: _read_openai,
    TraceFormat.LANGSMITH: read_langsmith,
    TraceFormat.OTEL: read_otel,
    TraceFormat.LLAMA_INDEX: read_llama_index,
}

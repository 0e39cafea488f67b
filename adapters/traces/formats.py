"""Which format files of recorded runs are in, by what their first values hold, and their runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO, Protocol

from leanloop.adapters.traces.fields import at
from leanloop.adapters.traces.form import TraceFormat
from leanloop.adapters.traces.langsmith import LangSmithRuns, is_langsmith
from leanloop.adapters.traces.llama_index import LlamaIndexRuns, is_llama_index
from leanloop.adapters.traces.openai_runs import OpenAIRuns
from leanloop.adapters.traces.otel import OtelRuns, is_otel
from leanloop.adapters.traces.parquet import MAGIC
from leanloop.adapters.traces.recorded_value import LONGEST_VALUE, Record
from leanloop.adapters.traces.records import read_records
from leanloop.adapters.traces.trace import Trace
from leanloop.errors import TraceError
from leanloop.plugins.shorten.json_read import is_list

__all__ = ["Recordings", "read_runs", "recorded_format"]

_LOOKED_AT = 20
"""Values that may be broken before the first that tells."""


class _Runs(Protocol):
    """The runs of one format."""

    def read(self, records: Iterator[Record | TraceError], file: str) -> Iterator[Trace | TraceError]: ...

    def rest(self) -> Iterator[Trace | TraceError]: ...


class Recordings:
    """Runs of files that are read one after the other: those of one trace come together, in however many it is told of.

    Args:
        form: of all files; None to go by what the first values of each hold.
        longest: bytes of one value.
        unsaid: give also what no agent can be played from: calls whose texts are not recorded (no error then), and
            those that failed, as `Trace.unsaid`, in a run that may have no messages.
    """

    def __init__(self, form: TraceFormat | None = None, *, longest: int = LONGEST_VALUE, unsaid: bool = False) -> None:
        self._form = form
        self._longest = longest
        self._unsaid = unsaid
        self._runs: dict[TraceFormat, _Runs] = {}

    def read(self, stream: IO[bytes], file: str, form: TraceFormat | None = None) -> Iterator[Trace | TraceError]:
        """The runs of an open file that no other can add to, one at a time; what is none comes as the error that says
        why.

        Args:
            stream: read to its end, and not held whole.
            file: the name that errors carry.
            form: its format, where it is known.
        """
        records = read_records(stream, file, longest=self._longest)
        form = form or self._form
        if form is None:
            first: list[Record | TraceError] = []
            while form is None and len(first) < _LOOKED_AT and (more := next(records, None)) is not None:
                first.append(more)
                form = _format(_value(more))
            records = itertools.chain(first, records)
        form = form or TraceFormat.OPENAI
        if form not in self._runs:
            self._runs[form] = _RUNS[form](unsaid=self._unsaid)
        yield from self._runs[form].read(records, file)

    def rest(self) -> Iterator[Trace | TraceError]:
        """The runs of traces that more files might have told of, once there is no other file."""
        for runs in self._runs.values():
            yield from runs.rest()


def read_runs(
    stream: IO[bytes],
    file: str,
    form: TraceFormat | None = None,
    *,
    longest: int = LONGEST_VALUE,
    unsaid: bool = False,
) -> Iterator[Trace | TraceError]:
    """The runs of one file, one at a time; see `Recordings`."""
    recordings = Recordings(form, longest=longest, unsaid=unsaid)
    yield from recordings.read(stream, file)
    yield from recordings.rest()


def recorded_format(stream: IO[bytes]) -> TraceFormat | None:
    """The format of recorded runs that the first values of a file are in; None where they are in none of them."""
    if stream.read(len(MAGIC)) == MAGIC:
        stream.seek(0)
        begun = stream  # whose end says where its values are
    else:
        stream.seek(0)
        begun = BytesIO(stream.read(LONGEST_VALUE))
    for record in itertools.islice(read_records(begun, ""), _LOOKED_AT):
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


_HOLDS: dict[TraceFormat, Callable[[object], bool]] = {
    TraceFormat.LANGSMITH: is_langsmith,
    TraceFormat.OTEL: is_otel,
    TraceFormat.LLAMA_INDEX: is_llama_index,
}
_RUNS: dict[TraceFormat, Callable[..., _Runs]] = {
    TraceFormat.OPENAI: OpenAIRuns,
    TraceFormat.LANGSMITH: LangSmithRuns,
    TraceFormat.OTEL: OtelRuns,
    TraceFormat.LLAMA_INDEX: LlamaIndexRuns,
}

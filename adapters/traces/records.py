"""Takes a file apart into JSON values without holding all of it: JSON Lines, an array, or values one after the other,
plain or packed by gzip or zstd; or the rows of Parquet.

A value is at most 64 MiB; NaN and Infinity are not JSON; a nesting deeper than the parser's own bound is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from leanloop.adapters.traces.brackets import opens, values_in_brackets
from leanloop.adapters.traces.packed import BROKEN, unpacked
from leanloop.adapters.traces.parquet import is_parquet, rows_of
from leanloop.adapters.traces.recorded_value import LONGEST_VALUE, Record
from leanloop.errors import TraceError

__all__ = ["read_records"]

_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 20


def read_records(stream: IO[bytes], file: str, *, longest: int = LONGEST_VALUE) -> Iterator[Record | TraceError]:
    """The values of an open file; one that is too long comes as the error that says so, and the reading goes on.

    The first line decides: where it holds a whole value, or none at all, every line is one value, and a broken line
    costs only itself. Where it opens one that ends further down (an array, or an object over several lines), values
    are told apart by their brackets.
    """
    line = 1
    try:
        with unpacked(stream) as plain:
            for record in rows_of(plain, file, longest) if is_parquet(plain) else _records(plain, file, longest):
                line = record.line
                yield record
    except ValueError as error:
        yield TraceError(f"{error}", file=file, line=line)
    except BROKEN as error:
        yield TraceError(f"is cut off or damaged where it is packed: {error}", file=file, line=line)


def _records(stream: IO[bytes], file: str, longest: int) -> Iterator[Record | TraceError]:
    number = 0
    first = b""
    while not first.strip():
        first = stream.readline(longest + 1)
        number += 1
        if not first:
            return
        first = first.removeprefix(_BOM) if number == 1 else first
    if first.lstrip().startswith(b"[") or (first.endswith(b"\n") and opens(first)):
        yield from values_in_brackets(_chunks(first, stream), number, file, longest)
        return
    while first:
        if len(first) > longest:
            _skip_rest(stream, first)
            yield TraceError(f"is longer than {longest:,} bytes", file=file, line=number)
        elif first.strip():
            yield Record(number, first)
        first = stream.readline(longest + 1)
        number += 1


def _skip_rest(stream: IO[bytes], part: bytes) -> None:
    while part and not part.endswith(b"\n"):
        part = stream.readline(_CHUNK)


def _chunks(first: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield first
    yield from iter(lambda: stream.read(_CHUNK), b"")

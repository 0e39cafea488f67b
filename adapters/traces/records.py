"""Takes a file apart into JSON values without holding all of it: JSON Lines, an array, or values one after the other,
packed by gzip or not.

A value is at most 64 MiB; NaN and Infinity are not JSON; a nesting deeper than the parser's own bound is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from pydantic_core import from_json

from leanloop.adapters.traces.packed import BROKEN, unpacked
from leanloop.errors import TraceError

__all__ = ["LONGEST_VALUE", "Record", "read_records"]

LONGEST_VALUE = 64 * 1024 * 1024
"""Bytes."""

_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 20
_MARK = re.compile(rb'[{}\[\]"]')
_STRING_END = re.compile(rb'["\\]')
_BETWEEN = (b" ", b"\t", b"\r", b"\n", b",")
_ARRAY_END = ord("]")


@dataclass(frozen=True, slots=True)
class Record:
    """One value: its text, and the line it begins in."""

    line: int
    text: bytes

    def value(self, file: str) -> object:
        """What the text says.

        Raises:
            TraceError: it is not JSON.
        """
        try:
            return from_json(self.text, allow_inf_nan=False)
        except ValueError as error:
            raise TraceError(f"is not JSON: {error}", file=file, line=self.line) from None


def read_records(stream: IO[bytes], file: str, *, longest: int = LONGEST_VALUE) -> Iterator[Record | TraceError]:
    """The values of an open file; one that is too long comes as the error that says so, and the reading goes on.

    The first line decides: where it holds a whole value, or none at all, every line is one value, and a broken line
    costs only itself. Where it opens one that ends further down (an array, or an object over several lines), values
    are told apart by their brackets.
    """
    line = 1
    try:
        with unpacked(stream) as plain:
            for record in _records(plain, file, longest):
                line = record.line
                yield record
    except ValueError as error:
        yield TraceError(f"{error}", file=file, line=line)
    except BROKEN as error:
        yield TraceError(f"is cut off or damaged within its gzip: {error}", file=file, line=line)


def _records(stream: IO[bytes], file: str, longest: int) -> Iterator[Record | TraceError]:
    number = 0
    first = b""
    while not first.strip():
        first = stream.readline(longest + 1)
        number += 1
        if not first:
            return
        first = first.removeprefix(_BOM) if number == 1 else first
    if first.lstrip().startswith(b"[") or (first.endswith(b"\n") and _opens(first)):
        yield from _Brackets(file, longest).read(_chunks(first, stream), number)
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


def _opens(line: bytes) -> bool:
    """Whether an object begins in this line that does not end in it."""
    if not line.lstrip().startswith(b"{"):
        return False
    depth = _Depth()
    depth.read(line, 0)
    return depth.level > 0 and not depth.in_string


def _chunks(first: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    yield first
    yield from iter(lambda: stream.read(_CHUNK), b"")


class _Depth:
    """How many brackets are open, and whether a string is, after the bytes read so far."""

    def __init__(self) -> None:
        self.level = 0
        self.in_string = False
        self._escaped = 0

    def read(self, data: bytes, start: int, until: int = -1) -> int:
        """Read on from `start`; gives the place behind the bracket that brings the level to `until`, else the end."""
        place = start
        while place < len(data):
            if self._escaped:
                place += self._escaped
                self._escaped = 0
                continue
            found = (_STRING_END if self.in_string else _MARK).search(data, place)
            if found is None:
                return len(data)
            place = found.end()
            mark = found[0]
            if mark == b"\\":
                self._escaped = 1
            elif mark == b'"':
                self.in_string = not self.in_string
            else:
                self.level += 1 if mark in b"{[" else -1
                if self.level == until and mark in b"}]":
                    return place
        return place


class _Brackets:
    """Tells values apart by their brackets: elements of an array that is the whole file, or objects in a row."""

    def __init__(self, file: str, longest: int) -> None:
        self._file = file
        self._longest = longest
        self._depth = _Depth()
        self._between: int | None = None  # the level between values: 1 within the array; None before the first byte
        self._line = self._begun = 1
        self._parts: list[bytes] = []
        self._size = 0

    def read(self, chunks: Iterator[bytes], line: int) -> Iterator[Record | TraceError]:
        """The values in the chunks, of which the first begins in this line."""
        self._line = line
        for chunk in chunks:
            place = 0
            while place < len(chunk):
                place = place if self._size else self._begin(chunk, place)
                if place < 0:
                    if chunk[-1 - place] != _ARRAY_END or not self._between:
                        yield self._error("is no JSON object; from here on nothing is read", self._line)
                    return
                if place < len(chunk):
                    place = self._go_on(chunk, place)
                    if self._depth.level == self._between:
                        yield self._whole()
        if self._size:
            yield self._error("begins a value that does not end", self._begun)
        elif self._between:
            yield self._error("ends within an array", self._line)

    def _begin(self, chunk: bytes, place: int) -> int:
        """The place of the next value, or the end; below zero (-1 - the place) where no value begins there."""
        start = place
        while place < len(chunk):
            mark = chunk[place : place + 1]
            if mark == b"[" and self._between is None:
                self._between = self._depth.level = 1
            elif mark not in _BETWEEN:
                break
            place += 1
        self._line += chunk.count(b"\n", start, place)
        self._begun = self._line
        if place < len(chunk) and chunk[place : place + 1] != b"{":
            return -1 - place
        if place < len(chunk) and self._between is None:
            self._between = 0
        return place

    def _go_on(self, chunk: bytes, place: int) -> int:
        end = self._depth.read(chunk, place, self._between or 0)
        self._line += chunk.count(b"\n", place, end)
        self._size += end - place
        if self._size > self._longest:
            self._parts.clear()
        else:
            self._parts.append(chunk[place:end])
        return end

    def _whole(self) -> Record | TraceError:
        text, size = b"".join(self._parts), self._size
        self._parts, self._size = [], 0
        if size > self._longest:
            return self._error(f"is longer than {self._longest:,} bytes", self._begun)
        return Record(self._begun, text)

    def _error(self, message: str, line: int) -> TraceError:
        return TraceError(message, file=self._file, line=line)

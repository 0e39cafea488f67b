"""Tells JSON values apart by their brackets, where they do not stand in a line each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from leanloop.adapters.traces.recorded_value import Record
from leanloop.errors import TraceError

__all__ = ["opens", "values_in_brackets"]

_MARK = re.compile(rb'[{}\[\]"]')
_STRING_END = re.compile(rb'["\\]')
_BETWEEN = (b" ", b"\t", b"\r", b"\n", b",")
_ARRAY_END = ord("]")


def opens(line: bytes) -> bool:
    """Whether an object begins in this line that does not end in it."""
    if not line.lstrip().startswith(b"{"):
        return False
    depth = _Depth()
    depth.read(line, 0)
    return depth.level > 0 and not depth.in_string


def values_in_brackets(chunks: Iterator[bytes], line: int, file: str, longest: int) -> Iterator[Record | TraceError]:
    """The elements of an array that is the whole file, or the objects in a row; the first begins in this line."""
    return _Brackets(file, longest).read(chunks, line)


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

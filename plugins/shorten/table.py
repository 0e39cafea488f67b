"""Tables in text: the header always, rows that answer the task, both ends, and what the columns hold."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import as_shown, split_lines
from leanloop.plugins.shorten.odd import MOST_CHARACTERS, odd_rows
from leanloop.plugins.shorten.ranking import ranked
from leanloop.plugins.shorten.shown import Room, Shown

__all__ = ["shorten_table"]

_RULE = re.compile(r"[ \t|+:=_-]{3,}+$")  # the line below a header
_GAPS = re.compile(r"(?:[ \t]{2,}|\t)")
_DRAWN = re.compile(r"[ \t]*+\|")
_SEPARATORS = (",", "\t", ";", "|")
_LOOKED_AT = 50  # rows
_SAME = 0.9  # of them with as many cells as the header
_SUMMARY = 0.15  # of the room
_FEW = 5
_MOST_COLUMNS = 60
_LONGEST_SUMMARY = 24


class _Form(NamedTuple):
    """How a table is written. ``first`` is the number of its first row, ``separator`` None for one in fixed widths."""

    separator: str | None
    first: int


def shorten_table(text: str, room: Room) -> Shown | None:
    """CSV, TSV, Markdown, psql or columns in fixed widths; None where it is none of them."""
    lines = split_lines(as_shown(text))
    form = _form(lines)
    if form is None:
        return None
    records = _records(lines, form)
    size = len(records)
    rows = [_written(lines[start:end], form) for start, end in records]
    if form.separator in (None, "|"):
        # Blanks that only align columns say nothing.
        whole = "\n".join(rows)
        if room.count(whole) <= room.tokens:
            return Shown(whole, "all of it, without the blanks that align its columns", complete=True)
    header = (
        next(number for number, (start, end) in enumerate(records) if end >= form.first or start >= form.first - 1) + 1
    )
    header = min(header, size - 1)
    body = rows[header:]
    odd = odd_rows(_parted(body, form)) if len(text) <= MOST_CHARACTERS else []
    order = [header + number for number in ranked(body, room.words, room.tokens, odd)]
    summary = _summary(rows, header, form, room)
    longest = max(200, room.tokens)
    parts = Parts(size, lambda at: clamp(rows[at], longest, room.words), lambda a, b: _gap(records, header, a, b))
    inner = Room(room.tokens - room.count(summary) - 1, room.count, room.words)
    shown, kept = fit(parts, [Group(range(header), 1.0), Group(order, 1.0)], inner)
    if not shown:
        return None
    there = sum(number >= header for number in kept)
    drawn = f"{shown}\n{summary}" if summary else shown
    return Shown(drawn, f"{there:,} of {size - header:,} rows") if room.count(drawn) <= room.tokens else None


def _form(lines: Sequence[str]) -> _Form | None:
    """How the table is written, from its first rows."""
    if len(lines) < 3:
        return None
    for number in range(1, min(len(lines), 6)):
        if (
            _RULE.match(lines[number][:2000])
            and lines[number - 1].strip()
            and not _RULE.match(lines[number - 1][:2000])
        ):
            return _Form("|" if "|" in lines[number - 1] else None, number + 1)
    for separator in _SEPARATORS:
        names = _split(lines[0], separator)
        if len(names) > 1:
            quoted = _records(lines[: _LOOKED_AT + 1], _Form(separator, 1))[1:]
            sizes = [len(_split("\n".join(lines[start:end]), separator)) for start, end in quoted]
            if sizes and sum(size == len(names) for size in sizes) >= _SAME * len(sizes):
                return _Form(separator, 1)
    columns = Counter(len(_GAPS.split(line.strip())) for line in lines[:_LOOKED_AT] if line.strip())
    most, times = columns.most_common(1)[0] if columns else (0, 0)
    if most > 2 and times >= _SAME * sum(columns.values()):
        return _Form(None, 1)
    return None


def _records(lines: Sequence[str], form: _Form) -> list[tuple[int, int]]:
    """Which lines each record has: a quoted cell may hold line breaks."""
    if form.separator in (None, "|"):
        return [(number, number + 1) for number in range(len(lines))]
    records: list[tuple[int, int]] = []
    start, is_open = 0, False
    for number, line in enumerate(lines):
        is_open ^= line.count('"') % 2 == 1
        if not is_open or number - start >= _LOOKED_AT:
            records.append((start, number + 1))
            start, is_open = number + 1, False
    if start < len(lines):
        records.append((start, len(lines)))
    return records


def _written(lines: Sequence[str], form: _Form) -> str:
    text = "\n".join(lines)
    if form.separator == "|":
        return (
            re.sub(r"[ \t]*+\|[ \t]*+", "|", re.sub(r"-{4,}+", "---", text)).strip() if "|" in text else text.rstrip()
        )
    if form.separator is None:
        return re.sub(r"-{4,}+", "---", re.sub(r"[ \t]{3,}+", "  ", text.rstrip()))
    return text


def _split(line: str, separator: str) -> list[str]:
    if separator == "|":
        return [cell.strip() for cell in line.strip().strip("|").split("|")]
    try:
        return next(csv.reader([line], delimiter=separator), list[str]())
    except csv.Error:
        return line.split(separator)


def _gap(records: Sequence[tuple[int, int]], header: int, first: int, last: int) -> str:
    start, end = records[first][0] + 1, records[last][1]
    rows = last - max(first, header) + 1
    return f"[…{start}-{end}: {rows:,} rows]" if rows > 1 else f"[…{start}]"


def _summary(rows: Sequence[str], header: int, form: _Form, room: Room) -> str:
    """What each column holds over all rows, as many columns as there is room for."""
    names = _cells(rows[header - 1 if form.first == 1 else max(0, header - 2)], form)
    most = int(room.tokens * _SUMMARY)
    said: list[str] = []
    columns = (
        zip(*islice(_even(rows, header, form, len(names)), None), strict=True) if len(names) <= _MOST_COLUMNS else ()
    )
    for name, cells in zip(names, columns, strict=False):
        one = f"{name[:_LONGEST_SUMMARY]}: {_held(cells)}"
        most -= room.count(one) + 1
        if most < 8:
            break
        said.append(one)
    return f"[all rows: {'; '.join(said)}]" if said else ""


def _even(rows: Sequence[str], header: int, form: _Form, size: int) -> Iterator[list[str]]:
    """The rows that have a cell for every column."""
    body = rows[header:]
    if form.separator in (None, "|"):
        yield from (cells for row in body if len(cells := _cells(row, form)) == size)
        return
    try:
        yield from (cells for cells in csv.reader(body, delimiter=form.separator or ",") if len(cells) == size)
    except csv.Error:  # a cell longer than the module allows: what was read so far must do
        return


def _parted(rows: Sequence[str], form: _Form) -> Iterator[list[str]]:
    """The cells of each row; without a quote, which is much the most rows, at the speed of C."""
    for row in rows:
        yield row.split(form.separator) if form.separator and '"' not in row else _cells(row, form)


def _cells(row: str, form: _Form) -> list[str]:
    return _GAPS.split(row.strip()) if form.separator is None else _split(row, form.separator)


def _held(cells: Sequence[str]) -> str:
    counted = Counter(cells)
    empty = counted.pop("", 0)
    more = f", {empty:,} empty" if empty else ""
    numbers = _numbers(list(counted))
    if numbers:
        return f"{numbers}{more}"
    if len(counted) <= _FEW and all(len(cell) <= _LONGEST_SUMMARY for cell in counted):
        return ", ".join(f"{cell} {times:,}" for cell, times in counted.most_common()) + more
    return f"{len(counted):,} different{more}"


_NUMBER = re.compile(r"-?\d{1,30}(?:\.\d{1,30})?$")


def _numbers(cells: Sequence[str]) -> str:
    if not cells or len(cells) < 2 or not all(map(_NUMBER.match, cells)):
        return ""
    return f"{min(cells, key=float)}..{max(cells, key=float)}"

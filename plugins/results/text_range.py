"""Reading a whole result back by lines, or on from a place in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from leanloop.plugins.results.part import Part, Wrong, take

__all__ = ["first_unread", "line_span", "range_in", "read_range"]

_LINES = re.compile(r"\s*([0-9]{1,15})?\s*(-?)\s*([0-9]{1,15})?\s*")
_STEP = 65_536
_SHOWN = re.compile(r"\[r[a-z2-7]{12}: lines [0-9-]+ of [0-9]+, characters ([0-9]{1,15})-([0-9]{1,15}) of [0-9].*")


def line_span(text: str, lines: str) -> tuple[int, int]:
    """The characters from and to which some lines reach: ``120-180``, ``120``, ``120-`` or ``-40``, the last 40.

    A line ends behind its newline, and the first is 1; the end of a range may lie beyond the last. Ranges that follow
    one another make the whole text.

    Raises:
        Wrong: none of these, or lines that the text has not.
    """
    found = _LINES.fullmatch(lines)
    first, dash, last = found.groups() if found else (None, "", None)
    total = _lines_of(text)
    if first is None and (last is None or not dash or not int(last)):
        raise Wrong('lines is a range such as "120-180", "120-", or "-40" for the last 40.')
    low = max(1, total - int(last or 0) + 1) if first is None else int(first)
    high = total if first is None or (dash and last is None) else int(last or first)
    low, high = min(low, high), max(low, high)
    if not 1 <= low <= total:
        raise Wrong(f"There is no line {low:,}: the lines are 1 to {total:,}.")
    start = _after(text, low - 1, 0)
    return start, _after(text, min(high, total) - low + 1, start)


def read_range(text: str, start: int, end: int, tokens: int, count: Callable[[str], int]) -> Part:
    """As much of ``text[start:end]`` as `tokens` allow; the bodies of all its pages are the text, byte for byte."""
    stop = take(text, start, end, tokens, count)
    first = text.count("\n", 0, start) + 1
    last = first + text.count("\n", start, max(start, stop - 1))
    what = f"lines {first}-{last} of {_lines_of(text)}, characters {start}-{stop} of {len(text)}"
    return Part(what, text[start:stop], stop if stop < end else None)


def range_in(head: str) -> tuple[int, int] | None:
    """The characters that the line above an earlier answer says it gave; None where that was no range."""
    found = _SHOWN.fullmatch(head)
    return (int(found[1]), int(found[2])) if found else None


def first_unread(ranges: Iterable[tuple[int, int]]) -> int:
    """The first character that none of the ranges covers."""
    place = 0
    for start, end in sorted(ranges):
        if start > place:
            break
        place = max(place, end)
    return place


def _lines_of(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n"))


def _after(text: str, lines: int, start: int) -> int:
    """The place behind so many line ends from `start` on, or the end of the text."""
    while lines and start + _STEP < len(text):  # by counting, which is far quicker than finding each
        passed = text.count("\n", start, start + _STEP)
        if passed >= lines:
            break
        start, lines = start + _STEP, lines - passed
    for _ in range(lines):
        found = text.find("\n", start)
        if found < 0:
            return len(text)
        start = found + 1
    return start

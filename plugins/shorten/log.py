"""Logs, test, build and shell output: errors first, the end, what was asked for, the beginning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.error_lines import ErrorLine, error_lines
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import as_shown, lower_case, split_lines
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import part_starts, relevance

__all__ = ["shorten_log"]


def shorten_log(text: str, room: Room) -> Shown | None:
    """Output of programs.

    First the verdict in the last lines, then each distinct error line, those of a new shape before those that differ
    from one shown in numbers only, the last ones and the first ones before the middle; then lines that answer the
    task's words, what stands around the errors, the end, and the beginning.
    """
    text = as_shown(text)
    lines = split_lines(text)
    size = len(lines)
    starts = part_starts(lines)
    lower = lower_case(text)
    starts[-1] = len(lower)
    found = error_lines(lines, lower, starts)
    answers = relevance(lower, starts, room.words)
    times = {one.line: one.times for one in found if one.times > 1}
    folded = _folded(text, size)

    def shown(at: int) -> str:
        line = clamp(lines[at], longest, room.words)
        return f"{line}  [{times[at]:,} times]" if at in times else line

    longest = max(120, room.tokens // 2, 2 * room.tokens // max(1, size))
    certain = [one for one in found if one.certain]
    unsure = [one for one in found if not one.certain]
    ends = _last_said(lines, 3)
    groups = [
        Group(ends[:1], 0.2),
        Group(_from_both_ends(_new(certain)), 0.85),
        Group(ends, 0.9),
        Group(_from_both_ends([one.line for one in certain]), 0.9),
        Group(_best(answers), 0.9),
        Group(_from_both_ends(_new(unsure)), 0.92),
        Group(_around(found, size), 0.95),
        Group(_first(folded, range(size - 1, -1, -1)), 0.97),
        Group(_first(folded, range(size)), 1.0),
        Group(range(size - 1, -1, -1), 1.0),
    ]
    parts = Parts(size, shown, lambda first, last: _gap(folded, first, last))
    drawn, kept = fit(parts, groups, room)
    if not drawn:
        return None
    return Shown(drawn, _what(kept, size, certain))


def _folded(text: str, size: int) -> list[bytes]:
    """Each line without its digits."""
    lines = text.encode("utf-8", "surrogatepass").translate(None, b"0123456789").split(b"\n")
    return lines[:size]


def _last_said(lines: Sequence[str], most: int) -> list[int]:
    said = (at for at in range(len(lines) - 1, -1, -1) if lines[at].strip())
    return [at for at, _ in zip(said, range(most), strict=False)]


def _new(found: Sequence[ErrorLine]) -> list[int]:
    """Lines whose shape stands in none before them."""
    seen: dict[str, int] = {}
    for one in found:
        seen.setdefault(one.shape, one.line)
    return list(seen.values())


def _from_both_ends(numbers: Sequence[int]) -> Iterator[int]:
    low, high = 0, len(numbers) - 1
    while low <= high:
        yield numbers[high]
        if low < high:
            yield numbers[low]
        low, high = low + 1, high - 1


def _best(answers: dict[int, float]) -> list[int]:
    return sorted(answers, key=lambda at: (-answers[at], at))[:400]


def _around(found: Sequence[ErrorLine], size: int) -> Iterator[int]:
    for one in found:
        for at in (one.line + 1, one.line - 1, one.line + 2):
            if 0 <= at < size:
                yield at


def _first(folded: Sequence[bytes], order: Iterable[int]) -> Iterator[int]:
    """Of lines in a row that differ in digits only, the one that comes first in this order."""
    before: bytes | None = None
    for at in order:
        if folded[at] != before:
            yield at
        before = folded[at]


def _gap(folded: Sequence[bytes], first: int, last: int) -> str:
    where = f"{first + 1}-{last + 1}" if last > first else f"{first + 1}"
    if first and folded[first - 1].strip() and all(folded[at] == folded[first - 1] for at in range(first, last + 1)):
        return f"[... {where}: {last - first + 1:,} more like this]"
    return f"[... {where}]"


def _what(kept: Sequence[int], size: int, certain: Sequence[ErrorLine]) -> str:
    there = set(kept)
    missing = sum(one.line not in there for one in certain)
    errors = ""
    if certain:
        errors = (
            f", {len(certain) - missing:,} of {len(certain):,} different error lines"
            if missing
            else f", all {len(certain):,} different error lines"
        )
    return f"{len(kept):,} of {size:,} lines{errors}"

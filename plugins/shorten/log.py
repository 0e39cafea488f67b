"""Logs, test, build and shell output: errors first, the end, what was asked for, the beginning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from leanloop.plugins.shorten.binary import name_blobs
from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.error_lines import MOST, ErrorLine, error_lines
from leanloop.plugins.shorten.fit import Group, Parts, fit
from leanloop.plugins.shorten.lines import as_shown, lower_case, part_starts, split_lines, without_digits
from leanloop.plugins.shorten.odd import odd_lines
from leanloop.plugins.shorten.ranking import around, best_answers
from leanloop.plugins.shorten.shown import Room, Shown
from leanloop.plugins.shorten.words import relevance

__all__ = ["shorten_log"]

_MANY = 5  # so many lines that differ in numbers only are said by one of them, and how many they are
_FRAMES = 16
_ASKED = 12  # lines that answer; where more do, each of them tells less than what stands around an error
_FIRST = 8
_ODDEST = 3
_NEAREST = 40
_FRAME = re.compile(r"[ \t]+(?:at |\S)|[>|]\s|\d+ +\||E  |\s*$|left:|right:|thread |assertion |note: |help: ")
_LISTED = re.compile(r"::\S+ (?:FAILED|ERROR)|^test \S+ \.\.\. FAILED")
_IS_FINE = re.compile(r"PASSED|\bok\b|\bINFO\b|\bDEBUG\b")


def shorten_log(text: str, room: Room) -> Shown | None:
    """Output of programs.

    First the verdict in the last lines, then each distinct error line, those of a new shape before those that differ
    from one shown in numbers only, the last ones and the first ones before the middle; between them lines that answer
    the task's words; then the lines that are unlike all others, what stands around errors and answers, the beginning
    and more of the end.
    """
    lines = split_lines(as_shown(text))
    size = len(lines)
    folded = without_digits(lines)
    found = error_lines(lines, folded)
    certain = [one for one in found if one.certain]
    alike = _alike(found)
    answers = relevance(lower_case("\n".join(lines)), part_starts(lines), room.words) if room.words else {}
    longest = max(120, room.tokens // 2, 2 * room.tokens // max(1, size))

    def shown(at: int) -> str:
        line = clamp(name_blobs(lines[at]), longest, room.words)
        return f"{line}  [{alike[at]:,} lines like this]" if at in alike else line

    ends = _last_said(lines, 3)
    odd = odd_lines(lines)
    new = _new(certain, lines)
    asked = best_answers(answers)
    best = sorted(answers, key=lambda at: (-answers[at], at))
    last_first = range(size - 1, -1, -1)
    # Measured (bench/error_lines.py): errors up to anything between 0.5 and 0.97 of the room keep the same share of
    # them within 0.2 %; what they leave is better spent on the task's words, the end, and what stands around them.
    groups = [
        Group(ends[:1], 0.2),
        Group(new, 0.65),
        Group(asked[:_ASKED], 0.75),
        Group(new, 0.93),
        Group(ends, 0.95),
        Group(_from_both_ends(_rare(certain)), 0.97),
        Group(odd[:_ODDEST], 0.96),
        Group(islice(_around(certain, lines), _NEAREST), 0.9),
        Group(_new([one for one in found if not one.certain], lines), 0.93),
        Group(around(asked, size), 0.97),
        Group(_first_said(folded), 0.97),
        Group(odd, 0.97),
        Group(best, 0.97),
        Group(_from_both_ends([one.line for one in certain]), 0.8),
        Group(_around(certain, lines), 0.98),
        Group(_first(folded, last_first), 0.99),
        Group(_first(folded, range(size)), 1.0),
        Group(_first(lines, last_first), 1.0),
    ]
    parts = Parts(size, shown, lambda first, last: _gap(folded, first, last))
    drawn, kept = fit(parts, groups, room)
    return Shown(drawn, _what(kept, size, certain)) if drawn else None


def _last_said(lines: Sequence[str], most: int) -> list[int]:
    said = (at for at in range(len(lines) - 1, -1, -1) if lines[at].strip())
    return [at for at, _ in zip(said, range(most), strict=False)]


def _first_said(folded: Sequence[bytes]) -> Iterator[int]:
    """The first lines, of those in a row that differ in numbers only one."""
    return islice((at for at in _first(folded, range(min(40, len(folded)))) if folded[at].strip()), _FIRST)


def _alike(found: Sequence[ErrorLine]) -> dict[int, int]:
    """The first line of each shape that many lines have, and how many."""
    first: dict[str, int] = {}
    times: dict[str, int] = {}
    for one in found:
        first.setdefault(one.shape, one.line)
        times[one.shape] = times.get(one.shape, 0) + one.times
    return {first[shape]: many for shape, many in times.items() if many >= _MANY}


def _new(found: Sequence[ErrorLine], lines: Sequence[str]) -> list[int]:
    """Lines whose shape stands in none before them.

    Of many of one form those that are unlike the others come first; those that say less of an error than others, last.
    """
    seen: dict[str, int] = {}
    for one in found:
        seen.setdefault(one.shape, one.line)

    def says_less(at: int) -> int:
        """1 for a test's place in the list of all (its name comes again), 2 for what pytest goes on to say of it."""
        goes_on = at > 0 and lines[at].startswith("E  ") and lines[at - 1].startswith("E  ")
        return 2 if goes_on else _LISTED.search(lines[at]) is not None

    new = list(seen.values())
    odd = [new[one] for one in odd_lines([lines[at] for at in new])[:_ODDEST]]
    ordered = list(dict.fromkeys((*odd, *_from_both_ends(new))))
    return list(chain.from_iterable(_with_message(at, lines) for at in sorted(ordered, key=says_less)))


def _with_message(at: int, lines: Sequence[str]) -> Iterator[int]:
    """The line, and where it announces what it says (``panicked at main.rs:3:5:``) the next one too."""
    yield at
    if lines[at].rstrip().endswith(":") and at + 1 < len(lines) and lines[at + 1].strip():
        yield at + 1


def _rare(found: Sequence[ErrorLine]) -> list[int]:
    """All lines of shapes that few lines have."""
    times = Counter(one.shape for one in found)
    return [one.line for one in found if times[one.shape] <= _MANY]


def _from_both_ends(numbers: Sequence[int]) -> list[int]:
    """The last, the first, the last but one, the second, ..."""
    back = numbers[::-1]
    return list(dict.fromkeys(chain.from_iterable(zip(back, numbers, strict=True))))


def _around(certain: Sequence[ErrorLine], lines: Sequence[str]) -> Iterator[int]:
    """What belongs to an error: frames below it (Java, JavaScript, compilers) or above (Python), the line before."""
    for one in reversed(certain):
        yield from _while_frames(lines, one.line, 1)
        yield from _while_frames(lines, one.line, -1)


def _while_frames(lines: Sequence[str], line: int, step: int) -> Iterator[int]:
    """From the next line on while it is indented or drawn at the side, and one line more upwards (Traceback ...)."""
    for many in range(1, _FRAMES + 1):
        at = line + step * many
        if not 0 <= at < len(lines):
            return
        if not _FRAME.match(lines[at]):
            if step < 0 and lines[at].strip() and not _IS_FINE.search(lines[at]):
                yield at
            return
        yield at


def _first(lines: Sequence[str] | Sequence[bytes], order: Iterable[int]) -> Iterator[int]:
    """Of equal lines in a row the one that comes first in this order."""
    before: str | bytes | None = None
    for at in order:
        if lines[at] != before:
            yield at
        before = lines[at]


def _gap(folded: Sequence[bytes], first: int, last: int) -> str:
    where = f"{first + 1}-{last + 1}" if last > first else f"{first + 1}"
    if first and folded[first - 1].strip() and all(folded[at] == folded[first - 1] for at in range(first, last + 1)):
        return f"[\u2026{where}: {last - first + 1:,} more like this]"
    return f"[\u2026{where}]"


def _what(kept: Sequence[int], size: int, certain: Sequence[ErrorLine]) -> str:
    lines = f"{len(kept):,} of {size:,} lines"
    if not certain:
        return lines
    there = set(kept)
    missing = sum(one.line not in there for one in certain)
    if not missing:
        return f"{lines}, all {len(certain):,} different error lines"
    more = "more than " if len(certain) >= MOST else ""
    return f"{lines}, {len(certain) - missing:,} of {more}{len(certain):,} different error lines"

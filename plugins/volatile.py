"""Text in a system prompt that changes: what differs between two of them, and what is likely to.

A provider's prefix cache is of use up to the first token that differs. A date at the top of a system prompt costs all
of it, on every new day; the time of day costs it in every call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

__all__ = ["Difference", "Split", "alike", "change", "difference", "split"]

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\b\.?)?"
_VOLATILE = re.compile(
    rf"\b\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?)?"
    r"|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b"
    rf"|\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th|\.)? {_MONTH},? \d{{4}}\b"
    rf"|\b{_CLOCK}"
    r"|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"
    r"|\b1[5-9]\d{8}(?:\d{3})?\b"  # seconds or milliseconds since 1970, from 2017 on
)
"""Dates, times of day and UUIDs. Every repeat is bounded, so that matching is linear in the text."""

_ELSEWHERE = "[see the end]"
_LONGEST_LINE = 500
_MOST_LINES = 20
"""Lines that are moved; where more hold dates, these are data, not the day's date."""

_SHOWN = 20
"""Characters of a prompt that a warning may show."""


class Difference(NamedTuple):
    """The first token that differs: its line and the character it begins at, both from 1, and the token in short."""

    line: int
    character: int
    token: str

    def __str__(self) -> str:
        return f"line {self.line}, character {self.character} ({self.token})"


class Split(NamedTuple):
    """A system prompt without what is likely to change, and the lines in which that stands, as they were."""

    stable: str
    moved: tuple[str, ...]


def split(text: str) -> Split:
    """`text` with each date, time of day and UUID replaced by a word that points to the end of the prompt."""
    lines = text.split("\n")
    found = [place for place, line in enumerate(lines) if len(line) <= _LONGEST_LINE and _VOLATILE.search(line)]
    if not 0 < len(found) <= _MOST_LINES:
        return Split(text, ())
    moved = tuple(lines[place].strip() for place in found)
    for place in found:
        lines[place] = _VOLATILE.sub(_ELSEWHERE, lines[place])
    return Split("\n".join(lines), moved)


def difference(before: str, now: str) -> Difference:
    """Where `now` begins to differ from `before`."""
    at = _common(before, now)
    start = at
    while start and at - start < _SHOWN and not now[start - 1].isspace():
        start -= 1
    words = now[start : start + 200].split(maxsplit=1)
    line = now.count("\n", 0, start) + 1
    return Difference(line, start - now.rfind("\n", 0, start), _in_short(words[0]) if words else "the end")


def alike(one: str, other: str) -> bool:
    """Whether two texts are versions of one: half of the longer one's lines, or of its characters, are in both."""
    lines, others = set(one.split("\n")), set(other.split("\n"))
    if len(lines & others) * 2 >= max(len(lines), len(others)):
        return True
    head = _common(one, other)
    tail = _common(one[head:][::-1], other[head:][::-1])
    return (head + tail) * 2 >= max(len(one), len(other))


def change(before: str, now: str) -> str | None:
    """What holds from `now` on instead of `before`, in lines for the model; None where that is most of the text."""
    old, new = before.split("\n"), now.split("\n")
    known, kept = set(old), set(new)
    gone = [line.strip() for line in old if line.strip() and line not in kept]
    come = [line.strip() for line in new if line.strip() and line not in known]
    size = sum(map(len, come)) + sum(map(len, gone))
    if size > max(_LONGEST_LINE, len(now) // 2):
        return None
    replaced = _replaced(gone, come)
    parts = ["From here on:", *come] if come else []
    parts += ["No longer:", *gone] if gone and not replaced else []
    return "\n".join(parts or ["The order of its lines was changed; each still holds."])


def _replaced(gone: Sequence[str], come: Sequence[str]) -> bool:
    """Whether each line that is gone has a new version."""
    return all(old is not None and new is not None and alike(old, new) for old, new in zip_longest(gone, come))


def _in_short(token: str) -> str:
    """A token as a log may show it: a long one of letters and digits, which may be a secret, is only named."""
    if len(token) >= 16 and not _VOLATILE.match(token) and re.search(r"\d", token):
        return f"a word of {len(token):,} characters"
    return repr(token if len(token) <= _SHOWN else f"{token[:_SHOWN]}...")


def _common(one: str, other: str) -> int:
    """How many leading characters are the same; halved again and again, so that slices are compared in C."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low

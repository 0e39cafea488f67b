"""Which parts of a text are shown: the worthiest that fit, in the order of the text, with marks for what is not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leanloop.plugins.shorten.shown import Room

__all__ = ["Group", "Parts", "fit", "most_that_fit"]

_MISSES = 24  # so many parts in a row that were too long end a group: what follows is worth less still


class Group(NamedTuple):
    """Parts of one sort, worthiest first, and the share of the room that is full when they have had their turn."""

    parts: Iterable[int]
    up_to: float


@dataclass(frozen=True, slots=True)
class Parts:
    """A text in parts.

    Attributes:
        size: how many there are.
        text: a part as it is shown.
        gap: the mark that stands for the parts from the first to the last one given.
        line: the number of the line a part is in; None where each part is a line.
    """

    size: int
    text: Callable[[int], str]
    gap: Callable[[int, int], str]
    line: Callable[[int], int] | None = None


def fit(parts: Parts, groups: Sequence[Group], room: Room) -> tuple[str, list[int]]:
    """The shown text and the parts in it, ascending; empty where not one part fits.

    Parts are taken one by one while the sum of their tokens fits. The whole is then counted once; where it is too long
    after all (a tokenizer need not add up), the last ones taken go again.
    """
    taken = _take(parts, groups, room)
    many, text = most_that_fit(len(taken), lambda many: _drawn(parts, sorted(taken[:many])), room)
    return text, sorted(taken[:many])


def most_that_fit(size: int, draw: Callable[[int], str], room: Room) -> tuple[int, str]:
    """How many of `size` things fit the room, and how they are drawn; all of them in one count where they do.

    With none of them it is no text, whatever would be drawn.
    """
    text = draw(size) if size else ""
    if room.count(text) <= room.tokens:
        return size, text
    fits, too_many = 0, size
    best = ""
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        text = draw(middle)
        if room.count(text) <= room.tokens:
            fits, best = middle, text
        else:
            too_many = middle
    return fits, best


def _take(parts: Parts, groups: Sequence[Group], room: Room) -> list[int]:
    taken: list[int] = []
    shown = [-1, parts.size]  # what is shown, ascending, between two edges that need no mark
    mark = 5 if parts.size < 1_000 else 7  # about its tokens, measured with cl100k and o200k
    used = mark  # nothing shown is one gap
    for group in groups:
        most = int(room.tokens * group.up_to)
        misses = 0
        for part in group.parts:
            if misses >= _MISSES or used >= most:
                break
            place = bisect_left(shown, part)
            if shown[place] == part:
                continue
            gaps = (shown[place - 1] < part - 1) + (shown[place] > part + 1) - 1
            cost = room.count(parts.text(part) + "\n") + gaps * mark
            if used + cost > most:
                misses += 1
                continue
            misses = 0
            used += cost
            taken.append(part)
            shown.insert(place, part)
    return taken


def _drawn(parts: Parts, shown: Sequence[int]) -> str:
    """The shown parts; those of one line are parted by a space, and so is the mark between them."""
    drawn: list[str] = []
    before = -1
    for part in shown:
        same_line = parts.line is not None and before >= 0 and parts.line(before) == parts.line(part)
        if before >= 0:
            drawn.append(" " if same_line else "\n")
        if part > before + 1:
            drawn.append(parts.gap(before + 1, part - 1) + (" " if same_line else "\n"))
        drawn.append(parts.text(part))
        before = part
    if shown and before < parts.size - 1:
        drawn.append("\n" + parts.gap(before + 1, parts.size - 1))
    return "".join(drawn)

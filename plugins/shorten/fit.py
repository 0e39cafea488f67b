"""Which parts of a text are shown: the worthiest that fit, in the order of the text, with marks for what is not."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from leanloop.plugins.shorten.shown import Room

__all__ = ["Group", "Parts", "fit"]

_MISSES = 24  # so many parts in a row that were too long end a group: what follows is worth less still
_MARK = 8  # about the tokens of a mark


class Group(NamedTuple):
    """Parts of one sort, worthiest first, and the share of the room that is full when they have had their turn."""

    parts: Iterable[int]
    up_to: float


class Parts(NamedTuple):
    """A text in parts.

    Attributes:
        size: how many there are.
        text: a part as it is shown.
        gap: the line that stands for the parts from the first to the last one given.
    """

    size: int
    text: Callable[[int], str]
    gap: Callable[[int, int], str]


def fit(parts: Parts, groups: Sequence[Group], room: Room) -> tuple[str, list[int]]:
    """The shown text and the parts in it, ascending. Never over the room, by its own exact count.

    Parts are taken one by one while a sum of their tokens fits. The whole is then counted once, and where it is too
    long after all the last ones taken go again.
    """
    taken = _take(parts, groups, room)
    text = _drawn(parts, sorted(taken))
    if room.count(text) <= room.tokens:
        return text, sorted(taken)
    low, high = 0, len(taken)  # the first `low` fit
    best = ""
    while high - low > 1:
        middle = (low + high) // 2
        text = _drawn(parts, sorted(taken[:middle]))
        if room.count(text) <= room.tokens:
            low, best = middle, text
        else:
            high = middle
    return best, sorted(taken[:low])


def _take(parts: Parts, groups: Sequence[Group], room: Room) -> list[int]:
    taken: list[int] = []
    places: list[int] = [-1, parts.size]  # what is shown, ascending, between two edges that need no mark
    seen: set[int] = set()
    used = 0
    if parts.size:
        used = _MARK  # nothing shown is one gap
    for group in groups:
        most = int(room.tokens * group.up_to)
        misses = 0
        for part in group.parts:
            if misses >= _MISSES or used >= most:
                break
            if part in seen:
                continue
            place = bisect_left(places, part)
            gaps = (places[place - 1] < part - 1) + (places[place] > part + 1) - 1
            cost = room.count(parts.text(part) + "\n") + gaps * _MARK
            if used + cost > most:
                misses += 1
                continue
            misses = 0
            used += cost
            seen.add(part)
            taken.append(part)
            places.insert(place, part)
    return taken


def _drawn(parts: Parts, shown: Sequence[int]) -> str:
    drawn: list[str] = []
    next_one = 0
    for part in shown:
        if part > next_one:
            drawn.append(parts.gap(next_one, part - 1))
        drawn.append(parts.text(part))
        next_one = part + 1
    if shown and next_one < parts.size:
        drawn.append(parts.gap(next_one, parts.size - 1))
    return "\n".join(drawn)

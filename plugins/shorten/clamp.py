"""One long line made shorter: its two ends, and what stands around the task's words."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["clamp"]

_AROUND = 60  # characters shown on each side of a word that was looked for
_PLACES = 8
_MARK = 24  # about the characters of a mark, which would take the place of as many


def clamp(line: str, most: int, words: Sequence[str] = ()) -> str:
    """A line of at most about `most` characters: never cut without a word on how much is missing where.

    Two thirds of what is shown are the ends of the line, more of its beginning; the rest is around `words` (lower
    case, most telling first), if they are in it.
    """
    if len(line) <= most + _MARK:
        return line
    places = _places(line, words)
    ends = most if not places else most * 2 // 3
    head, tail = ends * 2 // 3, ends // 3
    spans = [(0, head)]
    room = most - ends
    around = min(_AROUND, room // 2)
    for place in places:
        start, end = max(head, place - around), min(len(line) - tail, place + around)
        if 0 < end - start <= room:
            room -= end - start
            spans.append((start, end))
    spans.append((len(line) - tail, len(line)))
    return _joined(line, sorted(spans))


def _places(line: str, words: Sequence[str]) -> list[int]:
    if not words:
        return []
    lower = line.lower()
    found = (lower.find(word) for word in words)
    return [place for place in found if place >= 0][:_PLACES]


def _joined(line: str, spans: list[tuple[int, int]]) -> str:
    shown: list[str] = []
    at = 0
    for start, end in spans:
        if start > at:
            shown.append(f" [... {start - at:,} characters] ")
        shown.append(line[max(start, at) : end])
        at = max(at, end)
    return "".join(shown)

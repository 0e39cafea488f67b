"""Searching a whole result for a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from leanloop.plugins.results.part import Part, Wrong, take
from leanloop.plugins.shorten.lines import lower_case

__all__ = ["LONGEST_SEARCH", "search"]

LONGEST_SEARCH = 200
"""Characters of what is searched for."""

_AROUND = 2
"""Lines shown before and after the one with a match."""

_ASIDE = 300
"""Characters shown at most before and after a match, for lines without end."""


def search(text: str, words: str, page: int, tokens: int, count: Callable[[str], int]) -> Part:
    """The places where `words` stands, whatever the case, each with what is around it and the number of its line.

    No pattern but the words themselves, so that the time is linear in the text whatever is asked. `page` is how many
    matches to pass over.

    Raises:
        Wrong: words that are too long, or a page behind the last match.
    """
    if len(words) > LONGEST_SEARCH:
        raise Wrong(f"search is at most {LONGEST_SEARCH} characters.")
    lower, wanted = lower_case(text), lower_case(words)
    total = lower.count(wanted)
    said = f"{total} matches of {words!r}"
    if not total:
        return Part(f"{said} in {text.count(chr(10)) + 1} lines", "")
    if page >= total:
        raise Wrong(f"There are {said}: page is from 0 to {total - 1}.")
    shown: list[str] = []
    room, done = tokens, page
    for piece, matches in _pieces(text, lower, wanted, page):
        cost = count(piece) + 1
        if cost > room:
            if not shown:  # the smallest that can be said is still more than there is room for
                shown.append(piece[: take(piece, 0, len(piece), room, count)])
                done += matches
            break
        shown.append(piece)
        room -= cost
        done += matches
    return Part(f"{said}, {page + 1} to {done}", "\n".join(shown), done if done < total else None)


def _pieces(text: str, lower: str, wanted: str, page: int) -> Iterator[tuple[str, int]]:
    """Pieces of the text with matches in them, as shown, and how many matches of the list each holds."""
    place = -len(wanted)
    for _ in range(page + 1):
        place = lower.find(wanted, place + len(wanted))
    line, counted = 1, 0
    while place >= 0:
        start, end = _around(text, place, place + len(wanted))
        matches = 1
        following = lower.find(wanted, place + len(wanted))
        while 0 <= following <= end:  # what is around this match holds the next: one piece, if that stays short
            further = _around(text, following, following + len(wanted))[1]
            if further - start > 4 * _ASIDE:
                break
            end, matches = max(end, further), matches + 1
            following = lower.find(wanted, following + len(wanted))
        line += text.count("\n", counted, start)
        counted = start
        yield _numbered(text, start, end, line), matches
        place = following


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """From and to where a match is shown: whole lines, as long as they are short."""
    low, high = max(0, start - _ASIDE), min(len(text), end + _ASIDE)
    first, last = start, end
    for _ in range(_AROUND + 1):
        found = text.rfind("\n", low, first)
        if found < 0:
            first = low
            break
        first = found
    else:
        first += 1
    for number in range(_AROUND + 1):
        found = text.find("\n", last + (number > 0), high)
        if found < 0:
            last = high
            break
        last = found
    return first, last


def _numbered(text: str, start: int, end: int, line: int) -> str:
    lines = [f"{number}: {one}" for number, one in enumerate(text[start:end].split("\n"), start=line)]
    if start and text[start - 1] != "\n":
        lines[0] = f"{line}: …{text[start:end].partition(chr(10))[0]}"
    if end < len(text) and text[end] != "\n":
        lines[-1] += "…"
    return "\n".join(lines)

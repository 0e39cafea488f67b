"""Which of many rows are unlike the others, whatever their columns mean."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import isfinite, log
from typing import TypeVar

from leanloop.plugins.shorten.lines import without_digits

__all__ = ["MOST_CHARACTERS", "odd_lines", "odd_rows"]

_Cell = TypeVar("_Cell", str, bytes)

_FEWEST = 12  # rows, below which none is the exception
_MOST = 20
_OF_A_KIND = 0.1  # of the rows: a column with fewer different values than that says which kind of row it is
_FEW_KINDS = 6
_RARE = 0.02  # of the rows may be the exception in one column, and two of any
_FAR = 8  # times the range of the middle half, beyond its ends: no honest tail of a few thousand numbers
_NUMBERS = 0.95  # of a column's cells, from which on the rest are the exception
_TRIED = 32  # cells that tell whether a column is one of numbers
_MOST_COLUMNS = 80
MOST_CHARACTERS = 4_000_000
"""Of a text: looking at its words costs more than anything else that is done to it."""


def odd_rows(rows: Iterable[Sequence[str]]) -> list[int]:
    """The rows, oddest first, that hold a value which next to no other row has where few different ones stand, or a
    number far from all others of its column; at most a few of them, by the surprise of all their cells together.

    Cells are compared with those at the same place from the left, however many a row has; what is in every row, or
    different in each, tells nothing.
    """
    surprise: defaultdict[int, float] = defaultdict(float)
    for column in zip_longest(*(row[:_MOST_COLUMNS] for row in rows)):
        there = [place for place, cell in enumerate(column) if cell is not None]
        if len(there) >= _FEWEST:
            for place, bits in _surprises([cell for cell in column if cell is not None]).items():
                surprise[there[place]] += bits
    return sorted(surprise, key=lambda number: (-surprise[number], number))[:_MOST]


def odd_lines(lines: Sequence[str]) -> list[int]:
    """The same of lines, whose cells are their words."""
    return odd_rows(map(str.split, lines)) if sum(map(len, lines)) <= MOST_CHARACTERS else []


def _surprises(column: Sequence[str]) -> dict[int, float]:
    """By place the surprise of the cells that are exceptions in their column."""
    counted = Counter(column)
    if len(counted) == 1:
        return {}
    if len(counted) <= max(_FEW_KINDS, _OF_A_KIND * len(column)):
        return _rare(column, counted)
    tried = sum(_number(cell) is not None for cell in column[:_TRIED])
    numbers = [_number(cell) for cell in column] if 2 * tried > min(_TRIED, len(column)) else []
    if sum(number is not None for number in numbers) >= _NUMBERS * len(column):
        return _far(numbers)
    shapes = without_digits(column)  # a cell has no line feed: it is a word, or was parted at its separators
    shaped = Counter(shapes)
    if len(shapes) == len(column) and 1 < len(shaped) <= max(_FEW_KINDS, _OF_A_KIND * len(column)):
        return _rare(shapes, shaped)
    return {}


def _rare(column: Sequence[_Cell], counted: Counter[_Cell]) -> dict[int, float]:
    size = len(column)
    most = max(2, int(_RARE * size))
    rare = {cell: log(size / times) for cell, times in counted.items() if times <= max(1, most // 4)}
    if sum(counted[cell] for cell in rare) > most:
        return {}
    return {place: rare[cell] for place, cell in enumerate(column) if cell in rare}


def _far(numbers: Sequence[float | None]) -> dict[int, float]:
    known = sorted(number for number in numbers if number is not None)
    low, high = known[len(known) // 4], known[3 * len(known) // 4]
    reach = _FAR * (high - low)
    far = [
        place
        for place, number in enumerate(numbers)
        if number is None or (reach and not low - reach <= number <= high + reach)
    ]
    return dict.fromkeys(far, log(len(numbers) / len(far))) if 0 < len(far) <= max(2, _RARE * len(numbers)) else {}


def _number(cell: str) -> float | None:
    if len(cell) > 40:
        return None
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if isfinite(number) else None

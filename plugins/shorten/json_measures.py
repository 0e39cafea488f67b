"""What is known of the branches of a JSON document: their sizes, their best parts, what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from leanloop.plugins.shorten.json_describe import describe, describe_cells
from leanloop.plugins.shorten.json_read import Document, Json, is_list, is_object
from leanloop.plugins.shorten.json_room import is_long
from leanloop.plugins.shorten.json_table import Table
from leanloop.plugins.shorten.odd import odd_rows
from leanloop.plugins.shorten.ranking import ranked

__all__ = ["FEWEST", "TINY", "Measures"]

TINY = 24
"""Characters a member or an item cannot do with less of."""

FEWEST = 6
"""Items of a list among which room is shared before any of them is cut."""

_MOST_PARTS = 20_000  # among which exceptions are looked for
_NAMED, _CELLS = 200, 40  # parts whose names are known, and cells of one that are compared
_EACH_PLACE = 4  # characters that say where an item was


class Measures:
    """Measures of one document, each taken once. By identity: the document outlives them."""

    def __init__(self, document: Document, words: Sequence[str]) -> None:
        self._document = document
        self._words = words
        self._written: dict[int, list[str]] = {}
        self._orders: dict[int, list[int]] = {}
        self._descriptions: dict[int, str] = {}
        self._overviews: dict[int, dict[str, Json]] = {}

    def size(self, value: Json, most: int) -> int:
        """Its characters, or more than `most` where there are many more: what is far too long is not written for it."""
        return most + 1 if is_long(value, most) else len(self._document.write(value))

    def described(self, whole: dict[str, Json] | list[Json]) -> str:
        """What is in all of its values."""
        known = self._descriptions.get(id(whole))
        if known is None:
            values = list(whole.values()) if isinstance(whole, dict) else whole
            known = self._descriptions[id(whole)] = describe(values, self._document)
        return known

    def texts(self, whole: Json, parts: Sequence[Json]) -> list[str]:
        """Each part written."""
        known = self._written.get(id(whole))
        if known is None:
            known = self._written[id(whole)] = self._document.write_each(parts)
        return known

    def chosen(
        self, whole: Json, parts: Sequence[Json], texts: Sequence[str], sizes: Sequence[int], room: int
    ) -> list[int]:
        """The best of the parts, ascending, as many as fit. One that is far longer than most is cut."""
        order = self._orders.get(id(whole))
        if order is None:
            most = 16 + max(0, 2 * room) // (_EACH_PLACE + min(sizes))
            order = self._orders[id(whole)] = ranked(texts, self._words, most, odd_rows(self._rows(parts)))
        median = sorted(sizes)[len(sizes) // 2]
        each = max(median if median <= room // 2 else room // 3, room // FEWEST, TINY)
        chosen: list[int] = []
        for number in order:
            cost = min(sizes[number], each) + _EACH_PLACE
            if cost > room:
                break
            room -= cost
            chosen.append(number)
        return sorted(chosen)

    def _rows(self, parts: Sequence[Json]) -> Iterator[list[str]]:
        """The parts as rows of cells, those of objects in the order of all their names."""
        names = list(dict.fromkeys(chain.from_iterable(part for part in parts[:_NAMED] if is_object(part))))[:_CELLS]
        if len(parts) > _MOST_PARTS:
            return
        for part in parts:
            if is_object(part):
                yield [self._cell(part[name]) if name in part else "" for name in names]
            else:
                yield [self._cell(one) for one in part[:_CELLS]] if is_list(part) else [self._cell(part)]

    def _cell(self, value: Json) -> str:
        """What tells one value from another; of a branch, of which sort and how large it is."""
        if isinstance(value, str):
            return self._document.number(value) or value
        return f"{type(value).__name__} {len(value)}" if is_object(value) or is_list(value) else str(value)

    def overview(self, table: Table, rows: Sequence[Json], most: int) -> dict[str, Json]:
        """What is in each column, as many columns as there is room for."""
        known = self._overviews.get(id(table))
        if known is None:
            known = self._overviews[id(table)] = describe_cells(table, rows, self._document)
        shown: dict[str, Json] = {}
        for name, said in known.items():
            most -= len(name) + len(str(said)) + 6
            if most < 0:
                break
            shown[name] = said
        return shown

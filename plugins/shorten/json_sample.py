"""A sample of JSON that says what it left out.

Room is shared from the top down: a member or item that needs less than its share leaves the rest of it to the others.
A list of which only some items are shown becomes an object,

    {"shown":3,"of":1000,"at":"0,17,999","items":[...],"overview":"1,000 objects (id, state)"}

with the places of those shown (from 0, as in a JSON path) and what is in all of them; a table says the same beside its
rows. Text without its middle says how much is missing, and so does a branch that found no room: "[... list of 12]".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.json_describe import describe, describe_cells, outline
from leanloop.plugins.shorten.json_read import Document, Json
from leanloop.plugins.shorten.json_room import is_long, places, shares_of
from leanloop.plugins.shorten.json_table import Table
from leanloop.plugins.shorten.ranking import ranked

__all__ = ["Sampler"]

_DEEPEST = 10  # each level is written once more to be measured
_TINY = 24  # characters a member cannot do with less of
_FEWEST = 6  # items of a list among which room is shared before any of them is cut
_MANY = 64  # members that are written in one go to be measured, however long one of them is
_FRAME = 50  # characters of a sampled list beside its items
_REST = 0.1  # of its room at most say what is in the items not shown
_EACH_PLACE = 4
_PLACES = 4


class Sampler:
    """Takes samples of one document, of any size; what it measured for one sample serves the next."""

    def __init__(self, document: Document, value: Json, words: Sequence[str]) -> None:
        self._document = document
        self._value = value
        self._words = words
        self._written: dict[int, list[str]] = {}
        self._orders: dict[int, list[int]] = {}
        self._descriptions: dict[int, str] = {}
        self._overviews: dict[int, dict[str, Json]] = {}
        self._left_out: list[tuple[int, str]] = []

    def sample(self, most: int) -> tuple[str, str]:
        """About `most` characters of valid JSON, and what they show."""
        self._left_out.clear()
        text = self._document.write(self._fit(self._value, self._size(self._value, most), most, "$", 0))
        parts = [said for _, said in sorted(self._left_out, key=lambda one: -one[0])]
        more = f" and {len(parts) - _PLACES} more places" if len(parts) > _PLACES else ""
        return text, ", ".join(parts[:_PLACES]) + more or "an outline"

    def _fit(self, value: Json, size: int, most: int, path: str, depth: int) -> Json:
        if size <= most:
            return value
        if isinstance(value, str):
            return self._text(value, most, path)
        if depth > _DEEPEST or most < _TINY:
            return outline(value) if isinstance(value, dict | list) else value
        if isinstance(value, Table):
            return self._table(value, most, path, depth)
        if _is_object(value):
            return self._object(value, most, path, depth)
        if _is_list(value):
            return self._list(value, most, path, depth)
        return value

    def _text(self, value: str, most: int, path: str) -> str:
        number = self._document.number(value)
        if number is not None:
            value = number
        self._left_out.append((len(value), f"part of the text {path}"))
        return clamp(value, max(most - 30, 16), self._words)

    def _object(self, value: dict[str, Json], most: int, path: str, depth: int) -> Json:
        names = list(value)
        if len(names) > _MANY:
            inside = [len(text) for text in self._texts(value, list(value.values()))]
        else:
            inside = [self._size(one, 4 * most) for one in value.values()]
        sizes = [len(name) + size + 4 for name, size in zip(names, inside, strict=True)]
        least = [min(size, len(name) + _TINY) for name, size in zip(names, sizes, strict=True)]
        kept: Sequence[int] = range(len(names))
        if sum(least) > most:
            texts = self._texts(value, list(value.values()))
            parts = [f"{name} {text}" for name, text in zip(names, texts, strict=True)]
            kept = self._chosen(value, parts, sizes, most - 2 * _FRAME)
            self._left_out.append((len(names), f"{len(kept):,} of {len(names):,} members of {path}"))
            most -= 2 * _FRAME
        shares = shares_of([sizes[number] for number in kept], most)
        found: dict[str, Json] = {}
        for number, share in zip(kept, shares, strict=True):
            name = names[number]
            inner = f"{path}.{name}" if name.isidentifier() else f"{path}[{name[:40]!r}]"
            found[clamp(name, 200)] = self._fit(value[name], inside[number], share - len(name) - 4, inner, depth + 1)
        if len(kept) < len(names):
            more = "[...]"
            while more in found:
                more += "."
            said = f"{len(names) - len(kept):,} more members; all of them: {self._described(value)}"
            found[more] = clamp(said, 2 * _FRAME)
        return found

    def _list(self, value: list[Json], most: int, path: str, depth: int) -> Json:
        texts = self._texts(value, value)
        sizes = [len(text) + 1 for text in texts]
        if len(value) <= _FEWEST and len(value) * _TINY <= most:
            shares = shares_of(sizes, most)
            return [
                self._fit(one, size - 1, share - 1, f"{path}[{number}]", depth + 1)
                for number, (one, size, share) in enumerate(zip(value, sizes, shares, strict=True))
            ]
        room = most - _FRAME - int(_REST * most)
        kept = self._chosen(value, texts, sizes, room)
        if len(kept) == 0:
            return outline(value)
        if len(kept) < len(value):
            self._left_out.append((len(value), f"{len(kept):,} of {len(value):,} items of {path}"))
        shares = shares_of([sizes[number] for number in kept], room)
        items = [
            self._fit(value[number], sizes[number] - 1, share - 1, f"{path}[{number}]", depth + 1)
            for number, share in zip(kept, shares, strict=True)
        ]
        if len(kept) == len(value):
            return items
        overview = clamp(self._described(value), int(_REST * most))
        return {"shown": len(kept), "of": len(value), "at": places(kept), "items": items, "overview": overview}

    def _table(self, table: Table, most: int, path: str, depth: int) -> Json:
        grouped = "groups" in table and "rows" not in table
        rows = table["groups"] if grouped else table["rows"]
        names = list(rows) if isinstance(rows, dict) else []
        cells = list(rows.values()) if isinstance(rows, dict) else rows
        head = {name: one for name, one in table.items() if name not in ("rows", "groups")}
        frame = len(self._document.write(head)) + _FRAME
        if "rows" in table and "groups" in table:
            frame += min(len(self._document.write(table["groups"])), most // 4)
        if not _is_list(cells) or frame + _TINY > most:
            return outline(table)
        texts = self._texts(table, cells)
        parts = [f"{name} {text}" for name, text in zip(names, texts, strict=True)] if names else texts
        sizes = [len(part) + 1 + 4 * bool(names) for part in parts]
        rest = 0 if grouped else int(_REST * (most - frame))
        room = most - frame - rest
        kept = self._chosen(table, parts, sizes, room)
        if len(kept) == 0:
            return outline(table)
        noun = "groups of rows" if grouped else "rows"
        if len(kept) < len(cells):
            self._left_out.append((len(cells), f"{len(kept):,} of {len(cells):,} {noun} of {path}"))
        shares = shares_of([sizes[number] for number in kept], room)
        fitted: list[Json] = [
            self._row(cells[number], len(texts[number]), share - 1, f"{path}[{number}]", depth)
            for number, share in zip(kept, shares, strict=True)
        ]
        sampled: dict[str, Json] = {}
        if len(kept) < len(cells):
            sampled |= {"shown": len(kept), "of": len(cells)}
            if not names:
                sampled["at"] = places(kept)
        sampled |= head
        if names:
            sampled["rows"] = dict(zip((names[number] for number in kept), fitted, strict=True))
            if "groups" in table:
                groups = table["groups"]
                shown = _groups_of(groups, sampled["rows"])
                self._left_out.append((len(groups), f"{len(shown):,} of {len(groups):,} groups of them"))
                sampled |= {"shown_groups": len(shown), "of_groups": len(groups), "groups": shown}
        else:
            sampled["groups" if grouped else "rows"] = fitted
        if len(kept) < len(cells) and not grouped:
            sampled["overview"] = self._overview(table, cells, rest)
        return sampled

    def _overview(self, table: Table, rows: Sequence[Json], most: int) -> dict[str, Json]:
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

    def _row(self, row: Json, size: int, most: int, path: str, depth: int) -> Json:
        if size <= most or not _is_list(row):
            return self._fit(row, size, most, path, depth + 1)
        sizes = [len(cell) + 1 for cell in self._document.write_each(row)]
        shares = shares_of(sizes, most)
        return [
            self._fit(cell, size - 1, max(share - 1, 16), path, depth + 1)
            for cell, size, share in zip(row, sizes, shares, strict=True)
        ]

    def _size(self, value: Json, most: int) -> int:
        """Its characters, or more than `most` where there are many more: what is far too long is not written for it."""
        return most + 1 if is_long(value, most) else len(self._document.write(value))

    def _described(self, whole: dict[str, Json] | list[Json]) -> str:
        known = self._descriptions.get(id(whole))
        if known is None:
            values = list(whole.values()) if isinstance(whole, dict) else whole
            known = self._descriptions[id(whole)] = describe(values, self._document)
        return known

    def _texts(self, whole: Json, parts: Sequence[Json]) -> list[str]:
        """Each part written, once for all samples. By identity: the value lives as long as its sampler."""
        known = self._written.get(id(whole))
        if known is None:
            known = self._written[id(whole)] = self._document.write_each(parts)
        return known

    def _chosen(self, whole: Json, texts: Sequence[str], sizes: Sequence[int], room: int) -> list[int]:
        """The best of the parts, ascending, as many as fit. One that is far longer than most is cut."""
        order = self._orders.get(id(whole))
        if order is None:
            order = self._orders[id(whole)] = ranked(
                texts, self._words, 16 + max(0, 2 * room) // (_EACH_PLACE + min(sizes))
            )
        each = max(room // _FEWEST, min(sorted(sizes)[len(sizes) // 2], room - _EACH_PLACE), _TINY)
        chosen: list[int] = []
        for number in order:
            cost = min(sizes[number], each) + _EACH_PLACE
            if cost > room:
                break
            room -= cost
            chosen.append(number)
        return sorted(chosen)


def _groups_of(groups: Json, rows: dict[str, Json]) -> list[Json]:
    """The groups all of whose rows are shown."""
    return (
        [group for group in groups if _is_list(group) and all(str(one) in rows for one in group)]
        if _is_list(groups)
        else []
    )


def _is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    return isinstance(value, dict)


def _is_list(value: Json) -> TypeGuard[list[Json]]:
    return isinstance(value, list)

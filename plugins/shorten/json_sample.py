"""A sample of JSON that says what it left out.

Room is shared from the top down: a member or item that needs less than its share leaves the rest of it to the others.
A list of which only some items are shown becomes an object,

    {"shown":3,"of":1000,"at":"0,17,999","items":[...],"overview":"1,000 objects (id, state)"}

with the places of those shown (from 0, as in a JSON path) and what is in all of them; a table says the same beside its
rows. Text without its middle says how much is missing, and so does a branch that found no room: "[... list of 12]".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from leanloop.plugins.shorten.clamp import clamp
from leanloop.plugins.shorten.json_describe import outline
from leanloop.plugins.shorten.json_measures import FEWEST, TINY, Measures
from leanloop.plugins.shorten.json_read import Document, Json, is_list, is_object
from leanloop.plugins.shorten.json_room import places, shares_of
from leanloop.plugins.shorten.json_table import Table
from leanloop.plugins.shorten.json_text import Texts
from leanloop.plugins.shorten.shown import Room

__all__ = ["Sampler"]

_DEEPEST = 10  # each level is written once more to be measured
_MANY = 64  # members that are written in one go to be measured, however long one of them is
_FRAME = 50  # characters of a sampled list beside its items
_REST = 0.1  # of its room at most say what is in the items not shown
_PLACES = 4


class Sampler:
    """Takes samples of one document, of any size; what it measured for one sample serves the next."""

    def __init__(self, document: Document, value: Json, room: Room) -> None:
        self._document = document
        self._value = value
        self._words = room.words
        self._measures = Measures(document, room.words)
        self._texts = Texts(room)
        self._left_out: list[tuple[int, str]] = []

    def sample(self, most: int) -> tuple[str, str]:
        """About `most` characters of valid JSON, and what they show."""
        self._left_out.clear()
        text = self._document.write(self._fit(self._value, self._measures.size(self._value, most), most, "$", 0))
        parts = [said for _, said in sorted(self._left_out, key=lambda one: -one[0])]
        more = f" and {len(parts) - _PLACES} more places" if len(parts) > _PLACES else ""
        return text, ", ".join(parts[:_PLACES]) + more or "an outline"

    def _fit(self, value: Json, size: int, most: int, path: str, depth: int) -> Json:
        if size <= most:
            return value
        if isinstance(value, str):
            return self._text(value, most, path)
        if depth > _DEEPEST or most < TINY:
            return outline(value) if is_object(value) or is_list(value) else value
        if isinstance(value, Table):
            return self._table(value, most, path, depth)
        if is_object(value):
            return self._object(value, most, path, depth)
        if is_list(value):
            return self._list(value, most, path, depth)
        return value

    def _text(self, value: str, most: int, path: str) -> str:
        number = self._document.number(value)
        if number is not None:
            self._left_out.append((len(number), f"part of the number {path}"))
            return clamp(number, max(most - 30, 16), self._words)
        shown = self._texts.shown(value, most)
        numbered = ", by its own lines" if "[…" in shown else ""
        self._left_out.append((len(value), f"part of the text {path}{numbered}"))
        return shown

    def _object(self, value: dict[str, Json], most: int, path: str, depth: int) -> Json:
        names = list(value)
        if len(names) > _MANY:
            inside = [len(text) for text in self._measures.texts(value, list(value.values()))]
        else:
            inside = [self._measures.size(one, 4 * most) for one in value.values()]
        sizes = [len(name) + size + 4 for name, size in zip(names, inside, strict=True)]
        least = [min(size, len(name) + TINY) for name, size in zip(names, sizes, strict=True)]
        kept: Sequence[int] = range(len(names))
        if sum(least) > most:
            texts = self._measures.texts(value, list(value.values()))
            parts = [f"{name} {text}" for name, text in zip(names, texts, strict=True)]
            kept = self._measures.chosen(value, list(value.values()), parts, sizes, most - 2 * _FRAME)
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
            said = f"{len(names) - len(kept):,} more members; all of them: {self._measures.described(value)}"
            found[more] = clamp(said, 2 * _FRAME)
        return found

    def _list(self, value: list[Json], most: int, path: str, depth: int) -> Json:
        texts = self._measures.texts(value, value)
        sizes = [len(text) + 1 for text in texts]
        if len(value) <= FEWEST and len(value) * TINY <= most:
            shares = shares_of(sizes, most)
            return [
                self._fit(one, size - 1, share - 1, f"{path}[{number}]", depth + 1)
                for number, (one, size, share) in enumerate(zip(value, sizes, shares, strict=True))
            ]
        room = most - _FRAME - int(_REST * most)
        kept = self._measures.chosen(value, value, texts, sizes, room)
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
        overview = clamp(self._measures.described(value), int(_REST * most))
        return {"shown": len(kept), "of": len(value), "at": places(kept), "items": items, "overview": overview}

    def _table(self, table: Table, most: int, path: str, depth: int) -> Json:
        rows, groups = table.get("rows"), table.get("groups")
        held = groups if rows is None else rows
        names = list(held) if is_object(held) else []
        cells = list(held.values()) if is_object(held) else held
        head = {name: one for name, one in table.items() if name not in ("rows", "groups")}
        same = head.get("in_every_row")
        if same is not None and (size := self._measures.size(same, most)) > most // 3:
            head["in_every_row"] = self._fit(same, size, most // 3, f"{path}[*]", depth + 1)
        frame = len(self._document.write(head)) + _FRAME
        if rows is not None and groups is not None:
            frame += min(self._measures.size(groups, most), most // 4)
        if not is_list(cells) or frame + TINY > most:
            return outline(table)
        texts = self._measures.texts(table, cells)
        parts = [f"{name} {text}" for name, text in zip(names, texts, strict=True)] if names else texts
        sizes = [len(part) + 1 + 4 * bool(names) for part in parts]
        rest = 0 if rows is None else int(_REST * (most - frame))
        kept = self._measures.chosen(table, cells, parts, sizes, most - frame - rest)
        if not kept:
            return outline(table)
        shares = shares_of([sizes[number] for number in kept], most - frame - rest)
        fitted: list[Json] = [
            self._row(cells[number], len(texts[number]), share - 1, f"{path}[{number}]", depth)
            for number, share in zip(kept, shares, strict=True)
        ]
        sampled: dict[str, Json] = {}
        if len(kept) < len(cells):
            noun = "groups of rows" if rows is None else "rows"
            self._left_out.append((len(cells), f"{len(kept):,} of {len(cells):,} {noun} of {path}"))
            sampled |= {"shown": len(kept), "of": len(cells)}
            if not names:
                sampled["at"] = places(kept)
        sampled |= head
        shown = dict(zip((names[number] for number in kept), fitted, strict=True)) if names else fitted
        sampled["groups" if rows is None else "rows"] = shown
        if rows is not None and is_list(groups):
            sampled |= self._groups(groups, shown)
        if len(kept) < len(cells) and rows is not None:
            sampled["overview"] = self._measures.overview(table, cells, rest)
        return sampled

    def _groups(self, groups: list[Json], rows: Collection[Json]) -> dict[str, Json]:
        """The groups all of whose rows are shown."""
        shown: list[Json] = [group for group in groups if is_list(group) and all(str(one) in rows for one in group)]
        if len(shown) == len(groups):
            return {"groups": groups}
        self._left_out.append((len(groups), f"{len(shown):,} of {len(groups):,} groups of them"))
        return {"shown_groups": len(shown), "of_groups": len(groups), "groups": shown}

    def _row(self, row: Json, size: int, most: int, path: str, depth: int) -> Json:
        if size <= most or not is_list(row):
            return self._fit(row, size, most, path, depth + 1)
        sizes = [len(cell) + 1 for cell in self._document.write_each(row)]
        shares = shares_of(sizes, most)
        return [
            self._fit(cell, size - 1, max(share - 1, 16), path, depth + 1)
            for cell, size, share in zip(row, sizes, shares, strict=True)
        ]

"""Rows of JSON as a table: the names once, and nothing lost.

    [{"id": 1, "price": {"net": 5, "vat": 1}, "unit": "EUR"}, {"id": 2, "price": {"net": 7, "vat": 1}, "unit": "EUR"}]

    {"in_every_row":{"price.vat":1,"unit":"EUR"},"columns":["id","price.net"],"rows":[[1,5],[2,7]]}

A table is a JSON object with ``columns`` and

- ``rows``: a list of rows for a list of objects, an object of rows for an object of objects; or ``groups``, a list of
  lists of rows, for a list of lists of objects; or both, where the same rows are in many groups: rows by number, and
  groups of numbers;
- ``in_every_row``: columns that have the same value in all rows, if there are any; they come first in an object;
- ``absent``: what stands where an object has no such member, where some do not. No cell holds it otherwise, nor does
  ``in_every_row``.

Dots in a column's name lead into nested objects. Rows with a dot in a name of their own are left as they are, and so is
a text that has objects like a table in it already: every table can be read back to the very same value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from leanloop.plugins.shorten.json_read import Json, is_list, is_object

__all__ = ["Table", "tabled"]

_DEEPEST = 40
_ABSENT_WORDS = ("-", "~", "absent", "?-")
_FRAME = 30  # characters of a table beside its names and cells
_SHARED = 0.8  # of the characters of rows in groups, under which equal ones are written once
_FILLED = 0.6  # of the cells, below which objects are not of one form
_MOST_FORMS = 64

Object = dict[str, Json]
_Column = tuple[str, list[Json]]


class _Absent:
    """Stands where an object has no such member, until the table has its own word for that."""


_NONE = _Absent()


class Table(dict[str, Json]):
    """An object that stands for rows."""


def tabled(value: Json, depth: int = 0) -> Json:
    """The value with tables in it where they are shorter. No table within a table's cell is lost: cells have them too.

    Nested deeper than a few dozen levels it is left as it is. What is given is not changed.
    """
    if depth > _DEEPEST:
        return value
    if is_object(value):
        kinds = set(map(type, value.values()))
        if kinds == {dict} and len(value) > 2:
            table = _table(list(_objects(value.values())), depth)
            if table is not None:
                table["rows"] = dict(zip(value, _list(table["rows"]), strict=True))
                return table
        return dict(zip(value, _each(value.values(), depth), strict=True)) if kinds & _NESTS else value
    if is_list(value):
        kinds = set(map(type, value))
        if kinds == {dict}:
            return _table(list(_objects(value)), depth) or _each(value, depth)
        if kinds == {list}:
            groups = [one for one in value if is_list(one)]
            members = list(chain.from_iterable(groups))
            if set(map(type, members)) == {dict}:
                return _grouped(groups, _table(list(_objects(members)), depth)) or _each(value, depth)
        return _each(value, depth) if kinds & _NESTS else value
    return value


def _grouped(groups: Sequence[list[Json]], table: Table | None) -> Table | None:
    """The rows in their groups; rows that are in many groups once, with a number."""
    if table is None:
        return None
    rows = _list(table.pop("rows"))
    numbers: dict[str, int] = {}
    named: Object = {}
    places: list[Json] = []
    characters = 0
    for row in rows:
        text = repr(row)
        characters += len(text)
        if text not in numbers:
            numbers[text] = len(numbers) + 1
            named[str(len(numbers))] = row
        places.append(numbers[text])
    shared = sum(len(text) + 8 for text in numbers) + 4 * len(rows) < _SHARED * characters
    if shared:
        table["rows"] = named
    left = iter(places if shared else rows)
    table["groups"] = [[next(left) for _ in group] for group in groups]
    return table


def _each(values: Iterable[Json], depth: int) -> list[Json]:
    return [tabled(one, depth + 1) if one and type(one) in _NESTS else one for one in values]


_NESTS = frozenset((dict, list))


def _table(rows: list[Object], depth: int) -> Table | None:
    """The table of these rows, if that is shorter."""
    if len(rows) < 2:
        return None
    found = _columns(rows, "", depth)
    if found is None:
        return None
    columns, gained = found
    gained -= sum(len(name) + 3 for name, _ in columns) + _FRAME
    same: Object = {}
    varied: list[_Column] = []
    absent = False
    for name, cells in columns:
        first = cells[0]
        if _is_plain(first) and cells.count(first) == len(cells) and len(set(map(type, cells))) == 1:
            same[name] = first
            gained += (len(rows) - 1) * (len(str(first)) + 1)
        else:
            varied.append((name, cells))
            missing = cells.count(_NONE)
            gained -= 4 * missing
            absent = absent or missing > 0
    if gained <= 0:
        return None
    table = Table()
    word: str | None = None
    if absent:
        held = [list(same.values()), *(cells for _, cells in varied)]
        word = next((word for word in _ABSENT_WORDS if not any(word in cells for cells in held)), None)
        if word is None:
            return None
        table["absent"] = word
    if same:
        table["in_every_row"] = same
    table["columns"] = [name for name, _ in varied]
    written = [_cells(cells, word, depth) for _, cells in varied]
    table["rows"] = [list(row) for row in zip(*written, strict=True)] if written else [[] for _ in rows]
    return table


def _cells(cells: list[Json], word: str | None, depth: int) -> list[Json]:
    kinds = set(map(type, cells))
    if _Absent in kinds:
        cells = [word if cell is _NONE else cell for cell in cells]
    return _each(cells, depth) if kinds & _NESTS else cells


def _columns(rows: list[Object], prefix: str, depth: int) -> tuple[list[_Column], int] | None:
    """The columns of rows, those of nested objects with a dotted name, and the characters of the names in the rows.

    None where the rows are not of one form.
    """
    forms = Counter(map(tuple, rows))
    if len(forms) > _MOST_FORMS:
        return None
    present: Counter[str] = Counter()
    for form, count in forms.most_common():
        for name in form:
            present[name] += count
    if (
        not present
        or sum(present.values()) < _FILLED * len(present) * len(rows)
        or any("." in name for name in present)
    ):
        return None
    if len(forms) == 1:
        cells: Iterable[Sequence[Json]] = zip(*(row.values() for row in rows), strict=True)
    else:
        cells = ([row.get(name, _NONE) for row in rows] for name in present)
    found: list[_Column] = []
    characters = 0
    for (name, count), column in zip(present.items(), cells, strict=True):
        inner = _nested(column, f"{prefix}{name}.", depth)
        characters += count * (len(name) + (5 if inner else 3))
        if inner:
            found.extend(inner[0])
            characters += inner[1]
        else:
            found.append((prefix + name, list(column)))
    return found, characters


def _nested(cells: Sequence[Json], prefix: str, depth: int) -> tuple[list[_Column], int] | None:
    """The columns of a column of objects; none of them may be empty, as an empty one is then one that is absent."""
    kinds = set(map(type, cells))
    if depth > _DEEPEST or dict not in kinds or not kinds <= {dict, _Absent} or not all(cells):
        return None
    return _columns([cell if is_object(cell) else {} for cell in cells], prefix, depth + 1)


def _is_plain(value: Json) -> bool:
    return value is None or type(value) in (str, int, bool)


def _objects(values: Iterable[Json]) -> Iterable[Object]:
    return (value for value in values if is_object(value))


def _list(value: Json) -> list[Json]:
    return value if is_list(value) else []

"""What is in values that are not shown: of which types, from where to where, how many of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import cast

from leanloop.plugins.shorten.json_read import Document, Json

__all__ = ["describe", "describe_cells", "outline"]

_FEW = 6  # different texts that are counted one by one
_LONGEST = 24
_NAMES = 12


def outline(value: Json) -> str:
    """A branch for which there is no room."""
    if isinstance(value, dict):
        names = [str(name)[:_LONGEST] for name in cast("dict[str, Json]", value)]
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        return f"[... object of {len(names):,}: {', '.join(names[:4])}{more}]"
    return f"[... list of {len(cast('list[Json]', value)):,}]"


def describe(values: Sequence[Json], document: Document) -> str:
    """``3 null, 12 numbers 5..980, 88 texts, 40 objects (id, name)``."""
    absent = object()
    return _described(values, absent, document)


def describe_cells(
    columns: Sequence[Json], rows: Sequence[Json], absent: Json, document: Document, most: int
) -> dict[str, Json]:
    """By column what `rows` hold, as many columns as fit into `most` characters."""
    found: dict[str, Json] = {}
    for name, cells in zip(columns, zip(*(cast("list[Json]", row) for row in rows), strict=True), strict=False):
        said = _described(cells, absent, document)
        most -= len(str(name)) + len(said) + 6
        if most < 0:
            break
        found[str(name)] = said
    return found


def _described(values: Sequence[Json], absent: object, document: Document) -> str:
    numbers: list[str] = []
    texts: list[str] = []
    lists: list[int] = []
    names: Counter[str] = Counter()
    others: Counter[str] = Counter()
    objects = 0
    for value in values:
        kind = type(value)
        if kind is str:
            number = document.number(value)
            if value == absent:
                others["absent"] += 1
            elif number is None:
                texts.append(cast("str", value))
            else:
                numbers.append(number)
        elif kind is int:
            numbers.append(str(value))
        elif kind is list:
            lists.append(len(cast("list[Json]", value)))
        elif isinstance(value, dict):
            objects += 1
            names.update(list(cast("dict[str, Json]", value))[:_NAMES])
        else:
            others["null" if value is None else str(value).lower()] += 1
    said: list[str] = []
    if numbers:
        said.append(_numbers(numbers, alone=len(numbers) == len(values)))
    if texts:
        said.append(_texts(texts))
    if lists:
        said.append(f"{len(lists):,} lists of {_span(map(str, lists))}")
    if objects:
        said.append(f"{objects:,} objects ({', '.join(name[:_LONGEST] for name, _ in names.most_common(_NAMES))})")
    said.extend(f"{count:,} {name}" for name, count in others.most_common())
    return ", ".join(said)


def _numbers(numbers: Sequence[str], *, alone: bool) -> str:
    return _span(numbers) if alone else f"{len(numbers):,} numbers {_span(numbers)}"


def _span(numbers: Iterable[str]) -> str:
    known = [(float(number) if len(number) < 300 else 0.0, number) for number in numbers]
    low, high = min(known)[1], max(known)[1]
    return low[:_LONGEST] if low == high else f"{low[:_LONGEST]}..{high[:_LONGEST]}"


def _texts(texts: Sequence[str]) -> str:
    counted = Counter(texts)
    if len(counted) <= _FEW and all(len(text) <= _LONGEST for text in counted):
        return ", ".join(f"{text} {count:,}" for text, count in counted.most_common())
    return f"{len(texts):,} texts, {len(counted):,} different"

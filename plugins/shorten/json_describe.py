"""What is in values that are not shown: of which types, from where to where, how many of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import cast

from leanloop.plugins.shorten.json_read import Document, Json, is_list, is_object
from leanloop.plugins.shorten.json_table import Table

__all__ = ["describe", "describe_cells", "outline"]

_FEW = 6  # different texts that are counted one by one
_LONGEST = 24
_NAMES = 12


def outline(value: Json) -> str:
    """A branch for which there is no room."""
    if is_object(value):
        names = [str(name)[:_LONGEST] for name in value]
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        return f"[... object of {len(names):,}: {', '.join(names[:4])}{more}]"
    return f"[... list of {len(value) if is_list(value) else 0:,}]"


def describe(values: Sequence[Json], document: Document) -> str:
    """``3 null, 12 numbers 5..980, 88 texts, 40 objects (id, name)``."""
    return _described(values, None, document)


def describe_cells(table: Table, rows: Sequence[Json], document: Document) -> dict[str, Json]:
    """What is in each column."""
    columns = cast("list[str]", table["columns"])
    absent = cast("str | None", table.get("absent"))
    cells = zip(*(cast("list[Json]", row) for row in rows), strict=True)
    return {name: _described(column, absent, document) for name, column in zip(columns, cells, strict=False)}


def _described(values: Sequence[Json], absent: str | None, document: Document) -> str:
    kinds = Counter(map(type, values))
    said: list[str] = []
    texts = [value for value in values if isinstance(value, str)] if kinds[str] else []
    missing = texts.count(absent) if absent is not None else 0
    if missing:
        texts = [text for text in texts if text != absent]
    numbers: list[str] = []
    if document.mark[0] in "".join(texts):
        numbers = [number for text in texts if (number := document.number(text)) is not None]
        texts = [text for text in texts if document.number(text) is None]
    if kinds[int]:
        integers = [value for value in values if type(value) is int]
        numbers += [_digits(min(integers)), _digits(max(integers))]
    if numbers:
        span = _span(numbers)
        count = kinds[int] + kinds[str] - missing - len(texts)
        said.append(span if count == len(values) else f"{count:,} numbers {span}")
    if texts:
        said.append(_texts(texts))
    if kinds[list]:
        lengths = [len(value) for value in values if is_list(value)]
        said.append(f"{len(lengths):,} lists of {_span(map(str, (min(lengths), max(lengths))))}")
    if kinds[dict] + kinds[Table]:
        names = Counter(chain.from_iterable(value for value in values if is_object(value)))
        shown = ", ".join(name[:_LONGEST] for name, _ in names.most_common(_NAMES))
        said.append(f"{kinds[dict] + kinds[Table]:,} objects ({shown})")
    rest = {"true": values.count(True) if kinds[bool] else 0, "null": kinds[type(None)], "absent": missing}
    rest["false"] = kinds[bool] - rest["true"]
    said.extend(f"{count:,} {name}" for name, count in rest.items() if count)
    return ", ".join(said)


def _digits(number: int) -> str:
    return str(number) if number.bit_length() < 200 else "a very large number"


def _span(numbers: Iterable[str]) -> str:
    known = [(float(number) if number[-1:].isdigit() else 0.0, number) for number in numbers]
    low, high = min(known)[1], max(known)[1]
    return low[:_LONGEST] if low == high else f"{low[:_LONGEST]}..{high[:_LONGEST]}"


def _texts(texts: Sequence[str]) -> str:
    counted = Counter(texts)
    if len(counted) <= _FEW and all(len(text) <= _LONGEST for text in counted):
        return ", ".join(f"{text} {count:,}" for text, count in counted.most_common())
    return f"{len(texts):,} texts, {len(counted):,} different"

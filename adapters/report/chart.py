"""Tables as charts: SVG by pygal, without its script and its colours, which the page gives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol
from xml.etree import ElementTree as ET

from leanloop.adapters.report.cell import for_people, printable
from leanloop.adapters.report.table import Cell, Table, Unit
from leanloop.errors import MissingExtra

__all__ = ["COLOURS", "chart_of"]

COLOURS = 6
"""Series that are told apart by colour, ``color-0`` and so on."""

_WIDTH, _HEIGHT = 420, 270
"""Small, so that the letters are readable when the page is 375 pixels wide."""

_FRAME, _BAR = 40, 22
"""Of bars: around them, and of each."""

_BARS = 10
_LABEL = 22
_PRECEDENCE: tuple[Unit, ...] = ("usd", "share", "count")
_SVG = "{http://www.w3.org/2000/svg}"


class _Chart(Protocol):
    x_labels: Sequence[str]
    value_formatter: Callable[[float | None], str]

    def add(self, title: str, values: Sequence[float | None]) -> object: ...

    def render(self, **how: object) -> bytes: ...


def chart_of(table: Table, zone: str) -> str:
    """The SVG of a table that is drawn as bars or stacks; empty where there is nothing to see.

    Raises:
        MissingExtra: pygal is not installed.
    """
    place = _measure(table)
    if not any(row[place] for row in table.rows):
        return ""
    unit = table.columns[place].unit
    chart = _stacks(table, place) if table.drawn == "stacks" else _bars(table, place)
    chart.value_formatter = lambda value: "" if value is None else for_people(value, unit, zone)
    return _bare(chart.render(), f"Chart: {table.title}. Its figures are in the table below.")


def _measure(table: Table) -> int:
    """Which column is drawn: money where there is some, else a share or a number."""
    places = {column.unit: place for place, column in reversed(list(enumerate(table.columns)))}
    known = [places[unit] for unit in _PRECEDENCE if unit in places]
    return next((place for place in known if any(row[place] for row in table.rows)), known[0])


def _new(kind: str, **how: object) -> _Chart:
    try:
        pygal = import_module("pygal")
    except ImportError as error:
        raise MissingExtra("pygal", "report") from error
    # It adds a finder for plugins of its own, of a kind that Python 3.11 warns of at every import and 3.12 passes over.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    make: Callable[..., _Chart] = getattr(pygal, kind)
    size = {"width": _WIDTH, "height": _HEIGHT, "margin": 6, "margin_right": 30}
    labels = {"truncate_label": -1, "show_minor_x_labels": False, "x_labels_major_count": 3}
    return make(js=[], disable_xml_declaration=True, **{**size, **labels, **how})


def _stacks(table: Table, place: int) -> _Chart:
    periods = sorted({str(row[0]) for row in table.rows})
    names: dict[str, int] = {}
    for row in table.rows:
        names[str(row[1])] = names.get(str(row[1]), 0) + _number(row[place])
    chart = _new(
        "StackedBar",
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        truncate_legend=_LABEL,
    )
    chart.x_labels = periods
    for name in sorted(names, key=lambda name: (-names[name], name)):
        values = {str(row[0]): _number(row[place]) for row in table.rows if row[1] == name}
        chart.add(printable(name), [values.get(period) for period in periods])
    return chart


def _bars(table: Table, place: int) -> _Chart:
    rows = list(reversed(table.rows[:_BARS]))
    chart = _new("HorizontalBar", show_legend=False, height=_FRAME + _BAR * len(rows))
    chart.x_labels = [_cut(": ".join(str(cell) for cell in row[: _texts(table)] if cell)) for row in rows]
    chart.add(table.columns[place].name, [_number(row[place]) for row in rows])
    return chart


def _texts(table: Table) -> int:
    return 2 if table.columns[1].unit == "text" else 1


def _cut(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"


def _number(cell: Cell) -> int:
    return cell if isinstance(cell, int) else round(cell) if isinstance(cell, float) else 0


def _bare(svg: bytes, label: str) -> str:
    """Without script, style and what only the script uses; the value of a bar is the text that is shown over it."""
    root = ET.fromstring(svg)  # noqa: S314 - made by pygal just now, which escapes what it is given
    for parent in list(root.iter()):
        for child in list(parent):
            kind, classes = str(child.tag).removeprefix(_SVG), child.get("class", "")
            is_title = kind == "title" and parent is root
            if kind == "desc" and classes == "value":
                child.tag = f"{_SVG}title"
                child.attrib.clear()
            elif kind in ("script", "style", "defs", "desc") or "overlay" in classes or is_title:
                parent.remove(child)
        parent.attrib.pop("id", None)
    root.set("role", "img")
    root.set("aria-label", printable(label))
    ET.register_namespace("", _SVG.strip("{}"))
    return ET.tostring(root, encoding="unicode")

"""Tables as charts: SVG by pygal, without its script and its colours, which the page gives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NamedTuple, Protocol
from xml.etree import ElementTree as ET

from leanloop.adapters.report.cell import for_people, printable
from leanloop.adapters.report.table import Cell, Table, Unit
from leanloop.errors import MissingExtra

__all__ = ["COLOURS", "Chart", "chart_of"]

COLOURS = 6
"""Series that are told apart by colour, ``color-0`` and so on."""

_WIDTH, _HEIGHT, _LETTERS = 380, 230, 12
"""Small, so that the letters are readable when the page is 320 pixels wide."""

_FRAME, _BAR = 40, 24
"""Of bars: around them, and of each."""

_BARS = 10
_LABEL, _NAME = 22, 40
"""Letters of a name: beside its bar, and below a chart."""

_PRECEDENCE: tuple[Unit, ...] = ("usd", "share", "count")
_SVG = "{http://www.w3.org/2000/svg}"


class Chart(NamedTuple):
    """A drawing, and the names of the series in it, in the order of their colours."""

    svg: str = ""
    series: Sequence[str] = ()


class _Drawing(Protocol):
    x_labels: Sequence[str]
    value_formatter: Callable[[float | None], str]

    def add(self, title: str, values: Sequence[float | None]) -> object: ...

    def render(self, **how: object) -> bytes: ...


def chart_of(table: Table, zone: str) -> Chart:
    """The chart of a table that is drawn as bars or stacks; empty where there is nothing to see.

    Raises:
        MissingExtra: pygal is not installed.
    """
    place = _measure(table)
    if not any(row[place] for row in table.rows):
        return Chart()
    unit = table.columns[place].unit
    names = _series(table, place) if table.drawn == "stacks" else []
    drawing = _stacks(table, place, names) if names else _bars(table, place)
    drawing.value_formatter = lambda value: _tick(value, unit, zone)
    svg = _bare(drawing.render(), f"Chart: {table.title}. Its figures are in the table below.")
    return Chart(svg, [_cut(name, _NAME) for name in names])


def _measure(table: Table) -> int:
    """Which column is drawn: money where there is some, else a share or a number."""
    places = {column.unit: place for place, column in reversed(list(enumerate(table.columns)))}
    known = [places[unit] for unit in _PRECEDENCE if unit in places]
    return next((place for place in known if any(row[place] for row in table.rows)), known[0])


def _new(kind: str, **how: object) -> _Drawing:
    try:
        pygal = import_module("pygal")
    except ImportError as error:
        raise MissingExtra("pygal", "report") from error
    # It adds a finder for plugins of its own, of a kind that Python 3.11 warns of at every import and 3.12 passes over.
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    make: Callable[..., _Drawing] = getattr(pygal, kind)
    letters = import_module("pygal.style").Style(label_font_size=_LETTERS, major_label_font_size=_LETTERS)
    size = {"width": _WIDTH, "height": _HEIGHT, "margin": 6, "margin_right": 44, "style": letters}
    labels = {"truncate_label": -1, "show_minor_x_labels": False, "x_labels_major_count": 3, "show_legend": False}
    return make(js=[], disable_xml_declaration=True, **{**size, **labels, **how})


def _series(table: Table, place: int) -> list[str]:
    """The names in the second column, those with most first."""
    sums: dict[str, float] = {}
    for row in table.rows:
        sums[str(row[1])] = sums.get(str(row[1]), 0.0) + _number(row[place])
    return sorted(sums, key=lambda name: (-sums[name], name))


def _stacks(table: Table, place: int, names: Sequence[str]) -> _Drawing:
    chart = _new("StackedBar", max_scale=6, margin_right=12, x_labels_major_count=2)
    chart.x_labels = table.axis
    for name in names:
        values = {str(row[0]): _number(row[place]) for row in table.rows if row[1] == name}
        chart.add(printable(name), [values.get(period) for period in table.axis])
    return chart


def _bars(table: Table, place: int) -> _Drawing:
    rows = list(reversed(table.rows[:_BARS]))
    chart = _new("HorizontalBar", y_labels_major_count=3, height=_FRAME + _BAR * len(rows))
    chart.x_labels = [_cut(": ".join(str(cell) for cell in row[: _texts(table)] if cell), _LABEL) for row in rows]
    chart.add(table.columns[place].name, [_number(row[place]) for row in rows])
    return chart


def _texts(table: Table) -> int:
    return 2 if table.columns[1].unit == "text" else 1


def _cut(name: str, most: int) -> str:
    name = printable(name)
    return name if len(name) <= most else f"{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def _tick(value: float | None, unit: Unit, zone: str) -> str:
    """There is no half of a call."""
    part_of_one = value is not None and unit == "count" and not float(value).is_integer()
    return "" if value is None or part_of_one else for_people(value, unit, zone)


def _number(cell: Cell) -> float:
    return cell if isinstance(cell, int | float) else 0


def _bare(svg: bytes, label: str) -> str:
    """Without script, style and what only the script uses; the value of a bar is the text that is shown over it."""
    root = ET.fromstring(svg)  # noqa: S314 - made by pygal just now, which escapes what it is given
    for parent in list(root.iter()):
        for child in list(parent):
            kind, classes = str(child.tag).removeprefix(_SVG), child.get("class", "")
            is_title = kind == "title" and (parent is root or "guides" in parent.get("class", ""))
            if kind == "desc" and classes == "value":
                child.tag = f"{_SVG}title"
                child.attrib.clear()
            elif kind in ("script", "style", "defs", "desc") or "overlay" in classes or is_title:
                parent.remove(child)
        parent.attrib.pop("id", None)
    _keep_ends_inside(root)
    root.set("role", "img")
    root.set("aria-label", printable(label))
    ET.register_namespace("", _SVG.strip("{}"))
    return ET.tostring(root, encoding="unicode")


def _keep_ends_inside(root: ET.Element) -> None:
    """The first and the last period would go over the edges, if they stood with their middle below their bar."""
    graph = root.find(f"{_SVG}g")
    if graph is None or "horizontal" in graph.get("class", ""):
        return
    axes = [group for group in root.iter(f"{_SVG}g") if group.get("class") == "axis x"]
    periods = [text for axis in axes for text in axis.iter(f"{_SVG}text") if "major" in text.get("class", "")]
    for text, anchor in zip((periods[0], periods[-1]) if len(periods) > 1 else (), ("start", "end"), strict=False):
        text.set("style", f"text-anchor:{anchor}")

"""The figures of a report as one HTML page: no script, nothing loaded from anywhere, readable without a mouse.

Every name in it comes from a file of events, so the template escapes all it is given; only the charts are mark-up, and
they are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from leanloop.adapters.report.cell import exact, for_people, printable
from leanloop.adapters.report.chart import Chart, chart_of
from leanloop.adapters.report.table import Cell, Report, Section, Table, Unit
from leanloop.adapters.report.week import Week, weeks_of
from leanloop.errors import MissingExtra

__all__ = ["as_page"]

_LONG = 60
"""Rows from which on a table is folded."""


class _Shown(NamedTuple):
    """A cell: as text, and exactly where it is a number."""

    text: str
    exact: str | int | float | None
    unit: Unit
    words: str = ""


class _Bar(NamedTuple):
    """Where a call lies on the time axis of its task, in percent."""

    kind: str
    left: float
    width: float


class _Head(NamedTuple):
    words: str
    unit: Unit


class _Table(NamedTuple):
    """A table as the template needs it."""

    name: str
    title: str
    about: str
    caption: str
    summary: str
    columns: Sequence[_Head]
    rows: Sequence[Sequence[_Shown]]
    folded: bool
    long: bool
    chart: object
    series: Sequence[str]
    weeks: Sequence[Week]
    bars: Sequence[_Bar | None]


class _Section(NamedTuple):
    name: str
    title: str
    empty: str
    is_empty: bool
    tables: Sequence[_Table]


def as_page(report: Report) -> str:
    """The page.

    Raises:
        MissingExtra: Jinja or pygal is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise MissingExtra("Jinja2", "report") from error
    here = files("leanloop.adapters.report")
    made = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = made.from_string(here.joinpath("page.html.j2").read_text("utf-8"))

    def shown(table: Table) -> _Table:
        chart = chart_of(table, report.zone) if table.drawn in ("stacks", "bars") else Chart()
        return _shown(table, report.zone, Markup(chart.svg), chart.series)  # noqa: S704 - made by chart_of

    return template.render(
        css=Markup(here.joinpath("page.css").read_text("utf-8")),  # noqa: S704 - our own
        events=report.events,
        left_out=report.left_out,
        zone=report.zone,
        notes=report.notes,
        facts=_facts(report),
        facts_about=report.sections[0].tables[0].about,
        sections=[_section(section, [shown(table) for table in section.tables]) for section in report.sections],
    )


def _section(section: Section, tables: Sequence[_Table]) -> _Section:
    return _Section(section.name, section.title, section.empty, section.is_empty, tables)


def _facts(report: Report) -> list[_Shown]:
    """The first row of the first table, which the page has in this form only."""
    first = report.sections[0].tables[0]
    if not first.rows:
        return []
    return [
        _cell(cell, column.unit, report.zone)._replace(words=_words(column.name))
        for column, cell in zip(first.columns, first.rows[0], strict=True)
    ]


def _shown(table: Table, zone: str, chart: object, series: Sequence[str]) -> _Table:
    title = printable(table.title)
    many = f"{len(table.rows):,} row{'s' * (len(table.rows) != 1)}"
    summary = title
    if table.folded:
        known = [cell for row in table.rows if isinstance(cell := row[-2], int)]
        spent = for_people(sum(known), "usd", zone) if known else "no price known"
        summary = f"Task {title}: {many}, {spent}"
    return _Table(
        table.name,
        title,
        table.about,
        f"{title}, {many}",
        summary,
        [_Head(_words(column.name), column.unit) for column in table.columns],
        [
            [_cell(cell, column.unit, zone) for column, cell in zip(table.columns, row, strict=True)]
            for row in table.rows
        ],
        table.folded,
        table.drawn in ("stacks", "week") or len(table.rows) > _LONG,
        chart,
        series,
        weeks_of(table, zone) if table.drawn == "week" and table.rows else (),
        _bars(table) if table.drawn == "waterfall" else (),
    )


def _cell(cell: Cell, unit: Unit, zone: str) -> _Shown:
    number = None if cell is None or isinstance(cell, str) else exact(cell, unit, zone)
    return _Shown(for_people(cell, unit, zone), number, unit)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _bars(table: Table) -> list[_Bar | None]:
    """Of a task no time is known of, none at all; of a call no time is known of, None."""
    if all(row[0] is None for row in table.rows):
        return []
    spans = [(row[0], _float(row[1]), str(row[2])) for row in table.rows]
    whole = max((_float(began) + seconds for began, seconds, _ in spans), default=0.0) or 1.0
    return [
        None if began is None else _Bar(kind, round(100 * _float(began) / whole, 2), round(100 * seconds / whole, 2))
        for began, seconds, kind in spans
    ]


def _float(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0

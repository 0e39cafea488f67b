"""A figure of each hour of the week as a grid, in which more is deeper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leanloop.adapters.report.hours import DAYS
from leanloop.adapters.report.table import Cell, Table, Unit

__all__ = ["Shade", "Week", "weeks_of"]

_TITLES = {
    "p50_seconds": "Seconds until the answer, half of the calls (p50)",
    "p95_seconds": "Seconds until the answer, 95 % of the calls (p95)",
    "hit_rate": "Share of look-ups a cache answered, percent",
    "retries": "Retries",
}


class Shade(NamedTuple):
    """One hour: what is said of it, and its share of the most there is, from 0 to 1."""

    text: str
    share: float


class Week(NamedTuple):
    """A grid of 24 hours by 7 days."""

    title: str
    days: Sequence[str]
    hours: Sequence[Sequence[Shade]]


def weeks_of(table: Table, zone: str) -> list[Week]:
    """The grids of the table of hours; of what was never seen there is none."""
    weeks: list[Week] = []
    for place, column in enumerate(table.columns):
        known = {(row[0], row[1]): row[place] for row in table.rows}
        most = max((_number(cell) for cell in known.values()), default=0.0)
        if column.name in _TITLES and any(cell is not None for cell in known.values()):
            grid = [[_shade(known.get((day, hour)), column.unit, most) for day in DAYS] for hour in range(24)]
            weeks.append(Week(f"{_TITLES[column.name]}, {zone}", DAYS, grid))
    return weeks


def _shade(cell: Cell, unit: Unit, most: float) -> Shade:
    if cell is None:
        return Shade("", 0.0)
    number = _number(cell)
    if unit == "share":
        text = f"{number * 100:.0f}"
    elif unit == "count":
        text = f"{number:.0f}"
    else:
        text = f"{number:.0f}" if number >= 10 else f"{number:.1f}"
    return Shade(text, round(number / most, 2) if most else 0.0)


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0

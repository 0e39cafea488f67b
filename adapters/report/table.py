"""The figures of a report: tables in sections, each column with its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

__all__ = ["Cell", "Column", "Drawn", "Report", "Section", "Table", "Unit"]

Unit = Literal["text", "count", "usd", "share", "seconds", "time", "amount"]
"""usd: nano-dollars. seconds: a length of time. time: seconds since the epoch. amount: words such as ``12,000 tokens``
or ``$0.50``, with which nothing is calculated."""

Drawn = Literal["", "stacks", "bars", "week", "waterfall"]
"""How the page shows a table beside itself: as stacked bars over time, as bars, as a week of hours, on a time axis."""

Cell = str | int | float | None


class Column(NamedTuple):
    """What stands in a column."""

    name: str
    unit: Unit = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Figures that belong together.

    Attributes:
        name: in JSON and CSV; unique in a report.
        title: for people.
        columns, rows: a cell is None where nothing is known.
        about: how the figures were come by, and what was left out.
        drawn: how the page shows it.
        folded: it is one of several like it, and opened when it is wanted.
        axis: of stacks, all there is of the first column, also that of which there is no row.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    about: str = ""
    drawn: Drawn = ""
    folded: bool = False
    axis: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Tables on one subject; `empty` is said where none of them has a row."""

    name: str
    title: str
    tables: Sequence[Table]
    empty: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not any(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of some files.

    Attributes:
        zone: whose hours and days they are.
        events: rows that were counted.
        left_out: rows that were not.
        sections: the figures.
        notes: what a reader has to know of all of them.
    """

    zone: str
    events: int
    left_out: int
    sections: Sequence[Section]
    notes: Sequence[str] = field(default_factory=tuple[str, ...])

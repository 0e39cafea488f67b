"""The figures of a report, by table, for tests that compare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leanloop.adapters.report.table import Report

__all__ = ["Figures", "figures", "some"]

Figures = Mapping[str, list[dict[str, Any]]]


def figures(report: Report) -> Figures:
    """The rows of each table, with their cells as they are."""
    return {
        table.name: [{column.name: cell for column, cell in zip(table.columns, row, strict=True)} for row in table.rows]
        for section in report.sections
        for table in section.tables
    }


def some(row: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    """These cells of a row."""
    return tuple(row[name] for name in names)

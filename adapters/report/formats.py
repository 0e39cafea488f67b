"""The figures of a report as JSON, CSV and Markdown."""

from __future__ import annotations

import csv
import io
import json
import re

from leanloop.adapters.report.cell import exact, for_people, printable
from leanloop.adapters.report.table import Report, Table

__all__ = ["as_csv", "as_json", "as_markdown"]

VERSION = 1
"""Of the JSON; a change that breaks readers makes it 2."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula, some also in full width (OWASP, "CSV Injection")."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal obeys, but for a tab and the end of a line."""

_MARKED = re.compile(r"([\\`*_{}\[\]()<>#!|~&])")


def as_json(report: Report) -> str:
    """One object: of each table its rows as objects. Dollars are decimals in strings, as exact as they were booked."""
    tables = {
        table.name: [
            {
                column.name: exact(cell, column.unit, report.zone)
                for column, cell in zip(table.columns, row, strict=True)
            }
            for row in table.rows
        ]
        for section in report.sections
        for table in section.tables
    }
    about = {"version": VERSION, "zone": report.zone, "events": report.events, "left_out": report.left_out}
    about |= {"notes": list(report.notes)}
    return json.dumps({**about, "tables": tables}, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def as_csv(report: Report) -> str:
    """One figure a line: table, row, column, value. What a spreadsheet would calculate has an apostrophe before it."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(("table", "row", "column", "value"))
    for table in (table for section in report.sections for table in section.tables):
        for number, row in enumerate(table.rows, 1):
            for column, cell in zip(table.columns, row, strict=True):
                value = exact(cell, column.unit, report.zone)
                if isinstance(cell, str):
                    value = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", f"'{cell}" if cell.startswith(_FORMULA) else cell)
                lines.writerow((table.name, number, column.name, "" if value is None else value))
    return out.getvalue()


def as_markdown(report: Report) -> str:
    """Tables for people (GitHub Flavored Markdown), with exact dollars."""
    parts = [
        f"# leanloop report\n\n{report.events:,} events; {report.left_out:,} rows left out. Times in {report.zone}.\n"
    ]
    if report.notes:
        parts.append("".join(f"- {note}\n" for note in report.notes))
    for section in report.sections:
        parts.append(f"## {section.title}\n")
        parts += [_markdown(table, report.zone) for table in section.tables if table.rows]
        if section.is_empty:
            parts.append(f"{section.empty}\n")
    return "\n".join(parts)


def _markdown(table: Table, zone: str) -> str:
    lines = [f"### {_quoted(table.title)}", ""]
    if table.about:
        lines += [table.about, ""]
    lines.append(f"| {' | '.join(column.name.replace('_', ' ') for column in table.columns)} |")
    lines.append(f"|{'|'.join(' --- ' if column.unit == 'text' else ' ---: ' for column in table.columns)}|")
    for row in table.rows:
        cells: list[str] = []
        for column, cell in zip(table.columns, row, strict=True):
            if column.unit == "usd" and cell is not None:
                cells.append(f"{exact(cell, 'usd', zone)}")
            elif isinstance(cell, str):
                cells.append(_quoted(cell))
            else:
                cells.append(for_people(cell, column.unit, zone))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """A name that can be no mark-up, link or cell of its own (CommonMark, "Backslash escapes")."""
    return _MARKED.sub(r"\\\1", printable(text))

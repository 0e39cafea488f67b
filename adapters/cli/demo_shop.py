"""The shop of the demonstration: notes and an order database made on the spot, and the tools that read them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from pathlib import Path

from langchain_core.tools import BaseTool, ToolException, tool

__all__ = ["open_shop"]

_NOTES = {
    "handbook.md": """# Orders

An order is late when it is delivered after the day it was promised for. We promise delivery on the
second day after the order. Orders are packed by the warehouses in Leiden, Porto and Graz and handed
to one of three carriers; the carrier delivers on the day after pick-up. What customers or carriers
report about a late order is entered by hand into the table delays.
""",
    "changes.md": """# Changes

- 2025-02-10: Porto has a second packing table.
- 2025-03-03: Northline now picks up at 11:00, no longer at 16:00. The other carriers stay at 17:00.
- 2025-03-20: The person who enters delay reasons is on leave; nobody stands in.
""",
}
_TABLES = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, warehouse TEXT, carrier TEXT, packed TEXT, promised TEXT, delivered TEXT);
CREATE TABLE delays (order_id INTEGER REFERENCES orders(id), month TEXT, reason TEXT);
"""
_WAREHOUSES = ("Leiden", "Porto", "Graz")
_CARRIERS = ("Northline", "Kestrel", "Post")
_NEW_PICK_UP = date(2025, 3, 3)
_ROWS = 40


def open_shop(folder: Path) -> list[BaseTool]:
    """Write the notes and the database into `folder`; the tools that read them."""
    for name, text in _NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    database = folder / "orders.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(_TABLES)
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", _orders())
        connection.execute(
            "INSERT INTO delays SELECT id, substr(promised, 1, 7), 'address incomplete' FROM orders "
            "WHERE delivered > promised AND promised < '2025-03'"
        )

    @tool
    def list_files() -> str:
        """List the files with notes about the shop."""
        return "\n".join(sorted(path.name for path in folder.glob("*.md")))

    @tool
    def read_file(name: str) -> str:
        """Read one file of the shop's notes."""
        # Only names that were listed: a path leads nowhere else.
        if name not in _NOTES:
            raise ToolException(f"There is no file {name!r}; list_files() names them.")
        return (folder / name).read_text(encoding="utf-8")

    @tool
    def query(sql: str) -> str:
        """Run one SQL query on the order database (SQLite, read only)."""
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            try:
                cursor = connection.execute(sql)
                rows = cursor.fetchmany(_ROWS)
            except sqlite3.Error as error:
                raise ToolException(f"SQLite: {error}") from error
        if not rows:
            return "(no rows)"
        header = [column[0] for column in cursor.description]
        return "\n".join(" | ".join(map(str, row)) for row in (header, *rows))

    tools: list[BaseTool] = [list_files, read_file, query]
    for each in tools:
        each.handle_tool_error = True  # the model is told, as an agent's author would want it
    return tools


def _orders() -> Iterator[tuple[int, str, str, str, str, str]]:
    """Eight orders a day in February and March 2025: since 3 March what Northline finds unpacked waits a day."""
    number = 0
    day = date(2025, 2, 1)
    while day < date(2025, 4, 1):
        for of_day in range(8):
            number += 1
            carrier = _CARRIERS[number * 7 % 3]
            packed = datetime.combine(day, time(8 + (number * 5 + of_day) % 8))
            missed = carrier == "Northline" and day >= _NEW_PICK_UP and packed.hour >= 11
            mislaid = number % 29 == 0
            delivered = day + timedelta(days=2 + missed + mislaid)
            promised = day + timedelta(days=2)
            yield (
                number,
                _WAREHOUSES[number // 3 % 3],
                carrier,
                f"{packed:%Y-%m-%d %H:%M}",
                f"{promised}",
                f"{delivered}",
            )
        day += timedelta(days=1)

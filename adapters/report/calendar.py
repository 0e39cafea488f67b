"""Moments in the hours, days and months of a time zone, by quarters of an hour.

Clocks differ from UTC by quarters of an hour, so what is counted by quarter can be put together in any zone, and DuckDB
needs no database of zones of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import duckdb

from leanloop.budgets.zone import zone_named

__all__ = ["QUARTER", "add_hours_of_week", "local", "period_of"]

QUARTER = 900
"""Seconds."""

_SHOWN = 48
"""Periods of a chart, at most, where a longer period has fewer."""

_PERIODS = ("%Y-%m-%d %H:00", "%Y-%m-%d", "%G-W%V", "%Y-%m", "%Y")


def local(at: float, zone: str) -> datetime:
    """The moment in the zone."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone_named(zone))


def period_of(quarters: Collection[int], zone: str) -> dict[int, str]:
    """The hour, day, week, month or year that each quarter is in: the shortest of which there are not too many."""
    moments = {quarter: local(quarter * QUARTER, zone) for quarter in quarters}
    names: dict[int, str] = {}
    for period in _PERIODS:
        names = {quarter: f"{moment:{period}}" for quarter, moment in moments.items()}
        if len(set(names.values())) <= _SHOWN:
            break
    return names


def add_hours_of_week(db: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Make the table ``hours``: of each quarter with events the hour of the week, 0 on Monday at midnight."""
    db.execute("CREATE TEMP TABLE hours (quarter BIGINT, hour INTEGER)")
    found = db.execute(
        f"SELECT DISTINCT floor(moment / {QUARTER})::BIGINT FROM events WHERE moment IS NOT NULL"
    ).fetchall()
    moments = [(quarter, local(quarter * QUARTER, zone)) for (quarter,) in found]
    if moments:
        db.execute(
            "INSERT INTO hours SELECT unnest($quarters::BIGINT[]), unnest($hours::INTEGER[])",
            {
                "quarters": [quarter for quarter, _ in moments],
                "hours": [moment.weekday() * 24 + moment.hour for _, moment in moments],
            },
        )

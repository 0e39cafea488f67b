"""Moments in the hours, days and months of a time zone, by quarters of an hour.

Clocks differ from UTC by quarters of an hour, so what is counted by quarter can be put together in any zone, and DuckDB
needs no database of zones of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import duckdb

from leanloop.budgets.zone import zone_named

__all__ = ["QUARTER", "Periods", "add_hours_of_week", "local", "periods_of"]

QUARTER = 900
"""Seconds."""

_SHOWN = 48
"""Periods of a chart, at most, where a longer period has fewer."""

_MOST_STEPS = 40_000
"""Moments that are named one by one to find the periods in between."""

_PERIODS = (("%Y-%m-%d %H:00", 1), ("%Y-%m-%d", 4), ("%G-W%V", 48), ("%Y-%m", 48), ("%Y", 48))
"""How each is named, and in steps of how many quarters none of them is passed over."""

_SHORT = ("%Y-%m-%d %H:%M", 1)
"""Quarters of an hour, where there is less than half a day of them."""


class Periods(NamedTuple):
    """The period of each quarter, and all there are on an axis, in order."""

    names: dict[int, str]
    axis: Sequence[str]


def local(at: float, zone: str) -> datetime:
    """The moment in the zone."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone_named(zone))


def periods_of(quarters: Collection[int], zone: str) -> Periods:
    """The quarters, hours, days, weeks, months or years these are in: the shortest of which there are not too many.

    The axis has those in between as well, but where that would be too many: a clock that was wrong would spoil it.
    """
    moments = {quarter: local(quarter * QUARTER, zone) for quarter in quarters}
    first, last = min(quarters, default=0), max(quarters, default=0)
    names: dict[int, str] = {}
    axis: list[str] = []
    for period, step in (_SHORT, *_PERIODS) if last - first < _SHOWN else _PERIODS:
        names = {quarter: f"{moment:{period}}" for quarter, moment in moments.items()}
        axis = sorted(set(names.values()))
        if len(axis) <= _SHOWN:
            if (last - first) // step <= _MOST_STEPS:
                between = {f"{local(one * QUARTER, zone):{period}}" for one in range(first, last, step)}
                whole = sorted({*axis, *between})
                axis = whole if len(whole) <= _SHOWN else axis
            break
    return Periods(names, axis)


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

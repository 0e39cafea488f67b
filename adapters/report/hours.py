"""By hour of the week: how long calls took, how often a cache answered, how many calls were retries."""

from __future__ import annotations

import duckdb

from leanloop.adapters.report.caching import HITS
from leanloop.adapters.report.calendar import QUARTER, add_hours_of_week
from leanloop.adapters.report.table import Column, Section, Table

__all__ = ["DAYS", "hours"]

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def hours(db: duckdb.DuckDBPyConnection, zone: str) -> Section:
    """Of each hour of the week in which something happened."""
    add_hours_of_week(db, zone)
    found = db.execute(f"""
        SELECT hour, count(*) FILTER (event = 'settled') AS calls,
            quantile_cont(seconds, [0.5, 0.95]) FILTER (event = 'settled' AND seconds IS NOT NULL) AS q,
            count(*) FILTER (event = 'hit' AND tier IS DISTINCT FROM 'checked') AS lookups,
            count(*) FILTER (event = 'hit' AND tier IN {HITS}) / nullif(lookups, 0) AS rate,
            count(*) FILTER (event = 'settled' AND phase = 'retry') AS retries
        FROM events JOIN hours ON hours.quarter = floor(moment / {QUARTER})::BIGINT
        WHERE event IN ('settled', 'hit') GROUP BY hour ORDER BY hour""").fetchall()
    rows = [
        (DAYS[int(hour) // 24], int(hour) % 24, calls, *(q or (None, None)), lookups, rate, retries)
        for hour, calls, q, lookups, rate, retries in found
    ]
    columns = (
        Column("day"),
        Column("hour", "count"),
        Column("calls", "count"),
        Column("p50_seconds", "seconds"),
        Column("p95_seconds", "seconds"),
        Column("lookups", "count"),
        Column("hit_rate", "share"),
        Column("retries", "count"),
    )
    about = f"Hours in {zone}. Half of the calls took at most p50, 95 % at most p95, until the whole answer was there."
    table = Table("hours_of_week", "By hour of the week", columns, rows, about, "week")
    return Section("hours", "Hours of the week", [table], "No call was booked, and no cache asked.")

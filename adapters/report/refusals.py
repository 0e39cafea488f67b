"""Calls that were refused, by what there was no room for."""

from __future__ import annotations

import duckdb

from leanloop.adapters.report.table import Column, Section, Table

__all__ = ["refusals"]

_MOST = 50


def refusals(db: duckdb.DuckDBPyConnection) -> Section:
    """By resource, scope and agent."""
    rows = db.execute(f"""
        SELECT coalesce(resource, '(none)') AS resource, coalesce(scope, '(none)') AS scope,
            coalesce(agent, '(none)') AS agent, count(*), count(DISTINCT task), max(moment)
        FROM events WHERE event = 'refused' GROUP BY ALL ORDER BY count(*) DESC, 1, 2, 3 LIMIT {_MOST}""").fetchall()
    columns = (
        Column("resource"),
        Column("scope"),
        Column("agent"),
        Column("refusals", "count"),
        Column("tasks", "count"),
        Column("last", "time"),
    )
    table = Table("refusals", "By resource", columns, rows, f"The {_MOST} limits that refused most.")
    return Section("refusals", "Refusals", [table], "No call was refused.")

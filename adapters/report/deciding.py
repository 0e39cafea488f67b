"""What calls were made with, where a plugin decides it: thinking, routes, scaffolding, cascades."""

from __future__ import annotations

import duckdb

from leanloop.adapters.report.table import Column, Section, Table

__all__ = ["deciding"]

_MOST = 100


def deciding(db: duckdb.DuckDBPyConnection) -> Section:
    """Decisions by plugin and setting, and what they saved or cost."""
    rows = db.execute(f"""
        SELECT coalesce("by", '(none)') AS "by", coalesce(setting, '(none)') AS setting, count(*),
            count(*) FILTER (unsure), count(*) FILTER (escalated), sum(cost),
            sum(other_cost) FILTER (cost IS NOT NULL),
            sum(other_cost - cost), count(*) FILTER (cost IS NOT NULL AND other_cost IS NOT NULL)
        FROM events WHERE event = 'gated' GROUP BY ALL ORDER BY ALL LIMIT {_MOST}""").fetchall()
    columns = (
        Column("by"),
        Column("setting"),
        Column("decisions", "count"),
        Column("unsure", "count"),
        Column("escalated", "count"),
        Column("usd", "usd"),
        Column("other_usd", "usd"),
        Column("net_saved_usd", "usd"),
        Column("compared", "count"),
    )
    about = (
        "Usd: what the calls cost, attempts that were not taken and checks included. Other: what the other setting "
        "would have cost. Net: the difference where both are known (compared); below 0 is a loss."
    )
    table = Table("decisions", "By setting", columns, rows, about)
    return Section(
        "decisions", "Decisions", [table], "Nothing was decided: no thinking gate, routes or scaffolding is on."
    )

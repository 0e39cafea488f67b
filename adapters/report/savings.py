"""What the plugins saved or lost, and how that was estimated; what was shortened."""

from __future__ import annotations

import duckdb

from leanloop.adapters.report.table import Column, Section, Table

__all__ = ["savings"]

_MOST = 50


def savings(db: duckdb.DuckDBPyConnection) -> Section:
    """By plugin. Below 0 where a plugin cost more than it spared."""
    return Section(
        "savings", "What plugins saved", [_saved(db), _shortened(db)], "No plugin said that it saved anything."
    )


def _saved(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        SELECT coalesce(plugin, '(none)') AS plugin, what, how, count(*), coalesce(sum(calls), 0),
            coalesce(sum(tokens), 0) AS saved_tokens, coalesce(sum(cost), 0) AS saved_usd
        FROM events WHERE event = 'saved' GROUP BY ALL
        ORDER BY abs(saved_usd) DESC, abs(saved_tokens) DESC, 1, 2, 3 LIMIT {_MOST}""").fetchall()
    rows.sort(key=lambda row: (-row[-1], -row[-2]))
    columns = (
        Column("plugin"),
        Column("what"),
        Column("estimated_by"),
        Column("events", "count"),
        Column("calls", "count"),
        Column("tokens", "count"),
        Column("usd", "usd"),
    )
    about = "As each plugin estimated it, by the method beside it; below 0 is a loss. They overlap: no sum is made."
    return Table("savings", "By plugin", columns, rows, about, "bars")


def _shortened(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        SELECT coalesce(tool, '(none)') AS tool, count(*), coalesce(sum(tokens), 0), coalesce(sum(shown), 0),
            sum(shown) / nullif(sum(tokens), 0)
        FROM events WHERE event = 'shortened' GROUP BY ALL
        ORDER BY sum(tokens) - sum(shown) DESC NULLS LAST, tool LIMIT {_MOST}""").fetchall()
    columns = (
        Column("tool"),
        Column("results", "count"),
        Column("tokens", "count"),
        Column("shown_tokens", "count"),
        Column("shown_share", "share"),
    )
    return Table("shortened", "Results that were shortened", columns, rows, f"The {_MOST} tools with most to shorten.")

"""The cache: by which tier it answered, beside how often an answer that was checked was another."""

from __future__ import annotations

import duckdb

from leanloop.adapters.report.table import Column, Section, Table
from leanloop.plugins.cache.calibration import upper

__all__ = ["HITS", "caching"]

_MOST = 50

HITS = "('exact', 'normal', 'alike', 'result')"
"""The tiers by which an answer is given, as SQL; see `leanloop.plugins.events.event.Tier`."""


def caching(db: duckdb.DuckDBPyConnection) -> Section:
    """Look-ups by tier, and false hits."""
    return Section("cache", "The cache", [_tiers(db), _checked(db)], "No cache was asked.")


def _tiers(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        SELECT coalesce(tier, '(none)') AS tier, count(*), count(*) / sum(count(*)) OVER () FROM events
        WHERE event = 'hit' AND tier IS DISTINCT FROM 'checked' GROUP BY ALL ORDER BY count(*) DESC, tier
        LIMIT {_MOST}""").fetchall()
    about = (
        "exact: the same text. normal: the same but for spaces and the like. alike: the same meaning. "
        "result: of a tool. shadow: would have been a hit, and was not given. miss: none."
    )
    return Table(
        "cache_tiers",
        "Answers by tier",
        (Column("tier"), Column("lookups", "count"), Column("share", "share")),
        rows,
        about,
        "bars",
    )


def _checked(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        SELECT coalesce(agent, '(none)') AS agent, count(*), count(*) FILTER (wrong) FROM events
        WHERE event = 'hit' AND tier = 'checked' GROUP BY ALL ORDER BY count(*) DESC, agent
        LIMIT {_MOST}""").fetchall()
    columns = (
        Column("agent"),
        Column("checked", "count"),
        Column("false_hits", "count"),
        Column("false_share", "share"),
        Column("at_most", "share"),
    )
    about = (
        "Hits that were drawn by lot and compared with a fresh answer. At most: the upper bound of the share "
        "that is wrong, at 95 % confidence (Clopper and Pearson, one-sided)."
    )
    found = [(agent, of, wrong, wrong / of, upper(wrong, of)) for agent, of, wrong in rows]
    return Table("cache_checked", "False hits among those that were checked", columns, found, about)

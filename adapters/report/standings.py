"""Budgets: how each limit stood when it was last heard of, and what its window comes to at this pace."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple, cast

import duckdb

from leanloop.adapters.report.table import Cell, Column, Section, Table
from leanloop.budgets.amount import format_amount
from leanloop.budgets.forecast import linear
from leanloop.budgets.limit import Limit, Window
from leanloop.budgets.window import window_at

__all__ = ["standings"]

_MOST = 100

_NAME = re.compile(
    r"(?P<scope>.{1,400}?) per (?P<rolling>rolling )?(?P<per>minute|hour|day|week|month): (?P<resource>.{1,200})",
    re.DOTALL,
)
"""As `leanloop.budgets.amount.format_scope` says it, and the resource. Of two such parts in a name the first is it."""

_LINES = """
    CREATE TEMP TABLE standings AS
    WITH told AS (
        SELECT moment, root, unnest(map_entries(try_cast(limits AS JSON)::MAP(VARCHAR, JSON))) AS one
        FROM events WHERE event = 'settled' AND limits IS NOT NULL
    ), numbers AS (
        SELECT moment, root, left(one.key, 400) AS name, try_cast(one.value->>0 AS BIGINT) AS spent,
            try_cast(one.value->>1 AS BIGINT) AS most
        FROM told
    )
    SELECT name, CASE WHEN starts_with(name, 'this task: ') THEN root END AS task,
        max_by(spent, (moment, spent)) AS spent, max_by(most, (moment, spent)) AS most, max(moment) AS heard
    FROM numbers WHERE spent BETWEEN 0 AND 1e18 AND most BETWEEN 0 AND 1e18 GROUP BY ALL"""


class _Standing(NamedTuple):
    name: str
    spent: int
    most: int
    at: float


def standings(db: duckdb.DuckDBPyConnection, zone: str) -> Section:
    """The limits that settled calls were booked in."""
    db.execute(_LINES)
    return Section("budgets", "Budgets", [_windows(db, zone), _tasks(db)], "No call was booked in a limit.")


def _windows(db: duckdb.DuckDBPyConnection, zone: str) -> Table:
    found = db.execute(f"""
        SELECT name, spent, most, heard FROM standings WHERE task IS NULL
        ORDER BY spent / nullif(most, 0) DESC NULLS FIRST, name LIMIT {_MOST}""").fetchall()
    columns = (
        Column("limit"),
        Column("resource"),
        Column("spent", "amount"),
        Column("of", "amount"),
        Column("share", "share"),
        Column("last_heard", "time"),
        Column("window_ends", "time"),
        Column("forecast", "amount"),
        Column("forecast_share", "share"),
    )
    about = (
        f"As the last call that was booked there left it; the {_MOST} fullest. Forecast: what is spent, divided by the "
        f"part of the window that had gone by then, in windows of the calendar of {zone}. A rolling window has no end."
    )
    return Table("limits", "Windows", columns, [_window(_Standing(*row), zone) for row in found], about)


def _window(one: _Standing, zone: str) -> tuple[Cell, ...]:
    named = _NAME.fullmatch(one.name)
    scope, _, resource = one.name.rpartition(": ")
    ends: float | None = None
    at_end: int | None = None
    if named is not None:
        resource = named["resource"]
        scope = one.name.removesuffix(f": {resource}")
        if not named["rolling"]:
            now = datetime.fromtimestamp(one.at, UTC)
            window = window_at(Limit(per=cast("Window", named["per"]), scope="agent", model_calls=1), now, zone)
            ends = window.ends.timestamp()
            forecast = linear(one.spent, window.began, now, window.ends)
            at_end = None if forecast is None else forecast.at_end
    share = one.spent / one.most if one.most else 1.0
    end_share = None if at_end is None else at_end / one.most if one.most else 1.0
    forecast_words = None if at_end is None else format_amount(resource, at_end)
    amounts = (format_amount(resource, one.spent), format_amount(resource, one.most), share)
    return (scope, resource, *amounts, one.at, ends, forecast_words, end_share)


def _tasks(db: duckdb.DuckDBPyConnection) -> Table:
    found = db.execute(f"""
        SELECT substr(name, 12) AS resource, count(*), median(share), max(share), count(*) FILTER (share >= 0.9)
        FROM (SELECT name, CASE WHEN most = 0 THEN 1.0 ELSE spent / most END AS share FROM standings
            WHERE task IS NOT NULL) GROUP BY ALL ORDER BY max(share) DESC, resource
        LIMIT {_MOST}""").fetchall()
    columns = (
        Column("resource"),
        Column("tasks", "count"),
        Column("median_share", "share"),
        Column("highest_share", "share"),
        Column("tasks_over_90_percent", "count"),
    )
    about = "How full the limits of single tasks were when their last call was booked."
    return Table("task_limits", "Limits per task", columns, found, about)

"""Loops: calls that repeat each other, what the model was told of them, and how tasks ended."""

from __future__ import annotations

import duckdb

from leanloop.adapters.report.table import Column, Section, Table

__all__ = ["looping"]

_MOST = 50


def looping(db: duckdb.DuckDBPyConnection) -> Section:
    """Repeated calls, nudges, landings and ends."""
    tables = [_repeated(db), _nudged(db), _landed(db), _ended(db)]
    return Section(
        "loops", "Loops and landings", tables, "No tool call repeated another, and no task was nudged or landed."
    )


def _repeated(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        WITH repeated AS (
            SELECT any_value(agent) AS agent, any_value(tool) AS tool, any_value(arguments) AS arguments,
                any_value(task) AS task, count(*) AS times, count(*) FILTER (is_error) AS errors,
                sum(seconds) AS seconds
            FROM events WHERE event = 'tool' AND arguments IS NOT NULL
            GROUP BY hash(task, tool, arguments) HAVING count(*) > 1
        )
        SELECT coalesce(agent, '(none)'), coalesce(tool, '(none)'), arguments, task, times, errors, seconds
        FROM repeated ORDER BY times DESC, seconds DESC, 1, 2, 3, 4 LIMIT {_MOST}""").fetchall()
    columns = (
        Column("agent"),
        Column("tool"),
        Column("arguments_hash"),
        Column("task"),
        Column("times", "count"),
        Column("errors", "count"),
        Column("seconds", "seconds"),
    )
    about = (
        f"The same tool with the same arguments more than once in a task, the {_MOST} most frequent. Arguments are "
        "hashed with a key of the process: a task that went on in another process begins again."
    )
    return Table("repeated_calls", "Calls that repeated", columns, rows, about)


def _nudged(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        SELECT coalesce("by", '(none)') AS "by", coalesce(what, '(none)') AS what, count(*), count(DISTINCT task)
        FROM events WHERE event = 'nudged' GROUP BY ALL ORDER BY count(*) DESC, 1, 2, 3 LIMIT {_MOST}""").fetchall()
    columns = (Column("by"), Column("what"), Column("nudges", "count"), Column("tasks", "count"))
    return Table("nudges", "What models were told", columns, rows, "Of a loop, or of what is left of a limit.")


def _landed(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        SELECT coalesce(reason, '(none)') AS reason, count(*), count(*) FILTER (by_model) FROM events
        WHERE event = 'landed' GROUP BY ALL ORDER BY count(*) DESC, reason LIMIT {_MOST}""").fetchall()
    columns = (Column("reason"), Column("landings", "count"), Column("answered_by_model", "count"))
    return Table("landings", "Landings by reason", columns, rows, "Tasks that ran out and ended with a last answer.")


def _ended(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        WITH ends AS (
            SELECT max_by(coalesce(stopped, ''), coalesce(moment, 0)) AS stopped,
                max_by(seconds, coalesce(moment, 0)) AS seconds,
                max_by(coalesce(cycles, 0), coalesce(moment, 0)) AS cycles
            FROM events WHERE event = 'task_ended' GROUP BY task
        )
        SELECT coalesce(nullif(stopped, ''), 'by itself') AS stopped, count(*), median(cycles), max(cycles),
            median(seconds), max(seconds)
        FROM ends GROUP BY ALL ORDER BY count(*) DESC, stopped LIMIT {_MOST}""").fetchall()
    columns = (
        Column("stopped_by"),
        Column("tasks", "count"),
        Column("median_cycles", "count"),
        Column("most_cycles", "count"),
        Column("median_seconds", "seconds"),
        Column("longest", "seconds"),
    )
    return Table("ends", "How tasks ended", columns, rows, "A task that went on after its end counts as it ended last.")

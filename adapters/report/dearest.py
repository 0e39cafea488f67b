"""The ten dearest tasks, and what each did when."""

from __future__ import annotations

import duckdb

from leanloop.adapters.report.table import Column, Section, Table

__all__ = ["dearest"]

_TASKS = 10
_SPANS = 200
"""Of a task, at most: its first ones."""

_COLUMNS = (
    Column("begins", "seconds"),
    Column("seconds", "seconds"),
    Column("what"),
    Column("name"),
    Column("phase"),
    Column("agent"),
    Column("usd", "usd"),
    Column("error"),
)


def dearest(db: duckdb.DuckDBPyConnection) -> Section:
    """Tasks with those that are a part of them, by what their calls cost."""
    rows = db.execute(f"""
        SELECT root, coalesce(max_by(agent, coalesce(cost, -1)), '(none)'), count(*),
            coalesce(sum(input), 0) + coalesce(sum(output), 0), sum(cost),
            min(moment - coalesce(seconds, 0)), max(moment)
        FROM events WHERE event = 'settled' GROUP BY root
        ORDER BY sum(cost) DESC NULLS LAST, count(*) DESC, root LIMIT {_TASKS}""").fetchall()
    columns = (
        Column("task"),
        Column("agent"),
        Column("calls", "count"),
        Column("tokens", "count"),
        Column("usd", "usd"),
        Column("began", "time"),
        Column("ended", "time"),
    )
    ranking = Table(
        "dearest_tasks",
        f"The {_TASKS} dearest tasks",
        columns,
        rows,
        "A task with all tasks that are a part of it.",
    )
    opened = [_spans(db, place, str(root)) for place, (root, *_) in enumerate(rows, 1)]
    return Section("tasks", "The dearest tasks", [ranking, *opened], "No model call was booked.")


def _spans(db: duckdb.DuckDBPyConnection, place: int, root: str) -> Table:
    """Model and tool calls from their beginning to their end, on a time axis that begins with the first of them."""
    found = db.execute(
        """
        SELECT moment - coalesce(seconds, 0) AS began, seconds, event, model, phase, tool, agent,
            cost, error, is_error
        FROM events WHERE root = $root AND event IN ('settled', 'tool')
        ORDER BY began NULLS LAST, moment, task, place, event""",
        {"root": root},
    ).fetchall()
    first = found[0][0]
    rows = [
        (
            None if began is None else round(began - first, 6),
            seconds,
            "tool" if event == "tool" else "call",
            (tool if event == "tool" else model) or "(none)",
            phase,
            agent,
            cost,
            error or ("failed" if is_error else None),
        )
        for began, seconds, event, model, phase, tool, agent, cost, error, is_error in found[:_SPANS]
    ]
    about = (
        "Seconds since the task's first call began." if first is not None else "In their order; no time is recorded."
    )
    if len(found) > _SPANS:
        about += f" The first {_SPANS} of {len(found):,}."
    return Table(f"task_{place}", root or "(none)", _COLUMNS, rows, about, "waterfall", folded=True)

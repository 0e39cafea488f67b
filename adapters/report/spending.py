"""What was spent: in all, over time, by agent, model, tag and phase of the loop."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import duckdb

from leanloop.adapters.report.calendar import QUARTER, periods_of
from leanloop.adapters.report.table import Column, Section, Table

__all__ = ["spending"]

_MOST = 50
_NAMED = 5
_REST = "others"
_NONE = "(none)"

_SUMS = """count(*), coalesce(sum(input), 0), coalesce(sum(cached_input), 0), coalesce(sum(output), 0),
    sum(cost), count(*) FILTER (cost IS NULL)"""
_SUMMED = (
    Column("calls", "count"),
    Column("input_tokens", "count"),
    Column("cached_input_tokens", "count"),
    Column("output_tokens", "count"),
    Column("usd", "usd"),
    Column("unpriced_calls", "count"),
)
_TAGGED = f"""
    WITH sums AS (
        SELECT tags, count(*) AS n, sum(input) AS i, sum(cached_input) AS c, sum(output) AS o, sum(cost) AS usd,
            count(*) FILTER (cost IS NULL) AS unpriced
        FROM events WHERE event = 'settled' AND tags IS NOT NULL GROUP BY tags
    ), each AS (SELECT sums.*, unnest(json_keys(tags)) AS tag FROM sums),
    named AS (
        SELECT left(tag, 200) AS tag,
            left(json_extract_string(tags, '/' || replace(replace(tag, '~', '~0'), '/', '~1')), 200) AS value,
            * EXCLUDE (tag) FROM each
    ), known AS (
        FROM named WHERE value IS NOT NULL AND tag IN (
            SELECT tag FROM named GROUP BY tag ORDER BY coalesce(sum(usd), 0) DESC, sum(n) DESC, tag LIMIT {_MOST}
        )
    ), added AS (
        SELECT tag, value, sum(n)::BIGINT, coalesce(sum(i), 0), coalesce(sum(c), 0), coalesce(sum(o), 0),
            sum(usd), sum(unpriced)::BIGINT,
            row_number() OVER (PARTITION BY tag ORDER BY sum(usd) DESC NULLS LAST, sum(n) DESC, value) AS place
        FROM known GROUP BY tag, value
    )
    SELECT * EXCLUDE (place) FROM added WHERE place <= {_MOST} ORDER BY tag, place"""


def spending(db: duckdb.DuckDBPyConnection, zone: str) -> Section:
    """What settled calls cost. The same amount stands in each table, put together in another way."""
    tables = [_in_all(db)]
    tables += [_over_time(db, by, zone) for by in ("agent", "model")]
    tables += [_by(db, "agent"), _by(db, "model"), _by(db, "phase"), _by_tag(db)]
    return Section("spend", "What was spent", tables, "No model call was booked.")


def _in_all(db: duckdb.DuckDBPyConnection) -> Table:
    rows = db.execute(f"""
        SELECT {_SUMS}, count(*) FILTER (error IS NOT NULL), count(DISTINCT root), min(moment), max(moment)
        FROM events WHERE event = 'settled'""").fetchall()
    ends = (Column("first", "time"), Column("last", "time"))
    columns = (*_SUMMED, Column("failed_calls", "count"), Column("tasks", "count"), *ends)
    about = "Calls as they were booked. What an unpriced call cost is not known. A failed one was billed."
    return Table("spend", "In all", columns, [row for row in rows if row[0]], about)


def _by(db: duckdb.DuckDBPyConnection, name: str) -> Table:
    rows = db.execute(f"""
        SELECT coalesce(nullif({name}, ''), '{_NONE}') AS name, {_SUMS} FROM events WHERE event = 'settled'
        GROUP BY ALL ORDER BY sum(cost) DESC NULLS LAST, count(*) DESC, name""").fetchall()
    about = ""
    if name == "phase":
        about = (
            "What a call was about: plan (the first of a task), tool (after it chose tools), result (after a result), "
            "answer, check (verification), retry, landing, thought, summary, embedding."
        )
    if len(rows) > _MOST:
        rest = rows[_MOST:]
        rows = [*rows[:_MOST], (_REST, *(_sum([row[place] for row in rest]) for place in range(1, 7)))]
        about = f"{about} The dearest {_MOST}; the {len(rest):,} {_REST} stand in the last row.".strip()
    title = {"agent": "By agent", "model": "By model", "phase": "By phase of the loop"}[name]
    return Table(f"spend_by_{name}", title, (Column(name), *_SUMMED), rows, about, "bars")


def _sum(amounts: Iterable[int | None]) -> int | None:
    """Of those that are known; unknown where none is, for that is no zero."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _by_tag(db: duckdb.DuckDBPyConnection) -> Table:
    about = f"Of the {_MOST} tags that cost most the {_MOST} values that do. A call with two tags is in both."
    columns = (Column("tag"), Column("value"), *_SUMMED)
    return Table("spend_by_tag", "By tag", columns, db.execute(_TAGGED).fetchall(), about)


def _over_time(db: duckdb.DuckDBPyConnection, by: str, zone: str) -> Table:
    """By period and name; the dearest names, and the others as one."""
    rows = db.execute(f"""
        WITH dearest AS (
            SELECT {by} AS name FROM events WHERE event = 'settled'
            GROUP BY ALL ORDER BY sum(cost) DESC NULLS LAST, count(*) DESC, name LIMIT {_NAMED}
        )
        SELECT floor(moment / {QUARTER})::BIGINT,
            CASE WHEN {by} IN (FROM dearest) THEN {by} WHEN {by} IS NULL THEN '{_NONE}' ELSE '{_REST}' END AS name,
            count(*), sum(cost)
        FROM events WHERE event = 'settled' AND moment IS NOT NULL GROUP BY ALL""").fetchall()
    periods = periods_of({quarter for quarter, *_ in rows}, zone)
    sums: defaultdict[tuple[str, str], list[tuple[int, int | None]]] = defaultdict(list)
    for quarter, name, calls, cost in rows:
        sums[periods.names[quarter], name].append((calls, cost))
    found = [(*key, *map(_sum, zip(*parts, strict=True))) for key, parts in sorted(sums.items())]
    columns = (Column("period"), Column(by), Column("calls", "count"), Column("usd", "usd"))
    about = f"The {_NAMED} dearest by name. Times in {zone}; one without calls has no row."
    title = f"Over time, by {by}"
    return Table(f"spend_over_time_by_{by}", title, columns, found, about, "stacks", axis=periods.axis)

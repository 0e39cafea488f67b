"""The fields of an event's row that a report reads, what each holds, and the SQL that checks it.

All SQL of a report is made of what stands in this package; names and values from files are data only.
"""

from __future__ import annotations

from typing import Literal

from leanloop.plugins.events.event import EVENTS
from leanloop.plugins.events.row import VERSION

__all__ = ["COLUMNS", "FIELDS", "LATEST", "VALUES", "WHY", "table_of_events"]

Kind = Literal["text", "count", "number", "span", "moment", "flag", "object", "list"]

FIELDS: dict[str, Kind] = {
    "v": "count",
    "event": "text",
    "at": "moment",
    "agent": "text",
    "task": "text",
    "within": "list",
    "tags": "object",
    "call": "text",
    "model": "text",
    "phase": "text",
    "input": "count",
    "output": "count",
    "cached_input": "count",
    "cost": "number",
    "estimated": "flag",
    "priced": "flag",
    "place": "count",
    "seconds": "span",
    "error": "text",
    "limits": "object",
    "tool": "text",
    "is_error": "flag",
    "arguments": "text",
    "tokens": "number",
    "shown": "count",
    "tier": "text",
    "wrong": "flag",
    "by": "text",
    "setting": "text",
    "other": "text",
    "unsure": "flag",
    "escalated": "flag",
    "other_cost": "count",
    "what": "text",
    "reason": "text",
    "by_model": "flag",
    "scope": "text",
    "resource": "text",
    "needed": "count",
    "plugin": "text",
    "how": "text",
    "calls": "number",
    "stopped": "text",
    "landed": "flag",
    "cycles": "count",
}
"""Of `leanloop.plugins.events.row.row_of`, and of recorded runs (`leanloop.adapters.report.recorded`) ``priced`` and
``place``. count: 0 or more; number: may be negative; span: seconds, 0 or more."""

LATEST = 253_000_000_000.0
"""Seconds since the epoch: a moment after it (the year 9987) is none, and no calendar could name it."""

_MOST = 10**15
"""Of nano-dollars a million dollars, for one event: no sum of these leaves DuckDB's numbers of 128 bits."""

_LONGEST = 200
"""Characters of a name; a task, a call and a hash of arguments have fewer."""

_WHOLE = ("task", "call", "arguments", "event")

_CHECKS: dict[Kind, str] = {
    "text": "true",
    "count": f"coalesce(try_cast({{0}} AS BIGINT) BETWEEN 0 AND {_MOST}, {{0}} IS NULL)",
    "number": f"coalesce(try_cast({{0}} AS BIGINT) BETWEEN -{_MOST} AND {_MOST}, {{0}} IS NULL)",
    "span": "coalesce(try_cast({0} AS DOUBLE) BETWEEN 0 AND 1e9, {0} IS NULL)",
    "moment": f"coalesce(try_cast({{0}} AS DOUBLE) BETWEEN 0 AND {LATEST}, $timeless AND {{0}} IS NULL)",
    "flag": "coalesce({0} IN ('true', 'false'), true)",
    "object": "coalesce({0}[1] = '{{', true)",
    "list": "coalesce({0}[1] = '[', true)",
}
_VALUES: dict[Kind, str] = {
    "text": f"left({{0}}, {_LONGEST})",
    "count": "try_cast({0} AS BIGINT)",
    "number": "try_cast({0} AS BIGINT)",
    "span": "try_cast({0} AS DOUBLE)",
    "moment": "try_cast({0} AS DOUBLE)",
    "flag": "coalesce({0} = 'true', false)",
    "object": "{0}",
    "list": "{0}",
}
_TYPES: dict[Kind, str] = {
    "count": "BIGINT",
    "number": "BIGINT",
    "span": "DOUBLE",
    "moment": "DOUBLE",
    "flag": "BOOLEAN",
}

_KEPT = {"at": "moment"}
"""What is kept under another name: ``at`` is a word of SQL."""

COLUMNS = tuple(f'"{name}"' for name in FIELDS)
"""As SQL names them."""

_KNOWN = ", ".join(f"'{event.kind}'" for event in EVENTS)
_FINE = " AND ".join(_CHECKS[kind].format(f'"{name}"') for name, kind in FIELDS.items() if name not in ("v", "event"))

WHY = f"""CASE
    WHEN {" AND ".join(f"{name} IS NULL" for name in COLUMNS)} THEN 'damaged'
    WHEN coalesce(try_cast("v" AS BIGINT) > {VERSION}, false) THEN 'newer'
    WHEN coalesce("event" NOT IN ({_KNOWN}), true) THEN 'other'
    WHEN NOT (("v" IS NULL OR coalesce(try_cast("v" AS BIGINT), 0) = 1) AND {_FINE}
        AND ("cost" IS NULL OR "event" = 'saved' OR try_cast("cost" AS BIGINT) >= 0)) THEN 'wrong'
    WHEN try_cast("at" AS DOUBLE) < $since THEN 'before'
    WHEN "at" IS NULL AND $since > 0 THEN 'timeless'
    END"""
"""Why a row is left out; NULL of one that is counted. Only where ``$timeless`` may it be without a time."""

_OF_ONE_CALL = """CASE WHEN "event" IN ('settled', 'reserved') AND "call" IS NOT NULL"""

VALUES = ", ".join(
    [
        *(
            ("{0}" if name in _WHOLE else _VALUES[kind]).format(f'"{name}"') + f' AS "{_KEPT.get(name, name)}"'
            for name, kind in FIELDS.items()
            if name not in ("v", "within")
        ),
        """coalesce(CASE WHEN "within"[1] = '[' THEN "within" ->> '$[#-1]' END, "task", '') AS root""",
        f"""{_OF_ONE_CALL} THEN hash("event", "task", "call") ELSE hash({", ".join(COLUMNS)}) END AS same""",
    ]
)
"""The row as it is kept: beside its fields the outermost task it is of, and a number that only copies of it share."""


def table_of_events() -> str:
    """The SQL that makes the table the rows are kept in."""
    kept = [
        f'"{_KEPT.get(name, name)}" {_TYPES.get(kind, "VARCHAR")}'
        for name, kind in FIELDS.items()
        if name not in ("v", "within")
    ]
    return f"CREATE TABLE events (file INTEGER, why VARCHAR, {', '.join(kept)}, root VARCHAR, same UBIGINT)"

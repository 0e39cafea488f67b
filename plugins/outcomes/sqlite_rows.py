"""What a store of outcomes in SQLite does to its rows, each within one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.fading import KEPT_FOR, grown
from leanloop.plugins.outcomes.rows import quoted, read_count, read_decision, unquoted, written
from leanloop.plugins.outcomes.store import Added, Count

__all__ = ["add", "counts", "families", "of_task", "page", "put_family", "record", "score"]

_COUNT = "SELECT weight, score, calls, cost FROM outcome_counts WHERE key = ? AND setting = ?"
_PUT_COUNT = (
    "INSERT OR REPLACE INTO outcome_counts (key, setting, weight, score, calls, cost, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_OF_KEY = "SELECT setting, weight, score, calls, cost FROM outcome_counts WHERE key = ?"
_FORGET = "DELETE FROM outcome_counts WHERE at < ?"

_FAMILIES = "SELECT name, vector FROM outcome_families WHERE space = ?"
_PUT_FAMILY = "INSERT OR IGNORE INTO outcome_families (space, name, vector) VALUES (?, ?, ?)"

_CHANGE = "UPDATE outcome_decisions SET at = ?, score = coalesce(?, score), told = ? WHERE name = ?"
_INSERT = "INSERT INTO outcome_decisions (at, score, told, name, agent) VALUES (?, ?, ?, ?, ?)"
_OF_TASK = (
    "SELECT id, told, score FROM outcome_tasks JOIN outcome_decisions ON decision = id WHERE task = ? ORDER BY id"
)
_PAGE = (
    "SELECT id, told, score FROM outcome_decisions WHERE id > ? AND at >= ? AND (? IS NULL OR agent = ?) "
    "ORDER BY id LIMIT ?"
)

_TRIM_EVERY = 100
"""Decisions between two looks for those past their number."""

_TRIM_MOST = 10_000
"""Of which so many are deleted at once, where somebody wants far fewer than there are: everyone waits meanwhile."""


def add(db: sqlite3.Connection, added: Sequence[Added], now: float) -> None:
    """See `OutcomeStore.add`."""
    for key, setting, counted in added:
        name = quoted(key), quoted(setting)
        row = db.execute(_COUNT, name).fetchone()
        if row is None:
            db.execute(_FORGET, (now - KEPT_FOR,))
        count = grown((read_count(row) if row else None) or Count(), counted)
        db.execute(_PUT_COUNT, (*name, *count, now))


def counts(db: sqlite3.Connection, key: str) -> Mapping[str, Count]:
    """See `OutcomeStore.counts`, of one key."""
    read = [(unquoted(row[0]), read_count(row[1:])) for row in db.execute(_OF_KEY, (quoted(key),))]
    return {setting: count for setting, count in read if setting is not None and count is not None}


def families(db: sqlite3.Connection, space: str) -> Mapping[str, bytes]:
    """See `OutcomeStore.families`."""
    found = ((unquoted(name), vector) for name, vector in db.execute(_FAMILIES, (space,)))
    return {name: vector for name, vector in found if name is not None and isinstance(vector, bytes)}


def put_family(db: sqlite3.Connection, space: str, name: str, vector: bytes, most: int) -> bool:
    """See `OutcomeStore.put_family`."""
    [[known]] = db.execute("SELECT count(*) FROM outcome_families WHERE space = ?", (space,))
    return known < most and db.execute(_PUT_FAMILY, (space, quoted(name), vector)).rowcount == 1


def record(db: sqlite3.Connection, decision: Decision, most: int) -> None:
    """See `OutcomeStore.record`; `most` are kept."""
    name, told = quoted(decision.id), (decision.at, decision.score, written(decision))
    if db.execute(_CHANGE, (*told, name)).rowcount:
        return
    number = db.execute(_INSERT, (*told, name, quoted(decision.agent))).lastrowid or 0
    for task in {decision.task, *decision.within}:
        db.execute("INSERT INTO outcome_tasks VALUES (?, ?)", (quoted(task), number))
    if number % _TRIM_EVERY == 0:
        [[first]] = db.execute("SELECT min(id) FROM outcome_decisions")
        last = min(number - most, first + _TRIM_MOST)
        db.execute("DELETE FROM outcome_tasks WHERE decision <= ?", (last,))
        db.execute("DELETE FROM outcome_decisions WHERE id <= ?", (last,))


def of_task(db: sqlite3.Connection, task: str) -> list[tuple[int, Decision]]:
    """See `OutcomeStore.of_task`; each with its number."""
    found = ((number, read_decision(told, score)) for number, told, score in db.execute(_OF_TASK, (quoted(task),)))
    return [(number, decision) for number, decision in found if decision is not None]


def score(db: sqlite3.Connection, task: str, score: float) -> list[Decision]:
    """See `OutcomeStore.score`."""
    scored = [(number, replace(one, score=score)) for number, one in of_task(db, task) if one.score is None]
    db.executemany("UPDATE outcome_decisions SET score = ? WHERE id = ?", [(score, number) for number, _ in scored])
    return [decision for _, decision in scored]


def page(
    db: sqlite3.Connection, agent: str | None, since: float, after: int, count: int
) -> list[tuple[int, Decision | None]]:
    """Some decisions behind a number, each with its own; None in place of one that cannot be read."""
    name = None if agent is None else quoted(agent)
    found = db.execute(_PAGE, (after, since, name, name, count))
    return [(number, read_decision(told, score)) for number, told, score in found]

"""The administration of a ledger in SQLite: `leanloop.budgets.books.Books`, on its rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace

from leanloop.budgets.books import Account, Held, Record, is_not_empty
from leanloop.budgets.history import Entry
from leanloop.budgets.sqlite_rows import HeldRow, Rows
from leanloop.budgets.sqlite_steps import end_leases
from leanloop.budgets.store import Balance, exactly
from leanloop.errors import StoreError

__all__ = ["absorb", "accounts", "end_leases_if_live", "export", "history", "raise_limit", "reset", "retire"]

_ADD = (
    "INSERT INTO accounts (account, resource, expires_at, spent, reserved, idle, raised) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_HOLD = "INSERT INTO reservations (name, units, lines, ends_at, idle, ended) VALUES (?, ?, ?, ?, ?, ?)"
_ANY = "SELECT 1 FROM accounts UNION ALL SELECT 1 FROM reservations UNION ALL SELECT 1 FROM history LIMIT 1"
_HISTORY = "SELECT entry, at FROM history WHERE at >= ? AND at < ? ORDER BY id "


def end_leases_if_live(rows: Rows) -> None:
    """A retired ledger stays as it was when it was retired."""
    [successor] = rows.db.execute("SELECT successor FROM state").fetchone()
    if successor is None:
        end_leases(rows)


def accounts(db: sqlite3.Connection, now: float) -> Iterator[Account]:
    """See `Books.accounts`."""
    for account, resource, expires_at, *balance in db.execute(
        "SELECT account, resource, expires_at, spent, reserved, idle, raised FROM accounts"
    ):
        yield Account(account, resource, Balance(*balance), expires_at - now)


def history(db: sqlite3.Connection, since: float, until: float) -> Iterator[Entry]:
    """See `Books.history`."""
    return (Entry.from_json(*row) for row in db.execute(_HISTORY + "DESC", (since, until)))


def export(rows: Rows) -> Iterator[Record]:
    """See `Books.export`."""
    yield from accounts(rows.db, rows.now)
    held = "SELECT ends_at, name, units, idle, ended, lines FROM reservations"
    for ends_at, *row in rows.db.execute(held):
        one = HeldRow.read(*row)
        lease = 0.0 if one.ended else ends_at - rows.now
        yield Held(one.name, one.units, tuple(rows.told(one)), lease, one.idle, one.ended)
    yield from (Entry.from_json(*row) for row in rows.db.execute(_HISTORY, (float("-inf"), float("inf"))))


def raise_limit(rows: Rows, account: str, resource: str, by: int, *, expires: float, note: str) -> Balance:
    """See `Books.raise_limit`."""
    end_leases(rows)
    number = rows.account(account, resource)[0] or rows.open(account, resource)
    raised = "UPDATE accounts SET raised = raised + ?, expires_at = max(expires_at, ?) WHERE id = ?"
    rows.db.execute(raised, (exactly(resource, by), rows.now + expires, number))
    rows.note(Entry("raised", amounts={resource: by}, account=account, note=note).to_json())
    return rows.account(account, resource)[1]


def reset(rows: Rows, account: str, resource: str, note: str) -> Balance:
    """See `Books.reset`."""
    end_leases(rows)
    number, before = rows.account(account, resource)
    rows.db.execute("UPDATE accounts SET spent = 0, raised = 0 WHERE id = ?", (number,))
    for held in rows.all_held("ended = 1"):
        lines = [(one, name, 0 if one == number else amount) for one, name, amount in held.lines]
        if lines != held.lines:
            rows.db.execute("UPDATE reservations SET lines = ? WHERE name = ?", (json.dumps(lines), held.name))
    rows.note(Entry("reset", amounts={resource: before.spent}, account=account, note=note).to_json())
    return before


def absorb(rows: Rows, records: Iterable[Record]) -> None:
    """See `Books.absorb`."""
    db, now = rows.db, rows.now
    rows.state()
    if db.execute(_ANY).fetchone():
        raise is_not_empty()
    for record in records:
        match record:
            case Account(account, resource, balance, expires):
                db.execute(_ADD, (account, resource, now + expires, *balance))
            case Held(name, units, lines, lease, idle, ended):
                numbers = [
                    (rows.account(account, resource)[0], resource, amount) for account, resource, amount in lines
                ]
                if not all(number for number, *_ in numbers):
                    raise StoreError(f"The reservation {name!r} is of an account that was not handed over.")
                db.execute(_HOLD, (name, units, json.dumps(numbers), now + lease, idle, ended))
            case _:
                replace(rows, now=record.at).note(record.to_json())
    db.execute("UPDATE state SET next_end = (SELECT coalesce(min(ends_at), 9e999) FROM reservations WHERE ended = 0)")


def retire(rows: Rows, successor: str | None) -> None:
    """See `Books.retire`; None: `Books.reinstate`."""
    rows.db.execute("UPDATE state SET successor = ?", (successor,))

"""What each step of the ledger does to its tables. Every function runs inside a transaction of its caller's."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from leanloop.budgets.store import Balance, Demand, Grant, Refusal
from leanloop.errors import StoreError

__all__ = ["PRUNE_EVERY", "balances", "finish", "prune", "renew", "reserve"]

PRUNE_EVERY = 600.0
"""Seconds between two looks for accounts that can be forgotten."""

_HELD = "SELECT name, units, idle, ended, lines FROM reservations WHERE "
_FIND = "SELECT id, spent, reserved, idle FROM accounts WHERE account = ? AND resource = ?"
_OPEN = "INSERT INTO accounts (account, resource, expires_at) VALUES (?, ?, ?)"
_ADD = "UPDATE accounts SET reserved = reserved + ?, idle = idle + ?, expires_at = ? WHERE id = ?"
_MOVE = "UPDATE accounts SET spent = spent + ?, reserved = reserved + ?, idle = idle + ? WHERE id = ?"

Row: TypeAlias = tuple[int, Balance]
"""An account's id (0 where there is none yet) and its balance."""

Amount: TypeAlias = tuple[int, str, int]
"""An account's id, its resource, and what is set aside."""


class _Held(NamedTuple):
    units: int
    lines: list[Amount]
    idle: bool
    ended: bool

    @property
    def shares(self) -> Balance:
        """How often its amounts stand in each part of its accounts."""
        if self.ended:
            return Balance(spent=int(not self.idle))
        return Balance(0, 1, int(self.idle))

    def move(self, db: sqlite3.Connection, sign: int, actual: Mapping[str, int] | None = None) -> None:
        """Put it into its accounts (1) or take it out of them (-1), and add what was spent."""
        spent, reserved, idle = (sign * share for share in self.shares[:3])
        paid = actual or {}
        moves = [
            (spent * amount + paid.get(resource, 0), reserved * amount, idle * amount, account)
            for account, resource, amount in self.lines
        ]
        db.executemany(_MOVE, moves)


def reserve(
    db: sqlite3.Connection, reservation: str, demand: Demand, replaces: str | None, now: float
) -> Grant | Refusal:
    """See `LedgerStore.reserve`."""
    _end_leases(db, now)
    known = _held(db, reservation)
    if known is not None:
        return _again(db, reservation, known, demand)
    given_up = _held(db, replaces) if replaces is not None else None
    if given_up is not None:
        given_up.move(db, -1)
    rows = _rows(db, demand)
    units = demand.most
    for place, (line, (_, balance)) in enumerate(zip(demand.lines, rows, strict=True)):
        free = line.limit - balance.spent - balance.reserved
        if line.fixed + line.slope * demand.least > free:
            if given_up is not None:
                given_up.move(db, 1)
            _add(db, demand, rows, None, now)
            return Refusal(place, line, balance)
        if line.slope > 0:
            units = min(units, (free - line.fixed) // line.slope)
    if given_up is not None:
        db.execute("DELETE FROM reservations WHERE name = ?", (replaces,))
    lines = _add(db, demand, rows, units, now)
    db.execute(
        "INSERT INTO reservations (name, units, lines, ends_at, idle) VALUES (?, ?, ?, ?, ?)",
        (reservation, units, json.dumps(lines), now + demand.lease, demand.idle),
    )
    _end_by(db, now + demand.lease)
    return Grant(units, tuple([balance for _, balance in rows]))


def finish(db: sqlite3.Connection, reservation: str, actual: Mapping[str, int]) -> None:
    """See `LedgerStore.settle`."""
    held = _held(db, reservation)
    if held is not None:
        held.move(db, -1, actual)
        db.execute("DELETE FROM reservations WHERE name = ?", (reservation,))


def renew(db: sqlite3.Connection, reservations: Sequence[str], lease: float, now: float) -> list[str]:
    """See `LedgerStore.renew`."""
    renewed = "UPDATE reservations SET ends_at = ? WHERE name = ? AND ended = 0 AND ends_at > ?"
    _end_by(db, now + lease)
    return [name for name in reservations if db.execute(renewed, (now + lease, name, now)).rowcount]


def balances(db: sqlite3.Connection, keys: Sequence[tuple[str, str]], now: float) -> list[Balance]:
    """See `LedgerStore.balances`."""
    _end_leases(db, now)
    return [_row(db, *key)[1] for key in keys]


def prune(db: sqlite3.Connection, now: float) -> float:
    """Forget expired accounts with no call in flight, and the ended reservations that only these knew.

    Gives the time to look again. What had not expired when somebody last looked is kept, so that a clock that is
    wrong for less than `PRUNE_EVERY` seconds makes nothing forgotten, and so nothing free.
    """
    _, last = _times(db)
    if last <= now < last + PRUNE_EVERY:
        return last + PRUNE_EVERY
    db.execute("UPDATE times SET pruned_at = ?", (now,))
    flying = {account for _, held in _all_held(db, "ended = 0") for account, _, _ in held.lines}
    expired: list[tuple[int]] = db.execute("SELECT id FROM accounts WHERE expires_at < ?", (min(last, now),)).fetchall()
    db.executemany("DELETE FROM accounts WHERE id = ?", [row for row in expired if row[0] not in flying])
    for name, held in _all_held(db, "ended = 1"):
        if not any(db.execute("SELECT 1 FROM accounts WHERE id = ?", line[:1]).fetchone() for line in held.lines):
            db.execute("DELETE FROM reservations WHERE name = ?", (name,))
    return now + PRUNE_EVERY


def _end_leases(db: sqlite3.Connection, now: float) -> None:
    next_end, _ = _times(db)
    if now < next_end:
        return
    for name, held in _all_held(db, "ended = 0 AND ends_at <= ?", now):
        held.move(db, -1)
        held._replace(ended=True).move(db, 1)
        db.execute("UPDATE reservations SET ended = 1 WHERE name = ?", (name,))
    [earliest] = db.execute("SELECT min(ends_at) FROM reservations WHERE ended = 0").fetchone()
    db.execute("UPDATE times SET next_end = ?", (math.inf if earliest is None else earliest,))


def _end_by(db: sqlite3.Connection, ends_at: float) -> None:
    """Look for leases to end by then, at the latest."""
    db.execute("UPDATE times SET next_end = ? WHERE next_end > ?", (ends_at, ends_at))


def _times(db: sqlite3.Connection) -> tuple[float, float]:
    times: tuple[float, float] = db.execute("SELECT next_end, pruned_at FROM times").fetchone()
    return times


def _row(db: sqlite3.Connection, account: str, resource: str) -> Row:
    row: tuple[int, int, int, int] | None = db.execute(_FIND, (account, resource)).fetchone()
    return (row[0], Balance(*row[1:])) if row else (0, Balance())


def _rows(db: sqlite3.Connection, demand: Demand) -> list[Row]:
    return [_row(db, line.account, line.resource) for line in demand.lines]


def _held(db: sqlite3.Connection, reservation: str) -> _Held | None:
    return next((held for _, held in _all_held(db, "name = ?", reservation)), None)


def _all_held(db: sqlite3.Connection, where: str, *values: object) -> list[tuple[str, _Held]]:
    rows = db.execute(_HELD + where, values)
    return [(name, _Held(units, _read(lines), bool(idle), bool(ended))) for name, units, idle, ended, lines in rows]


def _read(lines: str) -> list[Amount]:
    try:
        return [(int(account), str(resource), int(amount)) for account, resource, amount in json.loads(lines)]
    except (TypeError, ValueError) as error:
        raise StoreError(f"A reservation in the ledger is damaged ({error}); restore a copy of the file.") from error


def _add(db: sqlite3.Connection, demand: Demand, rows: Sequence[Row], units: int | None, now: float) -> list[Amount]:
    """Set `units` aside (None: nothing), open the accounts there are not, and let all live on."""
    lines: list[Amount] = []
    for line, (account, _) in zip(demand.lines, rows, strict=True):
        number = account or db.execute(_OPEN, (*line[:2], now)).lastrowid or 0
        amount = 0 if units is None else line.fixed + line.slope * units
        db.execute(_ADD, (amount, amount * demand.idle, now + line.expires, number))
        lines.append((number, line.resource, amount))
    return lines


def _again(db: sqlite3.Connection, reservation: str, known: _Held, demand: Demand) -> Grant:
    """The grant of a caller who asks once more."""
    asked = [
        (account, line.resource, line.fixed + line.slope * known.units)
        for line, (account, _) in zip(demand.lines, _rows(db, demand), strict=True)
    ]
    if known.ended or asked != known.lines:
        state = "has ended" if known.ended else "is already held for another demand"
        raise StoreError(f"The reservation {reservation!r} {state}; take a new name for a new call.")
    known.move(db, -1)
    before = tuple([balance for _, balance in _rows(db, demand)])
    known.move(db, 1)
    return Grant(known.units, before)

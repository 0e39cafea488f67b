"""What each step of the ledger does to its rows in SQLite."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from leanloop.budgets.history import expiry
from leanloop.budgets.sqlite_rows import HeldRow, Rows
from leanloop.budgets.store import Balance, Demand, Grant, Refusal
from leanloop.errors import StoreError

__all__ = ["PRUNE_EVERY", "balances", "end_leases", "prune", "renew", "reserve", "settle"]

PRUNE_EVERY = 600.0
"""Seconds between two looks for accounts that can be forgotten."""


def reserve(rows: Rows, reservation: str, demand: Demand, replaces: str | None) -> Grant | Refusal:
    """See `LedgerStore.reserve`."""
    end_leases(rows)
    known = rows.held(reservation)
    if known is not None:
        return _again(rows, known, demand)
    given_up = rows.held(replaces) if replaces is not None else None
    if given_up is not None:
        rows.move(given_up, -1)
    found = [rows.line(line) for line in demand.lines]
    if given_up is not None:
        rows.move(given_up, 1)
    units = demand.most
    for place, (line, (_, balance)) in enumerate(zip(demand.lines, found, strict=True)):
        free = line.limit + balance.raised - balance.spent - balance.reserved
        if line.fixed + line.slope * demand.least > free:
            rows.add(demand, found, None)
            return Refusal(place, line, balance)
        if line.slope > 0:
            units = min(units, (free - line.fixed) // line.slope)
    if given_up is not None:
        rows.drop(given_up)
    lines = rows.add(demand, found, units)
    rows.db.execute(
        "INSERT INTO reservations (name, units, lines, ends_at, idle) VALUES (?, ?, ?, ?, ?)",
        (reservation, units, json.dumps(lines), rows.now + demand.lease, demand.idle),
    )
    _end_by(rows, rows.now + demand.lease)
    return Grant(units, tuple([balance for _, balance in found]))


def settle(rows: Rows, reservation: str, actual: Mapping[str, int], entry: str | None) -> None:
    """See `LedgerStore.settle`; `entry` as JSON."""
    held = rows.held(reservation)
    if held is not None:
        rows.drop(held, actual)
        rows.note(entry)


def renew(rows: Rows, reservations: Sequence[str], lease: float) -> list[str]:
    """See `LedgerStore.renew`."""
    end_leases(rows)
    renewed = "UPDATE reservations SET ends_at = ? WHERE name = ? AND ended = 0"
    _end_by(rows, rows.now + lease)
    return [name for name in reservations if rows.db.execute(renewed, (rows.now + lease, name)).rowcount]


def balances(rows: Rows, keys: Sequence[tuple[str, str]]) -> list[Balance]:
    """See `LedgerStore.balances`."""
    end_leases(rows)
    return [rows.account(*key)[1] for key in keys]


def prune(rows: Rows) -> float:
    """Forget expired accounts with no call in flight, and the ended reservations that only these knew.

    Gives the time to look again. What had not expired when somebody last looked is kept, so that a clock that is
    wrong for less than `PRUNE_EVERY` seconds makes nothing forgotten, and so nothing free.
    """
    db, now = rows.db, rows.now
    _, last = rows.state()
    if last <= now < last + PRUNE_EVERY:
        return last + PRUNE_EVERY
    db.execute("UPDATE state SET pruned_at = ?", (now,))
    flying = {account for held in rows.all_held("ended = 0") for account, _, _ in held.lines}
    expired: list[tuple[int]] = db.execute("SELECT id FROM accounts WHERE expires_at < ?", (min(last, now),)).fetchall()
    db.executemany("DELETE FROM accounts WHERE id = ?", [row for row in expired if row[0] not in flying])
    for held in rows.all_held("ended = 1"):
        if not rows.told(held):
            db.execute("DELETE FROM reservations WHERE name = ?", (held.name,))
    return now + PRUNE_EVERY


def end_leases(rows: Rows) -> None:
    """Unknown counts as spent; what was idle is given back."""
    next_end, _ = rows.state()
    if rows.now < next_end:
        return
    for held in rows.all_held("ended = 0 AND ends_at <= ?", rows.now):
        rows.move(held, -1)
        rows.move(held._replace(ended=True), 1)
        rows.db.execute("UPDATE reservations SET ended = 1 WHERE name = ?", (held.name,))
        if not held.idle:
            rows.note(expiry(held.name, rows.told(held)).to_json())
    [earliest] = rows.db.execute("SELECT min(ends_at) FROM reservations WHERE ended = 0").fetchone()
    rows.db.execute("UPDATE state SET next_end = ?", (math.inf if earliest is None else earliest,))


def _end_by(rows: Rows, ends_at: float) -> None:
    """Look for leases to end by then, at the latest."""
    rows.db.execute("UPDATE state SET next_end = ? WHERE next_end > ?", (ends_at, ends_at))


def _again(rows: Rows, known: HeldRow, demand: Demand) -> Grant:
    """The grant of a caller who asks once more."""
    asked = [
        (rows.account(line.account, line.resource)[0], line.resource, line.fixed + line.slope * known.units)
        for line in demand.lines
    ]
    if known.ended or asked != known.lines:
        state = "has ended" if known.ended else "is already held for another demand"
        raise StoreError(f"The reservation {known.name!r} {state}; take a new name for a new call.")
    rows.move(known, -1)
    before = tuple([rows.line(line)[1] for line in demand.lines])
    rows.move(known, 1)
    return Grant(known.units, before)

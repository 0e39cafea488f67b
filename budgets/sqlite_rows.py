"""The rows of a ledger in SQLite, read and written inside a transaction of the caller's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from leanloop.budgets.books import has_moved
from leanloop.budgets.history import expiry
from leanloop.budgets.store import Balance, Demand, Line, exactly
from leanloop.errors import StoreError

__all__ = ["HeldRow", "Row", "Rows"]

_STATE = "SELECT next_end, pruned_at, successor FROM state"
_HELD = "SELECT successor, name, units, idle, ended, lines FROM state LEFT JOIN reservations ON name = ?"
_ALL_HELD = "SELECT name, units, idle, ended, lines FROM reservations WHERE "
_FIND = "SELECT id, spent, reserved, idle, raised FROM accounts WHERE account = ? AND resource = ?"
_OPEN = "INSERT INTO accounts (account, resource, expires_at) VALUES (?, ?, ?)"
_ADD = "UPDATE accounts SET reserved = reserved + ?, idle = idle + ?, expires_at = ? WHERE id = ?"
_MOVE = "UPDATE accounts SET spent = spent + ?, reserved = reserved + ?, idle = idle + ? WHERE id = ?"
_NOTE = "INSERT INTO history (at, entry) VALUES (?, ?)"

_TRIM_EVERY = 1_000
"""Rows of history between two looks for those past their number: deleting so few takes a millisecond."""

_TRIM_MOST = 10_000
"""Rows that are deleted at once, where somebody wants far fewer than there are: everyone waits meanwhile."""

_TRIM = "DELETE FROM history WHERE id IN (SELECT id FROM history WHERE id <= ? ORDER BY id LIMIT ?)"

Row: TypeAlias = tuple[int, Balance]
"""An account's id (0 where there is none yet) and its balance."""

Amount: TypeAlias = tuple[int, str, int]
"""An account's id, its resource, and what is set aside."""


class HeldRow(NamedTuple):
    """A reservation."""

    name: str
    units: int
    idle: bool
    ended: bool
    lines: list[Amount]

    @property
    def spent(self) -> bool:
        """Whether it is spending, its lease having ended."""
        return self.ended and not self.idle

    @classmethod
    def read(cls, name: str, units: int, idle: int, ended: int, lines: str) -> HeldRow:
        """From a row of the table.

        Raises:
            StoreError: somebody else wrote it.
        """
        try:
            amounts = [(int(account), str(resource), int(amount)) for account, resource, amount in json.loads(lines)]
        except (TypeError, ValueError, RecursionError) as error:
            raise StoreError(
                f"A reservation in the ledger is damaged ({error}); restore a copy of the file."
            ) from error
        return cls(name, units, bool(idle), bool(ended), amounts)


@dataclass(frozen=True, slots=True)
class Rows:
    """One transaction: its connection, its time (seconds since the epoch), and how many rows of history to keep."""

    db: sqlite3.Connection
    now: float
    history: int

    def state(self) -> tuple[float, float]:
        """When the next lease ends, at the earliest, and when expired accounts were last looked for.

        Raises:
            StoreError: the ledger is retired.
        """
        next_end, pruned_at, successor = self.db.execute(_STATE).fetchone()
        if successor is not None:
            raise has_moved(successor)
        return next_end, pruned_at

    def held(self, reservation: str) -> HeldRow | None:
        """A reservation by its name.

        Raises:
            StoreError: the ledger is retired.
        """
        successor, *row = self.db.execute(_HELD, (reservation,)).fetchone()
        if successor is not None:
            raise has_moved(successor)
        return HeldRow.read(*row) if row[0] is not None else None

    def all_held(self, where: str, *values: object) -> list[HeldRow]:
        """All reservations of which that is true."""
        return [HeldRow.read(*row) for row in self.db.execute(_ALL_HELD + where, values)]

    def account(self, account: str, resource: str) -> Row:
        """One account as it stands."""
        row: tuple[int, int, int, int, int] | None = self.db.execute(_FIND, (account, resource)).fetchone()
        return (row[0], Balance(*row[1:])) if row else (0, Balance())

    def line(self, line: Line) -> Row:
        """A line's own account, and all that counts against its limit."""
        number, own = self.account(line.account, line.resource)
        if not line.also:
            return number, own
        earlier = [self.account(account, line.resource)[1] for account in line.also]
        return number, Balance(*map(sum, zip(own, *earlier, strict=True)))

    def open(self, account: str, resource: str) -> int:
        """A new account; gives its id."""
        return self.db.execute(_OPEN, (account, resource, self.now)).lastrowid or 0

    def add(self, demand: Demand, rows: list[Row], units: int | None) -> list[Amount]:
        """Set `units` aside (None: nothing), open the accounts there are not, and let all live on."""
        lines: list[Amount] = []
        for line, (number, _) in zip(demand.lines, rows, strict=True):
            number = number or self.open(line.account, line.resource)  # noqa: PLW2901
            amount = 0 if units is None else line.fixed + line.slope * units
            self.db.execute(_ADD, (amount, amount * demand.idle, self.now + line.expires, number))
            lines.append((number, line.resource, amount))
        return lines

    def move(self, held: HeldRow, sign: int, actual: Mapping[str, int] | None = None) -> None:
        """Put a reservation into its accounts (1) or take it out of them (-1), and add what was spent."""
        spent, reserved = sign * held.spent, sign * (not held.ended)
        paid = actual or {}
        moves = [
            (
                spent * amount + exactly(resource, paid.get(resource, 0)),
                reserved * amount,
                reserved * held.idle * amount,
                account,
            )
            for account, resource, amount in held.lines
        ]
        self.db.executemany(_MOVE, moves)

    def drop(self, held: HeldRow, actual: Mapping[str, int] | None = None) -> None:
        """Replace a reservation by what was spent."""
        if held.spent and any(amount for *_, amount in held.lines):
            self.note(expiry(held.name, self.told(held), taken_back=True).to_json())
        self.move(held, -1, actual)
        self.db.execute("DELETE FROM reservations WHERE name = ?", (held.name,))

    def told(self, held: HeldRow) -> list[tuple[str, str, int]]:
        """A reservation's lines by the names of their accounts; those that are forgotten are left out."""
        find = "SELECT account FROM accounts WHERE id = ?"
        found = [(self.db.execute(find, line[:1]).fetchone(), line) for line in held.lines]
        return [(row[0], resource, amount) for row, (_, resource, amount) in found if row]

    def note(self, entry: str | None) -> None:
        """Put a row, as JSON, into the history."""
        if entry is None or not self.history:
            return
        number = self.db.execute(_NOTE, (self.now, entry)).lastrowid or 0
        if not number % _TRIM_EVERY:
            self.db.execute(_TRIM, (number - self.history, _TRIM_MOST))

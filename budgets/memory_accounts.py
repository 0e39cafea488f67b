"""What the ledger in memory is made of: accounts, reservations, and when which of them ends. No locks in here."""

from __future__ import annotations

import heapq
import math
import time
from collections import deque
from dataclasses import dataclass, replace

from leanloop.budgets.history import Entry, expiry
from leanloop.budgets.store import Balance, Demand, Grant, Line
from leanloop.errors import StoreError

__all__ = ["Accounts", "KeptAccount", "KeptReservation"]

_PRUNE_FROM = 10_000


@dataclass(slots=True)
class KeptAccount:
    """One resource of one account."""

    key: tuple[str, str]
    spent: int = 0
    reserved: int = 0
    idle: int = 0
    raised: int = 0
    expires_at: float = 0.0

    @property
    def balance(self) -> Balance:
        """As it stands now."""
        return Balance(self.spent, self.reserved, self.idle, self.raised)


@dataclass(slots=True)
class KeptReservation:
    """What was set aside in each account: in the very object, for a later one may have its name."""

    units: int
    lines: list[tuple[KeptAccount, int]]
    idle: bool
    ends_at: float = math.inf
    ended: bool = False

    def move(self, sign: int) -> None:
        """Put it into its accounts (1) or take it out of them (-1)."""
        if not self.ended:
            for account, amount in self.lines:
                account.reserved += sign * amount
            for account, amount in self.lines if self.idle else ():
                account.idle += sign * amount
        elif not self.idle:
            for account, amount in self.lines:
                account.spent += sign * amount

    def told(self) -> list[tuple[str, str, int]]:
        """Its lines as (account, resource, amount)."""
        return [(*account.key, amount) for account, amount in self.lines]

    def forgive(self, forgiven: KeptAccount) -> None:
        """The account begins anew: what an ended lease spent there is no longer in it."""
        if self.ended:
            self.lines = [(account, 0 if account is forgiven else amount) for account, amount in self.lines]


class Accounts:
    """All of one ledger; `history` is how many rows are kept."""

    def __init__(self, history: int) -> None:
        self.known: dict[tuple[str, str], KeptAccount] = {}
        self.held: dict[str, KeptReservation] = {}
        self._rows: deque[tuple[float, Entry]] = deque(maxlen=history)  # the time is put in when somebody reads it
        self._ending: list[tuple[float, str]] = []
        self._prune_at = _PRUNE_FROM

    def __bool__(self) -> bool:
        return bool(self.known or self.held or self._rows)

    def open(self, key: tuple[str, str], expires_at: float, now: float) -> KeptAccount:
        """The account, made where there is none, to be kept until then."""
        account = self.known.get(key)
        if account is None:
            if len(self.known) >= self._prune_at:
                self._prune(now)
            account = self.known[key] = KeptAccount(key)
        account.expires_at = expires_at
        return account

    def balance(self, line: Line, own: KeptAccount) -> Balance:
        """What counts against a line's limit; `own` is its account."""
        if not line.also:
            return Balance(own.spent, own.reserved, own.idle, own.raised)
        earlier = [self.known.get((account, line.resource)) for account in line.also]
        return Balance(*map(sum, zip(own.balance, *(one.balance for one in earlier if one), strict=True)))

    def again(self, reservation: str, known: KeptReservation, demand: Demand) -> Grant:
        """The grant of a caller who asks once more, its answer being lost."""
        asked = [(line.account, line.resource, line.fixed + line.slope * known.units) for line in demand.lines]
        if known.ended or asked != known.told():
            state = "has ended" if known.ended else "is already held for another demand"
            raise StoreError(f"The reservation {reservation!r} {state}; take a new name for a new call.")
        known.move(-1)
        before = tuple([self.balance(line, own) for line, (own, _) in zip(demand.lines, known.lines, strict=True)])
        known.move(1)
        return Grant(known.units, before)

    def drop(self, reservation: str) -> KeptReservation | None:
        """Take a reservation out of its accounts and forget it."""
        held = self.held.pop(reservation, None)
        if held is not None:
            if held.ended and not held.idle and any(amount for _, amount in held.lines):
                self.note(expiry(reservation, held.told(), taken_back=True))
            held.move(-1)
        return held

    def lease(self, reservation: str, held: KeptReservation, ends_at: float) -> None:
        """Let it stand until then."""
        held.ends_at = ends_at
        if ends_at < math.inf:
            if len(self._ending) > 2 * len(self.held) + _PRUNE_FROM:  # most are of what was settled long ago
                self._ending = [(one.ends_at, name) for name, one in list(self.held.items()) if one.ends_at < math.inf]
                heapq.heapify(self._ending)
            heapq.heappush(self._ending, (ends_at, reservation))

    def end_leases(self, now: float) -> None:
        """Unknown counts as spent; what was idle is given back."""
        while self._ending and self._ending[0][0] <= now:
            ends_at, name = heapq.heappop(self._ending)
            held = self.held.get(name)
            if held is not None and held.ends_at == ends_at and not held.ended:
                held.move(-1)
                held.ended = True
                held.move(1)
                if not held.idle:
                    self.note(expiry(name, held.told()))

    def note(self, entry: Entry) -> None:
        """Put a row into the history."""
        self._rows.append((time.time(), entry))

    def take_over(self, entry: Entry) -> None:
        """Put a row of another ledger's into the history, with its time."""
        self._rows.append((entry.at, entry))

    def rows(self) -> list[Entry]:
        """The history, oldest first."""
        return [replace(entry, at=at) for at, entry in self._rows]

    def _prune(self, now: float) -> None:
        """Forget expired accounts with no call in flight; look again when the table has doubled."""
        held = {id(account) for one in list(self.held.values()) if not one.ended for account, _ in one.lines}
        gone = [key for key, one in self.known.items() if one.expires_at < now and id(one) not in held]
        for key in gone:
            del self.known[key]
        kept = {id(account) for account in self.known.values()}
        for name in [
            name
            for name, one in list(self.held.items())
            if one.ended and kept.isdisjoint(id(account) for account, _ in one.lines)
        ]:
            del self.held[name]
        self._prune_at = max(_PRUNE_FROM, 2 * len(self.known))

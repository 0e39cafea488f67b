"""The ledger in this process's memory: exact under threads and tasks, gone when the process ends."""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from leanloop.budgets.history import Entry
from leanloop.budgets.store import Balance, Demand, Grant, Line, Refusal
from leanloop.errors import StoreError

__all__ = ["MemoryStore"]

_PRUNE_FROM = 10_000


@dataclass(slots=True)
class _Account:
    key: tuple[str, str]
    spent: int = 0
    reserved: int = 0
    idle: int = 0
    expires_at: float = 0.0

    @property
    def balance(self) -> Balance:
        return Balance(self.spent, self.reserved, self.idle)


@dataclass(slots=True)
class _Held:
    """A reservation and what it set aside in each account: in the very object, for a later one may have its name."""

    units: int
    lines: list[tuple[_Account, int]]
    idle: bool
    ends_at: float = math.inf
    ended: bool = False

    def move(self, sign: int) -> None:
        """Put it into its accounts (1) or take it out of them (-1)."""
        if not self.ended:
            for account, amount in self.lines:
                account.reserved += sign * amount
                if self.idle:
                    account.idle += sign * amount
        elif not self.idle:
            for account, amount in self.lines:
                account.spent += sign * amount

    def again(self, reservation: str, demand: Demand) -> Grant:
        """The grant of a caller who asks once more, its answer being lost."""
        asked = [line.fixed + line.slope * self.units for line in demand.lines]
        names = [(line.account, line.resource) for line in demand.lines]
        if self.ended or asked != [amount for _, amount in self.lines] or names != [one.key for one, _ in self.lines]:
            state = "has ended" if self.ended else "is already held for another demand"
            raise StoreError(f"The reservation {reservation!r} {state}; take a new name for a new call.")
        self.move(-1)
        before = tuple([account.balance for account, _ in self.lines])
        self.move(1)
        return Grant(self.units, before)


class MemoryStore:
    """A `LedgerStore` behind one lock. `clock` gives seconds and is there for tests of expiry."""

    durable = False

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._held: dict[str, _Held] = {}
        self._ending: list[tuple[float, str]] = []
        self._prune_at = _PRUNE_FROM

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        with self._lock:
            now = self._clock()
            self._end_leases(now)
            known = self._held.get(reservation)
            if known is not None:
                return known.again(reservation, demand)
            accounts = [self._account(line, now) for line in demand.lines]
            given_up = self._held.get(replaces) if replaces is not None else None
            if given_up is not None:
                given_up.move(-1)
            units = demand.most
            for index, (line, account) in enumerate(zip(demand.lines, accounts, strict=True)):
                free = line.limit - account.spent - account.reserved
                if line.fixed + line.slope * demand.least > free:
                    refusal = Refusal(index, line, account.balance)
                    if given_up is not None:
                        given_up.move(1)
                    return refusal
                if line.slope > 0:
                    units = min(units, (free - line.fixed) // line.slope)
            if replaces is not None:
                self._held.pop(replaces, None)
            before = tuple([account.balance for account in accounts])
            amounts = [line.fixed + line.slope * units for line in demand.lines]
            held = _Held(units, list(zip(accounts, amounts, strict=True)), demand.idle)
            self._held[reservation] = held
            held.move(1)
            self._lease(reservation, held, now + demand.lease)
            return Grant(units, before)

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """See `LedgerStore.settle`."""
        self._finish(reservation, actual)

    def release(self, reservation: str) -> None:
        """See `LedgerStore.release`."""
        self._finish(reservation, {})

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """See `LedgerStore.renew`."""
        with self._lock:
            now = self._clock()
            self._end_leases(now)
            held = [(name, self._held[name]) for name in reservations if name in self._held]
            live = [(name, one) for name, one in held if not one.ended]
            for name, one in live:
                self._lease(name, one, now + lease)
            return [name for name, _ in live]

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """See `LedgerStore.balances`."""
        with self._lock:
            self._end_leases(self._clock())
            known = [self._accounts.get(key) for key in keys]
            return [account.balance if account else Balance() for account in known]

    def close(self) -> None:
        """See `LedgerStore.close`: there is nothing to let go of."""

    async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """`reserve`: nothing here waits."""
        return self.reserve(reservation, demand, replaces=replaces)

    async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """`settle`: nothing here waits."""
        self.settle(reservation, actual, entry)

    async def arelease(self, reservation: str) -> None:
        """`release`: nothing here waits."""
        self.release(reservation)

    async def arenew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """`renew`: nothing here waits."""
        return self.renew(reservations, lease)

    async def abalances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """`balances`: nothing here waits."""
        return self.balances(keys)

    def _finish(self, reservation: str, actual: Mapping[str, int]) -> None:
        with self._lock:
            held = self._held.pop(reservation, None)
            if held is not None:
                held.move(-1)
                for account, _ in held.lines:
                    account.spent += actual.get(account.key[1], 0)

    def _account(self, line: Line, now: float) -> _Account:
        key = (line.account, line.resource)
        account = self._accounts.get(key)
        if account is None:
            if len(self._accounts) >= self._prune_at:
                self._prune(now)
            account = self._accounts[key] = _Account(key)
        account.expires_at = now + line.expires
        return account

    def _lease(self, reservation: str, held: _Held, ends_at: float) -> None:
        held.ends_at = ends_at
        if ends_at < math.inf:
            if len(self._ending) > 2 * len(self._held) + _PRUNE_FROM:  # most are of what was settled long ago
                self._ending = [(one.ends_at, name) for name, one in self._held.items() if one.ends_at < math.inf]
                heapq.heapify(self._ending)
            heapq.heappush(self._ending, (ends_at, reservation))

    def _end_leases(self, now: float) -> None:
        while self._ending and self._ending[0][0] <= now:
            ends_at, name = heapq.heappop(self._ending)
            held = self._held.get(name)
            if held is not None and held.ends_at == ends_at and not held.ended:
                held.move(-1)
                held.ended = True
                held.move(1)

    def _prune(self, now: float) -> None:
        """Forget expired accounts with no call in flight; look again when the table has doubled."""
        held = {id(account) for one in self._held.values() if not one.ended for account, _ in one.lines}
        gone = [key for key, one in self._accounts.items() if one.expires_at < now and id(one) not in held]
        for key in gone:
            del self._accounts[key]
        kept = {id(account) for account in self._accounts.values()}
        for name in [
            name
            for name, one in self._held.items()
            if one.ended and kept.isdisjoint(id(account) for account, _ in one.lines)
        ]:
            del self._held[name]
        self._prune_at = max(_PRUNE_FROM, 2 * len(self._accounts))

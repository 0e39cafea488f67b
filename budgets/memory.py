"""The ledger in this process's memory: exact under threads and tasks, gone when the process ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from leanloop.budgets.store import Balance, Demand, Grant, Line, Refusal
from leanloop.errors import StoreError

__all__ = ["MemoryStore"]

_PRUNE_FROM = 10_000


@dataclass(slots=True)
class _Account:
    spent: int = 0
    reserved: int = 0
    idle: int = 0
    expires_at: float = 0.0

    @property
    def balance(self) -> Balance:
        return Balance(self.spent, self.reserved, self.idle)


class _Held(NamedTuple):
    """A reservation: the amount set aside in each account, and whether nothing is in flight under it."""

    idle: bool
    lines: tuple[tuple[str, str, int], ...]


_NOTHING = _Held(idle=False, lines=())


class MemoryStore:
    """A `LedgerStore` behind one lock. `clock` gives seconds and is there for tests of expiry."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._held: dict[str, _Held] = {}
        self._prune_at = _PRUNE_FROM

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        now = self._clock()
        with self._lock:
            if reservation in self._held:
                raise StoreError(f"The reservation {reservation!r} is already held; settle or release it first.")
            accounts = [self._account(line, now) for line in demand.lines]
            given_up = self._held.get(replaces, _NOTHING) if replaces is not None else _NOTHING
            self._set_aside(given_up, -1)
            units = demand.most
            for index, (line, account) in enumerate(zip(demand.lines, accounts, strict=True)):
                free = line.limit - account.spent - account.reserved
                if line.fixed + line.slope * demand.least > free:
                    refusal = Refusal(index, line, account.balance)
                    self._set_aside(given_up, +1)
                    return refusal
                if line.slope > 0:
                    units = min(units, (free - line.fixed) // line.slope)
            if replaces is not None:
                self._held.pop(replaces, None)
            before = tuple([account.balance for account in accounts])
            lines = [(line.account, line.resource, line.fixed + line.slope * units) for line in demand.lines]
            held = self._held[reservation] = _Held(demand.idle, tuple(lines))
            self._set_aside(held, +1)
            return Grant(units, before)

    def settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        """See `LedgerStore.settle`."""
        with self._lock:
            held = self._held.pop(reservation, _NOTHING)
            self._set_aside(held, -1)
            for name, resource, _ in held.lines:
                self._accounts[name, resource].spent += actual.get(resource, 0)

    def release(self, reservation: str) -> None:
        """See `LedgerStore.release`."""
        with self._lock:
            self._set_aside(self._held.pop(reservation, _NOTHING), -1)

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """See `LedgerStore.balances`."""
        with self._lock:
            known = [self._accounts.get(key) for key in keys]
            return [account.balance if account else Balance() for account in known]

    async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """`reserve`: nothing here waits."""
        return self.reserve(reservation, demand, replaces=replaces)

    async def asettle(self, reservation: str, actual: Mapping[str, int]) -> None:
        """`settle`: nothing here waits."""
        self.settle(reservation, actual)

    async def arelease(self, reservation: str) -> None:
        """`release`: nothing here waits."""
        self.release(reservation)

    async def abalances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """`balances`: nothing here waits."""
        return self.balances(keys)

    def _account(self, line: Line, now: float) -> _Account:
        key = (line.account, line.resource)
        account = self._accounts.get(key)
        if account is None:
            if len(self._accounts) >= self._prune_at:
                self._prune(now)
            account = self._accounts[key] = _Account()
        account.expires_at = now + line.expires
        return account

    def _set_aside(self, held: _Held, sign: int) -> None:
        """Put the amounts aside (+1), or back (-1)."""
        for name, resource, amount in held.lines:
            account = self._accounts[name, resource]
            account.reserved += sign * amount
            if held.idle:
                account.idle += sign * amount

    def _prune(self, now: float) -> None:
        """Forget expired accounts with no call in flight; look again when the table has doubled."""
        held = {(name, resource) for reservation in self._held.values() for name, resource, _ in reservation.lines}
        gone = [key for key, account in self._accounts.items() if account.expires_at < now and key not in held]
        for key in gone:
            del self._accounts[key]
        self._prune_at = max(_PRUNE_FROM, 2 * len(self._accounts))

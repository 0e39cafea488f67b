"""The ledger in this process's memory: exact under threads and tasks, gone when the process ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from leanloop.budgets.at_fork import hold_at_fork
from leanloop.budgets.history import Entry
from leanloop.budgets.memory_accounts import KeptReservation
from leanloop.budgets.memory_books import MemoryBooks
from leanloop.budgets.store import Balance, Demand, Grant, LedgerStore, Refusal

__all__ = ["MemoryStore", "waits"]


class MemoryStore(MemoryBooks):
    """A `LedgerStore` and its `Books` behind one lock.

    Args:
        clock: seconds, for tests of expiry. Not the time of day, which somebody may set back.
        history: the rows that are kept, the newest.
    """

    durable = False

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, history: int = 10_000) -> None:
        super().__init__(clock, history)
        hold_at_fork(self)

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        with self._lock:
            now = self._begin()
            kept = self._accounts
            known = kept.held.get(reservation)
            if known is not None:
                return kept.again(reservation, known, demand)
            lines, units, least, lease, idle = demand
            given_up = kept.held.get(replaces) if replaces is not None else None
            if given_up is not None:
                given_up.move(-1)
            accounts = [kept.open((line.account, line.resource), now + line.expires, now) for line in lines]
            before = tuple([kept.balance(line, own) for line, own in zip(lines, accounts, strict=True)])
            if given_up is not None:
                given_up.move(1)
            for place, (_, _, limit, fixed, slope, _, _) in enumerate(lines):
                spent, reserved, _, raised = before[place]
                free = limit + raised - spent - reserved
                if fixed + slope * least > free:
                    return Refusal(place, lines[place], before[place])
                if slope > 0 and fixed + slope * units > free:
                    units = (free - fixed) // slope
            if replaces is not None:
                kept.drop(replaces)
            amounts = [(own, line.fixed + line.slope * units) for line, own in zip(lines, accounts, strict=True)]
            held = kept.held[reservation] = KeptReservation(units, amounts, idle)
            held.move(1)
            kept.lease(reservation, held, now + lease)
            return Grant(units, before)

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """See `LedgerStore.settle`."""
        with self._lock:
            self._check()
            held = self._accounts.drop(reservation)
            if held is not None:
                for account, _ in held.lines:
                    account.spent += actual.get(account.key[1], 0)
                if entry is not None:
                    self._accounts.note(entry)

    def release(self, reservation: str) -> None:
        """See `LedgerStore.release`."""
        self.settle(reservation, {})

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """See `LedgerStore.renew`."""
        with self._lock:
            now = self._begin()
            held = [(name, self._accounts.held[name]) for name in reservations if name in self._accounts.held]
            live = [(name, one) for name, one in held if not one.ended]
            for name, one in live:
                self._accounts.lease(name, one, now + lease)
            return [name for name, _ in live]

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """See `LedgerStore.balances`."""
        with self._lock:
            self._begin()
            known = [self._accounts.known.get(key) for key in keys]
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

    def before_fork(self) -> None:
        """Let no other thread be in the midst of a step, which the child would never see ended."""
        self._lock.acquire()

    def after_fork(self) -> None:
        """In the parent and in the child, each of which goes on with a ledger of its own."""
        self._lock.release()


def waits(store: LedgerStore) -> bool:
    """Whether a step of the ledger may take its time, so that async code awaits it; a MemoryStore's own do not."""
    own = (MemoryStore.areserve, MemoryStore.asettle, MemoryStore.arelease)
    return tuple(getattr(one, "__func__", None) for one in (store.areserve, store.asettle, store.arelease)) != own

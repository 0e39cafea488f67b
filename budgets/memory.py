"""The ledger in this process's memory: exact under threads and tasks, gone when the process ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from leanloop.budgets.books import Account, Held, Record, has_moved, is_not_empty
from leanloop.budgets.history import Entry
from leanloop.budgets.memory_accounts import Accounts, KeptReservation
from leanloop.budgets.store import Balance, Demand, Grant, Refusal
from leanloop.errors import StoreError

__all__ = ["MemoryStore"]


class MemoryStore:
    """A `LedgerStore` and its `Books` behind one lock.

    Args:
        clock: seconds, for tests of expiry. Not the time of day, which somebody may set back.
        history: the rows that are kept, the newest.
    """

    durable = False

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, history: int = 10_000) -> None:
        self._clock = clock
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        self._history = history
        self._accounts = Accounts(history)
        self._successor = ""

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        with self._lock:
            now = self._begin()
            kept = self._accounts
            known = kept.held.get(reservation)
            if known is not None:
                return kept.again(reservation, known, demand)
            accounts = [kept.open((line.account, line.resource), now + line.expires, now) for line in demand.lines]
            given_up = kept.held.get(replaces) if replaces is not None else None
            if given_up is not None:
                given_up.move(-1)
            before = tuple(map(kept.balance, demand.lines, accounts))
            if given_up is not None:
                given_up.move(1)
            units = demand.most
            least = demand.least
            for place, (line, balance) in enumerate(zip(demand.lines, before, strict=True)):
                _, _, limit, fixed, slope, _, _ = line
                spent, reserved, _, raised = balance
                free = limit + raised - spent - reserved
                if fixed + slope * least > free:
                    return Refusal(place, line, balance)
                if slope > 0 and fixed + slope * units > free:
                    units = (free - fixed) // slope
            if replaces is not None:
                kept.drop(replaces)
            amounts = [line.fixed + line.slope * units for line in demand.lines]
            held = KeptReservation(units, list(zip(accounts, amounts, strict=True)), demand.idle)
            kept.held[reservation] = held
            held.move(1)
            kept.lease(reservation, held, now + demand.lease)
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

    def accounts(self) -> Iterator[Account]:
        """See `Books.accounts`."""
        return (record for record in self.export() if isinstance(record, Account))

    def history(self, *, since: float = 0.0, until: float = math.inf) -> Iterator[Entry]:
        """See `Books.history`."""
        rows = [record for record in self.export() if isinstance(record, Entry)]
        return (entry for entry in reversed(rows) if since <= entry.at < until)

    def raise_limit(self, account: str, resource: str, by: int, *, expires: float, note: str = "") -> Balance:
        """See `Books.raise_limit`."""
        with self._lock:
            now, key = self._begin(), (account, resource)
            known = self._accounts.known.get(key)
            until = max(now + expires, known.expires_at if known else 0.0)
            raised = self._accounts.open(key, until, now)
            raised.raised += by
            self._accounts.note(Entry("raised", amounts={resource: by}, account=account, note=note))
            return raised.balance

    def reset(self, account: str, resource: str, *, note: str = "") -> Balance:
        """See `Books.reset`."""
        with self._lock:
            self._begin()
            known = self._accounts.known.get((account, resource))
            before = known.balance if known else Balance()
            if known is not None:
                known.spent = known.raised = 0
                for held in self._accounts.held.values():
                    held.forgive(known)
            self._accounts.note(Entry("reset", amounts={resource: before.spent}, account=account, note=note))
            return before

    def export(self) -> Iterator[Record]:
        """See `Books.export`."""
        with self._lock:
            now, kept = self._clock(), self._accounts
            if not self._successor:
                kept.end_leases(now)
            records: list[Record] = [
                Account(*one.key, one.balance, one.expires_at - now) for one in kept.known.values()
            ]
            for name, held in kept.held.items():
                lines = tuple((*one.key, amount) for one, amount in held.lines if kept.known.get(one.key) is one)
                lease = 0.0 if held.ended else held.ends_at - now
                records.append(Held(name, held.units, lines, lease, held.idle, held.ended))
            return iter([*records, *kept.rows()])

    def absorb(self, records: Iterable[Record]) -> None:
        """See `Books.absorb`."""
        now, kept = self._clock(), Accounts(self._history)
        for record in records:
            match record:
                case Account(account, resource, balance, expires):
                    opened = kept.open((account, resource), now + expires, now)
                    opened.spent, opened.reserved, opened.idle, opened.raised = balance
                case Held(name, units, lines, lease, idle, ended):
                    try:
                        pairs = [(kept.known[account, resource], amount) for account, resource, amount in lines]
                    except KeyError as error:
                        raise StoreError(
                            f"The reservation {name!r} is of an account that was not handed over."
                        ) from error
                    kept.held[name] = held = KeptReservation(units, pairs, idle, ended=ended)
                    if not ended:
                        kept.lease(name, held, now + lease)
                case _:
                    kept.take_over(record)
        with self._lock:
            self._check()
            if self._accounts:
                raise is_not_empty()
            self._accounts = kept

    def retire(self, successor: str) -> None:
        """See `Books.retire`."""
        with self._lock:
            self._successor = successor

    def reinstate(self) -> None:
        """See `Books.reinstate`."""
        with self._lock:
            self._successor = ""

    def _check(self) -> None:
        if self._successor:
            raise has_moved(self._successor)

    def _begin(self) -> float:
        """What every step begins with; gives the time."""
        self._check()
        now = self._clock()
        self._accounts.end_leases(now)
        return now

"""The administration of a ledger in memory: `leanloop.budgets.books.Books`."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator

from leanloop.budgets.books import Account, Held, Record, has_moved, is_not_empty
from leanloop.budgets.history import Entry
from leanloop.budgets.memory_accounts import Accounts, KeptReservation
from leanloop.budgets.store import Balance
from leanloop.errors import StoreError

__all__ = ["MemoryBooks"]


class MemoryBooks:
    """Looks up and changes a ledger beside the calls.

    Args:
        clock: seconds.
        history: the rows that are kept, the newest.
    """

    def __init__(self, clock: Callable[[], float], history: int) -> None:
        self._clock = clock
        # A garbage collection may settle an abandoned call in the midst of a step: hence reentrant, and tables of
        # reservations are copied to be gone through.
        self._lock = threading.RLock()
        self._history = history
        self._accounts = Accounts(history)
        self._successor = ""

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
                for held in list(self._accounts.held.values()):
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
            for name, held in list(kept.held.items()):
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

"""Moving a ledger from one store to another, so that nothing is lost and nothing is spent twice.

The source refuses every call before the first of its balances is read, so the two never both grant. What is in flight
meanwhile moves with its leases: the process that makes such a call cannot settle it in the target, whose address it
does not know, so it counts at its worst case when its lease ends. Stop the agents first where that matters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from leanloop.budgets.books import Account, Books, Held
from leanloop.budgets.reservation import new_reservation
from leanloop.budgets.store import Demand, LedgerStore
from leanloop.errors import StoreError, UsageError

__all__ = ["Moved", "StoreWithBooks", "move"]

_LASTING = 600.0
"""Seconds. An account that may be forgotten sooner may be so while it is moved."""


class StoreWithBooks(LedgerStore, Books, Protocol):
    """A store and the administration of it, in one."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: accounts (one for each resource), calls in flight, and rows of the history."""

    accounts: int
    in_flight: int
    rows: int


def move(source: StoreWithBooks, target: StoreWithBooks, *, successor: str) -> Moved:
    """Retire `source`, take all it keeps over into `target`, and compare the two, account by account.

    Where that fails the source is put back into use, unless it was out of use before: then an earlier move was
    interrupted, which this one completes, or it was finished, and the target may have been spent from since.

    Args:
        source: the ledger that is in use.
        target: an empty one, or what an interrupted move left of one.
        successor: the target's address without a password, which the source's refusals name from now on.

    Raises:
        UsageError: the two are one, or a store ends with its process, so that no other could go on with it.
        StoreError: it failed; the message says in which state the source is and what to do.
    """
    if source is target:
        raise UsageError("The ledger is there already: source and target are the same store.")
    if not (source.durable and target.durable):
        raise UsageError(
            "A ledger in memory cannot be moved: no other process sees it, and it ends with its own. "
            "Move between sqlite:/// and redis:// addresses."
        )
    next(iter(source.accounts()), None)  # what cannot be read at all is left as it is, and says so
    was_in_use = _in_use(source)
    try:
        source.retire(successor)
        return _take_over(source, target, again=not was_in_use)
    except BaseException as error:
        state = _reinstated(source) if was_in_use else _RETIRED
        if isinstance(error, StoreError):
            raise StoreError(f"{error} {state}") from error
        raise


def _take_over(source: Books, target: Books, *, again: bool) -> Moved:
    refused: StoreError | None = None
    try:
        target.absorb(source.export())
    except StoreError as error:
        if not again:
            raise
        refused = error  # it may have been interrupted when all was there
    kept = _Contents.of(source)
    if missing := kept.missing_in(_Contents.of(target)):
        raise refused or StoreError(f"{missing} Begin again with an empty target.")
    return Moved(len(kept.accounts), kept.in_flight, kept.rows.total())


def _in_use(store: LedgerStore) -> bool:
    """Whether it takes calls: it is asked for nothing."""
    probe = new_reservation()
    try:
        store.reserve(probe, Demand((), lease=1.0))
        store.release(probe)
    except StoreError:  # retired
        return False
    return True


_RETIRED = (
    "The source was out of use before, and stays so: if an earlier move was finished, the target is the ledger now. "
    "To go back to the source: leanloop budget reinstate."
)


def _reinstated(source: Books) -> str:
    """Put it back into use, and say in which state it is."""
    try:
        source.reinstate()
    except StoreError as error:
        return f"The source takes no calls any more and could not be put back into use: {error}"
    return "Nothing was moved, and the source is in use as before."


@dataclass(slots=True)
class _Contents:
    """What a store keeps, as far as it must be the same on both sides.

    Leases may end in between: an amount then goes from set aside to spent, and a row of kind ``expired`` is added.
    """

    accounts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict[tuple[str, str], tuple[int, int]])
    passing: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    reservations: set[str] = field(default_factory=set[str])
    in_flight: int = 0
    rows: Counter[str] = field(default_factory=Counter[str])
    amounts: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, books: Books) -> _Contents:
        contents = cls()
        for record in books.export():
            match record:
                case Account(account, resource, balance, expires):
                    contents.accounts[account, resource] = (balance.spent + balance.in_flight, balance.raised)
                    if expires < _LASTING:
                        contents.passing.add((account, resource))
                case Held(reservation):
                    contents.reservations.add(reservation)
                    contents.in_flight += not record.ended and not record.idle
                case entry:
                    contents.rows[entry.kind] += 1
                    if entry.kind != "expired":
                        contents.amounts.update(entry.amounts)
        return contents

    def missing_in(self, other: _Contents) -> str:
        """What `other` lacks, in words; empty where it has all."""
        for key, amounts in self.accounts.items():
            found = other.accounts.get(key, (0, 0))
            if found != amounts and key not in self.passing:
                return (
                    f"The target has another balance of {key[1]} in {key[0]} than the source: {found[0]:,} spent or in "
                    f"flight and {found[1]:,} raised, instead of {amounts[0]:,} and {amounts[1]:,}."
                )
        if lost := self.reservations - other.reservations:
            return f"{len(lost):,} of {len(self.reservations):,} reservations are missing in the target."
        if any(other.rows[kind] < count for kind, count in self.rows.items()) or self.amounts != other.amounts:
            return (
                f"The target keeps {other.rows.total():,} rows of the history, and the source has "
                f"{self.rows.total():,}. Give the target's address a larger ?history=ROWS."
            )
        return ""

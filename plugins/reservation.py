"""One reservation, from its demand to its end, and what happens when the ledger's storage fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeVar

from leanloop.budgets.history import Entry
from leanloop.budgets.reservation import is_of_this_process, new_reservation
from leanloop.budgets.store import Demand, Grant, Refusal
from leanloop.errors import StoreError
from leanloop.plugins.flow import Io
from leanloop.plugins.leases import leases
from leanloop.plugins.log import warn
from leanloop.plugins.task import Task
from leanloop.plugins.watch import watch

__all__ = ["Reservation"]

Item = TypeVar("Item")

_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.25
_LONGEST_WAIT = 60.0
"""Seconds. A call that has not ended after a minute of waiting for it may be a stream nobody reads on."""


class Reservation:
    """The lines of one call in the ledger; without lines there is nothing to ask it.

    Storage that fails before the call refuses it, or, with ``on_store_error: allow``, lets it pass
    unlimited. Once a call is made its result is never lost for the storage's sake: what cannot be
    settled stays reserved.
    """

    __slots__ = ("__weakref__", "_demand", "_id", "_owners", "task")

    def __init__(self, task: Task, demand: Demand, owners: tuple[int, ...]) -> None:
        self.task = task
        self._demand = leases.of(task.store, demand)
        self._owners = owners
        self._id = new_reservation()

    def reserve(self, *, replaces: str | None = None) -> Generator[Io[Any], Any, Grant | Refusal]:
        """Set the worst case aside.

        Raises:
            StoreError: the storage failed and the budget says ``on_store_error: refuse``.
        """
        store, demand = self.task.store, self._demand
        if not demand.lines:
            return Grant(demand.most, ())
        try:
            grant: Grant | Refusal = (
                (yield Io(store.reserve, store.areserve, self._id, demand, replaces=replaces))
                if self.task.waits
                else store.reserve(self._id, demand, replaces=replaces)
            )
        except StoreError as error:
            yield from self.release(in_doubt=True)  # it may have been made and only the answer lost
            if self.task.budget.on_store_error == "refuse":
                raise
            warn(
                "A call of task %s goes unlimited (on_store_error: allow), for the ledger failed: %s",
                self.task.id,
                error,
            )
            self._demand = Demand((), demand.most, demand.least)
            return Grant(demand.most, ())
        except BaseException:  # cancelled while waiting: the reservation may stand
            yield from self.release()
            raise
        if isinstance(grant, Grant):
            leases.keep(store, self._id, demand.lease, self)
            seen = zip(self._by_owner(demand.lines), self._by_owner(grant.before), strict=True)
            for (owner, lines), (_, balances) in seen:
                owner.tally.limits_seen(lines, balances)
        return grant

    def reserve_in_turn(self, *, replaces: str | None = None) -> Generator[Io[Any], Any, Grant | Refusal]:
        """`reserve`; where only calls in flight stand in the way, wait for what they leave, at most a minute.

        They set their worst case aside and mostly spend a fraction of it: refusing at once would end a
        task with most of its budget unspent because its sub-agents work side by side.
        """
        waited, pause = 0.0, _FIRST_PAUSE
        while True:
            grant = yield from self.reserve(replaces=replaces)
            if not isinstance(grant, Refusal) or not grant.passing(self._demand.least):
                return grant
            if waited >= _LONGEST_WAIT or self.task.stopped is not None:
                return grant
            yield Io(_sleep, _asleep, pause)
            waited, pause = waited + pause, min(2 * pause, _LONGEST_PAUSE)

    def settle(self, actual: Mapping[str, int], entry: Entry | None = None) -> Generator[Io[Any], Any, None]:
        """Replace the worst case by what was spent, by resource; `entry` is the row of the history about it."""
        if not self._demand.lines or self._is_parents:
            return
        leases.drop(self.task.store, self._id)
        # Before the ledger is told, whose answer to another call may hold this one, too: it would be added to that.
        # And where the store fails: the call was made and billed, which is what the receipt is about.
        of_each = self._by_owner(self._demand.lines)
        stand = [(owner, owner.tally.limits_spent(lines, actual)) for owner, lines in of_each]
        store = self.task.store
        try:
            if self.task.waits:
                yield Io(store.settle, store.asettle, self._id, actual, entry)
            else:
                store.settle(self._id, actual, entry)
        except StoreError as error:
            warn(
                "What a call of task %s cost could not be booked: its worst case stays reserved, and counts as spent "
                "once its lease ends. %s",
                self.task.id,
                error,
            )
        for owner, standings in stand:
            watch(owner, standings)

    @property
    def _is_parents(self) -> bool:
        """Whether a process that was forked in the midst of the call ends: its parent makes the call and settles it."""
        return self.task.store.durable and not is_of_this_process(self._id)

    def _by_owner(self, each: Sequence[Item]) -> list[tuple[Task, Sequence[Item]]]:
        """The tasks whose limits are touched, each with its part of what there is one of for every line."""
        if len(self.task.lineage) == 1:
            return [(self.task, each)]
        of = self._owners
        return [
            (self.task.lineage[owner], [one for one, its in zip(each, of, strict=True) if its == owner])
            for owner in sorted(set(of))
        ]

    def release(self, *, in_doubt: bool = False) -> Generator[Io[Any], Any, None]:
        """Give it back: nothing was billed. With `in_doubt` it may never have been made, and a failure is no news."""
        if not self._demand.lines or self._is_parents:
            return
        leases.drop(self.task.store, self._id)
        try:
            yield Io(self.task.store.release, self.task.store.arelease, self._id)
        except StoreError as error:
            if not in_doubt:
                warn(
                    "A call of task %s was not billed, and could not be given back: its worst case stays reserved, and "
                    "counts as spent once its lease ends. %s",
                    self.task.id,
                    error,
                )


async def _asleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)

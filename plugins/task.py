"""The task: one run of an agent on one request, which a budget is about."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence

from leanloop.budgets.budget import Budget
from leanloop.budgets.demand import Holder, LimitTable
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.price_book import price_book
from leanloop.budgets.store import LedgerStore
from leanloop.errors import StoreError, TaskStopped
from leanloop.plugins.leases import leases
from leanloop.plugins.notes import Notes
from leanloop.plugins.receipt import Receipt, Saving
from leanloop.plugins.tally import Tally

__all__ = ["Task"]

_log = logging.getLogger("leanloop")

_process_store = MemoryStore()


class Task:
    """Limits, spending and state of one run. Open one with `leanloop.task`, or let an adapter do it.

    Args:
        budget: what it may spend.
        tags: who it is for (``{"user": "u1"}``); limits are scoped by them, and a child inherits them.
        limits: per-run limits, which replace the budget's where they name the same resource.
        parent: the task it is a part of; what it spends counts there too.
        store: where balances are kept; a child always uses its parent's, so that one atomic step
            covers both. Default: this process's memory.
        task_id: a name to find it again by; default a random one.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        tags: Mapping[str, str] | None = None,
        limits: Sequence[Limit] = (),
        parent: Task | None = None,
        store: LedgerStore | None = None,
        task_id: str | None = None,
    ) -> None:
        self.id = task_id or uuid.uuid4().hex
        self.budget = budget.with_limits(*limits) if limits else budget
        self._given = budget
        self.parent = parent
        self.tags: Mapping[str, str] = {**(parent.tags if parent else {}), **(tags or {})}
        self.store: LedgerStore = parent.store if parent else (store or _process_store)
        self.prices = price_book(budget)
        self.tally = Tally()
        self.notes = Notes()
        own = Holder(self.id, budget.agent, self.tags, self.budget.limits)
        self.lineage: tuple[Task, ...] = (self, *(parent.lineage if parent else ()))
        self.holders: tuple[Holder, ...] = (own, *(parent.holders if parent else ()))
        self.table = LimitTable(self.holders)
        self.limited = frozenset(
            resource for holder in self.holders for _, amounts in holder.amounts for resource in amounts
        )
        self.cycles = 0
        self._unpaid_cycles = 0
        self.hold: str | None = None
        self._stopped: TaskStopped | None = None
        self._landing = False
        self._claimed = False
        self._lock = threading.Lock()
        self._ran = 0.0
        self._resumed: float | None = time.monotonic()

    @property
    def agent(self) -> str:
        """The agent's name, from its budget."""
        return self.budget.agent

    @property
    def stopped(self) -> TaskStopped | None:
        """Why no further call may be made, in this task or in one it is a part of."""
        if self._stopped is not None:
            return self._stopped
        return self.parent.stopped if self.parent else None

    def stop(self, reason: TaskStopped) -> None:
        """Refuse every later call; the first reason stays."""
        with self._lock:
            self._stopped = self._stopped or reason

    @property
    def landed(self) -> bool:
        """True once a landing has begun."""
        return self._landing

    def begin_landing(self) -> bool:
        """Claim the one landing of this task; False where it was claimed before."""
        with self._lock:
            first, self._landing = not self._landing, True
            return first

    def serves(self, budget: Budget) -> bool:
        """Whether this task, or one it is a part of, was opened under `budget`, so that its limits hold here."""
        return any(budget is member._given or budget == member._given for member in self.lineage)  # noqa: SLF001

    def claim(self, budget: Budget) -> bool:
        """Make this the task of one agent's run; False where it is another's, or about another budget."""
        with self._lock:
            if self._claimed or budget != self._given:
                return False
            self._claimed = True
            return True

    def begin_cycle(self) -> None:
        """Count a cycle; the next reservation pays for it."""
        with self._lock:
            self.cycles += 1
            self._unpaid_cycles += 1

    def take_cycles(self) -> int:
        """Cycles begun and not paid for yet: one for the first attempt of a call, none for the next."""
        with self._lock:
            taken, self._unpaid_cycles = self._unpaid_cycles, 0
            return taken

    def give_cycles_back(self, cycles: int) -> None:
        """Cycles whose reservation was refused."""
        with self._lock:
            self._unpaid_cycles += cycles

    @property
    def seconds(self) -> float:
        """How long it has run; the time it waits for a person (an interrupt) is left out."""
        return self._ran + (time.monotonic() - self._resumed if self._resumed is not None else 0.0)

    def pause(self) -> None:
        """Stop its clock until the next call."""
        if self._resumed is not None:
            self._ran, self._resumed = self.seconds, None

    def resume(self) -> None:
        """Let its clock run on."""
        if self._resumed is None:
            self._resumed = time.monotonic()

    def keep_hold(self, hold: str) -> bool:
        """Take `hold` for the landing's reservation; False where there is one."""
        with self._lock:
            if self.hold is not None:
                return False
            self.hold = hold
            return True

    def take_hold(self, only: str | None = None) -> str | None:
        """Hand the landing's reservation over, so that it is settled or released once; with `only`, just that one."""
        with self._lock:
            if only is not None and self.hold != only:
                return None
            hold, self.hold = self.hold, None
        if hold is not None:
            leases.drop(self.store, hold)
        return hold

    def close(self) -> None:
        """Give back what is still set aside for a landing that will not come."""
        hold = self.take_hold()
        if hold is not None:
            try:
                self.store.release(hold)
            except StoreError as error:
                _log.warning("The landing reserve of task %s stays set aside: %s", self.id, error)

    def save(self, saving: Saving) -> None:
        """Put a saving on the receipt, here and in every task this is a part of."""
        for member in self.lineage:
            member.tally.saving(saving)

    def left(self, *resources: str) -> int | None:
        """The least that is left of any limit on `resources`, here or above, as last seen; None where there is none.

        In the ledger's unit. What calls in flight have set aside is not taken off.
        """
        limits = [
            amounts[resource]
            for holder in self.holders
            for _, amounts in holder.amounts
            for resource in resources
            if resource in amounts
        ]
        seen = [
            use.limit - use.spent
            for member in self.lineage
            for use in member.tally.limits()
            if use.resource in resources
        ]
        return max(0, min(limits + seen)) if limits else None

    def receipt(self) -> Receipt:
        """What was spent so far, sub-tasks included."""
        models, tools, limits, savings = self.tally.snapshot()
        stopped = self.stopped
        return Receipt(
            task=self.id,
            agent=self.agent,
            tags=dict(self.tags),
            models=models,
            tool_calls=tools,
            cycles=self.cycles or (None if models else 0),
            seconds=self.seconds,
            limits=limits,
            savings=savings,
            stopped=stopped.reason if stopped else None,
            landed=self.landed,
            embeddings=self.tally.embeddings(),
        )

"""The task: one run of an agent on one request, which a budget is about."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from leanloop.budgets.budget import Budget
from leanloop.budgets.demand import Holder, LimitTable
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import waits
from leanloop.budgets.message import Message
from leanloop.budgets.money import to_nano
from leanloop.budgets.price_book import price_book
from leanloop.budgets.store import LedgerStore
from leanloop.budgets.tags import checked_tags
from leanloop.errors import TaskStopped
from leanloop.plugins.alerts import Alerts, OnAlert
from leanloop.plugins.claim import Claim
from leanloop.plugins.cleared import Cleared
from leanloop.plugins.cycles import Cycles
from leanloop.plugins.events.task_events import TaskEvents
from leanloop.plugins.hold import Hold
from leanloop.plugins.notes import Notes
from leanloop.plugins.outcomes.made import Made
from leanloop.plugins.outcomes.outcome import outcome_of
from leanloop.plugins.receipt import Receipt, Saving
from leanloop.plugins.receipt_of import receipt_of
from leanloop.plugins.results.batches import Batches
from leanloop.plugins.results.shown_parts import ShownParts
from leanloop.plugins.steps import aperform, perform
from leanloop.plugins.stopwatch import Stopwatch
from leanloop.plugins.tally import Tally
from leanloop.plugins.task_store import store_for
from leanloop.plugins.thinking.turns import Turns

__all__ = ["Task"]

_NONE: Mapping[str, str] = {}


class Task:
    """Limits, spending and state of one run. Open one with `leanloop.task`, or let an adapter do it.

    Args:
        budget: what it may spend.
        tags: who it is for (``{"user": "u1"}``); limits are scoped by them, and a child inherits them.
        limits: per-run limits, which replace the budget's where they name the same resource.
        parent: the task it is a part of; what it spends counts there too.
        store: where balances are kept instead of where the budget says. A child always uses its parent's, so that one
            atomic step covers both.
        task_id: a name to find it again by; default a random one.
        value: what the task is worth in US dollars, instead of what the budget says; a child inherits none.
        on_alert: called with each `Alert`, beside the line in the log; a child inherits it.

    Raises:
        PriceUnknown: a limit in usd is in force, and the budget's `degrade` or `routes` names a model without a price.
        UsageError: it is to be kept in another durable store than the task it is a part of, a tag is no text, or the
            value is no amount.
        MissingExtra: its store is a Redis, and redis-py is not installed.
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
        value: Decimal | float | None = None,
        on_alert: OnAlert | None = None,
    ) -> None:
        self.id = task_id or uuid.uuid4().hex
        self.budget = budget.with_limits(*limits) if limits else budget
        self.rules = self.budget  # as the arm of an experiment that it is in runs it, see `enter`
        self.arm: Literal["on", "off"] | None = None  # None before its first call, and without an experiment
        self.counted_arm = False  # whether what it costs and how it went counts for that arm
        self.parent = parent
        self.claim = Claim(budget, {**(parent.tags if parent else {}), **checked_tags(tags or {})})
        self.lineage: tuple[Task, ...] = (self, *(parent.lineage if parent else ()))
        # Rows of the history refer to it, so tasks that are a part of none share one.
        self.within: Mapping[str, str] = {one.id: one.agent for one in self.lineage[1:]} if parent else _NONE
        self.store = store_for(budget, self.lineage[1:], store)
        self.waits = waits(self.store)  # whether its steps are I/O
        self.value = _worth(self.budget.value if value is None else value)
        self.prices = price_book(budget)
        self.tally = Tally()
        self.notes = Notes()
        self.cleared = Cleared()  # tool results that are no longer sent
        self.shown_parts = ShownParts()  # tool results that were shortened
        self.events = TaskEvents(self)
        self.alerts: Alerts = Alerts(on_alert or (parent.alerts.hook if parent else None), self.events.tell_alert)
        self.degraded = 0  # steps of the budget's `degrade` that were taken, see `degrade_to`
        self.left_alone: set[str] = set()  # models of theirs that could not be had
        self.latest_model: str | None = None  # of the latest call that was made
        own = Holder(self.id, budget.agent, self.tags, self.budget.limits, budget.timezone)
        self.holders: tuple[Holder, ...] = (own, *(parent.holders if parent else ()))
        self.table = LimitTable(self.holders)
        self.limited = self.table.limited
        if "usd" in self.limited:
            routed = self.budget.routes.models if self.budget.routes is not None else ()
            for model in filter(None, (*(step.to for step in self.budget.degrade), *routed)):
                self.prices.price(model)  # now, not in the middle of the work
        self.turns = Turns()  # how much the model is to think, by turn of the user
        self.hold = Hold(self.id, self.store)
        self.batches = Batches()  # what is left for the results of a step
        self.made: Made = Made(parent.made if parent else None)  # what was decided that an outcome counts for
        self._reads = 0
        self.latest_step: tuple[Message, ...] = ()  # of a model outside an agent that asked for tools: told, and said
        self.clock = Stopwatch()
        self.readable: bool | None = None  # whether the model at work may call read_result; None before it was asked
        self.cycles = Cycles()
        self._stopped: TaskStopped | None = None
        self._landing = False
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned

    @property
    def agent(self) -> str:
        """The agent's name, from its budget."""
        return self.budget.agent

    @property
    def tags(self) -> Mapping[str, str]:
        """Whom it is for."""
        return self.claim.tags

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
        return any(member.claim.is_under(budget) for member in self.lineage)

    def degrade_to(self, steps: int) -> bool:
        """Take the first `steps` steps of the budget's `degrade`; False where as many were taken before."""
        with self._lock:
            further = steps > self.degraded
            self.degraded = max(steps, self.degraded)
            return further

    def enter(self, arm: Literal["on", "off"], rules: Budget, *, counted: bool) -> None:
        """Run in an arm of the budget's experiment, under its `rules`."""
        self.arm, self.counted_arm, self.rules = arm, counted, rules

    def take_read(self, most: int) -> bool:
        """Count a call of `read_result`; False where `most` were made before."""
        with self._lock:
            self._reads += 1
            return self._reads <= most

    @property
    def seconds(self) -> float:
        """How long it has run; the time it waits for a person (an interrupt) is left out."""
        return self.clock.seconds

    def close(self) -> None:
        """Give back what is still set aside for a landing that will not come."""
        self.events.tell_end()
        perform(self.hold.give_back())

    async def aclose(self) -> None:
        """`close`, awaited."""
        self.events.tell_end()
        await aperform(self.hold.give_back())

    def outcome(self, score: float) -> int:
        """Say how it went, so that the next calls of such a kind are decided by it.

        It counts for what was decided in this task and in those that are a part of it and had no outcome of their own,
        while the task is open or at any time after; `leanloop.outcome` does the same by its id. Said again, it counts
        for what was decided since; what counted before stays as it was, so a sub-task's own is said first. For a kind
        of call and a setting a task counts once, however many calls it made, and in place of what its steps let
        guess (`leanloop.plugins.outcomes.signals`).

        Args:
            score: True, False, or from 0 (failed) to 1 (succeeded).

        Returns:
            How many decisions it counts for; 0 where none was made, or all were scored before.

        Raises:
            UsageError: it is none of these.
            StoreError: where outcomes are kept cannot be reached.
        """
        return perform(outcome_of(self, score))

    async def aoutcome(self, score: float) -> int:
        """`outcome`, awaited."""
        return await aperform(outcome_of(self, score))

    def save(self, saving: Saving) -> None:
        """Put a saving on the receipt, here and in every task this is a part of."""
        for member in self.lineage:
            member.tally.saving(saving)
        self.events.tell_saving(saving)

    def cached(self, **times: int) -> None:
        """Count what became of a call that a cache was asked about, by the names in `CacheUse`; here and as above."""
        for member in self.lineage:
            member.tally.cached(**times)
        self.events.tell_hits(times)

    def note(self, text: str) -> bool:
        """Put on the receipt, here and in every task this is a part of, what went otherwise than asked: one sentence.

        False where it stands there already; then it is counted.
        """
        return {member.tally.note(text) for member in self.lineage} == {True}

    def left(self, *resources: str) -> int | None:
        """The least that is left of any limit on `resources`, here or above, as last seen; None where there is none.

        In the ledger's unit. What calls in flight have set aside is not taken off.
        """
        least = self.table.least(resources)
        if least is None:
            return None
        seen = [left for member in self.lineage if (left := member.tally.left(resources)) is not None]
        return max(0, min([least, *seen]))

    def receipt(self) -> Receipt:
        """What was spent so far, sub-tasks included."""
        return receipt_of(self)


def _worth(value: Decimal | float | None) -> int | None:
    return None if value is None else to_nano(value)

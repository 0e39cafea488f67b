"""The task: one run of an agent on one request, which a budget is about."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from leanloop.budgets.budget import Budget
from leanloop.budgets.demand import Holder, LimitTable
from leanloop.budgets.fields import shown
from leanloop.budgets.limit import Limit
from leanloop.budgets.message import Message
from leanloop.budgets.money import to_nano
from leanloop.budgets.price_book import price_book
from leanloop.budgets.store import LedgerStore
from leanloop.budgets.stores import open_store
from leanloop.budgets.tags import checked_tags
from leanloop.errors import TaskStopped, UsageError
from leanloop.plugins.alerts import Alert, Alerts, OnAlert
from leanloop.plugins.cleared import Cleared
from leanloop.plugins.events.event import Alerted, Event, Hit, Of, Saved, TaskBegan, TaskEnded, Tier
from leanloop.plugins.events.opened import told_by
from leanloop.plugins.events.sink import Sinks
from leanloop.plugins.hold import Hold
from leanloop.plugins.notes import Notes
from leanloop.plugins.outcomes.made import Made
from leanloop.plugins.outcomes.outcome import outcome_of
from leanloop.plugins.receipt import Receipt, Saving
from leanloop.plugins.results.batches import Batches
from leanloop.plugins.results.shown_parts import ShownParts
from leanloop.plugins.steps import aperform, perform
from leanloop.plugins.stopwatch import Stopwatch
from leanloop.plugins.tally import Tally
from leanloop.plugins.thinking.turns import Turns

__all__ = ["Task"]

_NONE: Mapping[str, str] = {}
_TIERS: Mapping[str, Tier] = {
    "exact": "exact", "normal": "normal", "alike": "alike", "results": "result", "shadow": "shadow", "misses": "miss",
}  # fmt: skip
"""What `CacheUse` calls them, and events do."""


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
        self._given = budget
        self.rules = self.budget  # as the arm of an experiment that it is in runs it, see `enter`
        self.arm: Literal["on", "off"] | None = None  # None before its first call, and without an experiment
        self.counted_arm = False  # whether what it costs and how it went counts for that arm
        self.parent = parent
        self._tags = {**(parent.tags if parent else {}), **checked_tags(tags or {})}
        self.lineage: tuple[Task, ...] = (self, *(parent.lineage if parent else ()))
        # Rows of the history refer to it, so tasks that are a part of none share one.
        self.within: Mapping[str, str] = {one.id: one.agent for one in self.lineage[1:]} if parent else _NONE
        self.store = self._shared(parent, store) if parent else (store or open_store(budget.store))
        self.value = _worth(self.budget.value if value is None else value)
        self.prices = price_book(budget)
        self.tally = Tally()
        self.notes = Notes()
        self.cleared = Cleared()  # tool results that are no longer sent
        self.shown_parts = ShownParts()  # tool results that were shortened
        self.alerts: Alerts = Alerts(on_alert or (parent.alerts.hook if parent else None), self._alerted)
        self.degraded = 0  # steps of the budget's `degrade` that were taken, see `degrade_to`
        self.left_alone: set[str] = set()  # models of theirs that could not be had
        self.latest_model: str | None = None  # of the latest call that was made
        own = Holder(self.id, budget.agent, self._tags, self.budget.limits, budget.timezone)
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
        self.cycles = 0
        self._unpaid_cycles = 0
        self._stopped: TaskStopped | None = None
        self._landing = False
        self._claimed = False
        self._told = told_by(self.budget.events)
        self.sinks: Sinks = self._told.within(parent.sinks) if parent else self._told  # of what happens, see `tell`
        self.latest_asked: tuple[int, str] | None = None  # messages of the latest call that was told of, and the last
        self._began = self._ended = False
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned

    @property
    def agent(self) -> str:
        """The agent's name, from its budget."""
        return self.budget.agent

    @property
    def tags(self) -> Mapping[str, str]:
        """Whom it is for."""
        return self._tags

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

    def claim(self, budget: Budget, tags: Mapping[str, str] | None = None) -> bool:
        """Make this the task of one agent's run, with its tags; False where it is another's, or about another budget.

        Raises:
            UsageError: see `add_tags`.
        """
        with self._lock:
            if self._claimed or budget != self._given:
                return False
            self.add_tags(tags or {})
            self._claimed = True
            return True

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Say more of whom it is for, before its first call.

        Raises:
            UsageError: one is no text, or the task has another value for it.
        """
        with self._lock:
            for name, value in checked_tags(tags).items():
                if self._tags.get(name, value) != value:
                    raise UsageError(
                        f"The task of agent {self.agent!r} is open with another value of the tag {shown(name)} than "
                        f"{shown(value)}; give one of them, or open a task of its own with leanloop.task."
                    )
            self._tags |= tags

    def degrade_to(self, steps: int) -> bool:
        """Take the first `steps` steps of the budget's `degrade`; False where as many were taken before."""
        with self._lock:
            further = steps > self.degraded
            self.degraded = max(steps, self.degraded)
            return further

    def enter(self, arm: Literal["on", "off"], rules: Budget, *, counted: bool) -> None:
        """Run in an arm of the budget's experiment, under its `rules`."""
        self.arm, self.counted_arm, self.rules = arm, counted, rules

    def watch(self, sinks: Sinks) -> None:
        """Have these told of what happens, instead of those that the budget names: theirs are among them."""
        if sinks is not self._told:
            self._told = sinks
            self.sinks = sinks.within(self.parent.sinks) if self.parent else sinks

    def tell(self, event: Event, said: tuple[str, str] | None = None) -> None:
        """Tell the sinks. Whoever makes an event asks first whether there are any, so that it costs nothing.

        `said` is what a settled call was asked and answered, for those who are to know.
        """
        with self._lock:
            begins, self._began, self._ended = not self._began, True, False
        if begins:
            self.sinks.tell(TaskBegan(self.of, event.at, value=self.value))
        self.sinks.tell(event, said)

    def tell_end(self) -> None:
        """Tell that it has come to an end, as far as it is known, once; one that goes on after that ends again."""
        with self._lock:
            told, self._ended = self._ended or not self._began, True
        if self.sinks and not told:
            stopped = self.stopped
            reason = stopped.reason if stopped else None
            ended = TaskEnded(self.of, time.time(), self.seconds, self.cycles or None, reason, self.landed)
            self.sinks.tell(ended)

    @property
    def of(self) -> Of:
        """Whose events are told."""
        return Of(self.id, self.agent, tuple(self.within), dict(self._tags))

    def _alerted(self, alert: Alert) -> None:
        if self.sinks:
            told = (alert.message, alert.scope, alert.resource, alert.limit, alert.spent, alert.share)
            self.tell(Alerted(self.of, time.time(), alert.kind, *told))

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
        self.tell_end()
        perform(self.hold.give_back())

    async def aclose(self) -> None:
        """`close`, awaited."""
        self.tell_end()
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
        if self.sinks:
            told = (saving.plugin, saving.what, saving.how, saving.calls, saving.tokens, saving.cost)
            self.tell(Saved(self.of, time.time(), *told))

    def cached(self, **times: int) -> None:
        """Count what became of a call that a cache was asked about, by the names in `CacheUse`; here and as above."""
        for member in self.lineage:
            member.tally.cached(**times)
        if self.sinks:
            for tier in times:
                self.tell(Hit(self.of, time.time(), _TIERS[tier]))

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
            value=self.value,
            notes=self.tally.notes(),
            cache=self.tally.cache(),
        )

    def _shared(self, parent: Task, store: LedgerStore | None) -> LedgerStore:
        """The parent's store, where this task is not to be kept in another one."""
        address = self.budget.store
        if store is None and address not in {"memory", *(member.budget.store for member in parent.lineage)}:
            store = open_store(address)
        if store is not None and store.durable and store is not parent.store:
            raise UsageError(
                f"The task of agent {self.agent!r} is a part of one of agent {parent.agent!r}, and they name two "
                "stores, which cannot be reserved in one step. Write the same store in both budget files, or store: "
                f"memory in that of {self.agent!r}: its spending is then kept with its parent's."
            )
        return parent.store


def _worth(value: Decimal | float | None) -> int | None:
    return None if value is None else to_nano(value)

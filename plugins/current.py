"""The current task: a context variable, so that it reaches tools, nested engines and sub-agents by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from decimal import Decimal
from pathlib import Path

from leanloop.budgets.budget import Budget
from leanloop.budgets.file import load_budget
from leanloop.budgets.limit import Limit
from leanloop.budgets.money import to_nano
from leanloop.budgets.store import LedgerStore
from leanloop.plugins.alerts import OnAlert
from leanloop.plugins.task import Task

__all__ = ["begin_task", "current_task", "enter", "leave", "task"]

_current: ContextVar[Task | None] = ContextVar("leanloop_task", default=None)


def current_task() -> Task | None:
    """The task this code runs in; reaches tools, nested engines and sub-agents through the context."""
    return _current.get()


def begin_task(
    budget: Budget,
    *,
    tags: Mapping[str, str] | None = None,
    store: LedgerStore | None = None,
    task_id: str | None = None,
    value: Decimal | float | None = None,
    on_alert: OnAlert | None = None,
) -> Task:
    """The task of an agent's run: the current one where it is about this budget and no run's yet, else a child of it.

    The arguments are those of `Task`; a current task keeps its own store, id and alert hook.

    Raises:
        UsageError: the current task has another value for one of the tags, and see `Task`.
    """
    current = current_task()
    if current is not None and current.claim.take(budget, tags):
        if value is not None:
            current.value = to_nano(value)
        current.alerts.hook = current.alerts.hook or on_alert
        return current
    task = Task(budget, tags=tags, parent=current, store=store, task_id=task_id, value=value, on_alert=on_alert)
    task.claim.take(budget)
    return task


def enter(member: Task) -> Token[Task | None]:
    """Make `member` the current task until `leave` is called with what this gives."""
    return _current.set(member)


def leave(token: Token[Task | None]) -> None:
    """Undo `enter`."""
    _current.reset(token)


class task:  # noqa: N801  (a context manager, named as one)
    """Opens a task for a block; inside another task it is a child, and its spending counts there too.

    ``with`` and ``async with`` both do; at the end of ``async with`` the ledger is awaited, where ``with`` blocks for a
    moment if it is a file or a server. See `Task` for the arguments.

    Args:
        budget: a `Budget` or the path of a budget file.

    Raises:
        BudgetFileError: the file cannot be read or does not hold a budget.
        UsageError: see `Task`.
    """

    __slots__ = ("_budget", "_entered", "_limits", "_on_alert", "_store", "_tags", "_value")

    def __init__(
        self,
        budget: Budget | str | Path,
        *,
        tags: Mapping[str, str] | None = None,
        limits: Sequence[Limit] = (),
        store: LedgerStore | None = None,
        value: Decimal | float | None = None,
        on_alert: OnAlert | None = None,
    ) -> None:
        self._budget = budget
        self._tags = tags
        self._limits = limits
        self._store = store
        self._value = value
        self._on_alert = on_alert

    def __enter__(self) -> Task:
        budget = self._budget if isinstance(self._budget, Budget) else load_budget(self._budget)
        opened = Task(
            budget,
            tags=self._tags,
            limits=self._limits,
            parent=current_task(),
            store=self._store,
            value=self._value,
            on_alert=self._on_alert,
        )
        self._entered = opened, enter(opened)
        return opened

    def __exit__(self, *_: object) -> None:
        opened, token = self._entered
        try:
            leave(token)
        finally:
            opened.close()

    async def __aenter__(self) -> Task:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        opened, token = self._entered
        try:
            leave(token)
        finally:
            await opened.aclose()

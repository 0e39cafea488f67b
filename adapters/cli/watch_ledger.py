"""What a ledger knows of limits that are open, of agents, and of tasks that are running."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache

from rich.console import Console, RenderableType

from leanloop.adapters.cli.budget_groups import groups
from leanloop.adapters.cli.budget_ledger import Ledger
from leanloop.adapters.cli.budget_limits import open_limits
from leanloop.adapters.cli.budget_show import limits_table
from leanloop.adapters.cli.screen import is_wide
from leanloop.adapters.cli.watch_frame import (
    Drawing,
    Filling,
    Running,
    Spender,
    agents_table,
    cut,
    filling_table,
    tasks_table,
    titled,
)
from leanloop.budgets.account import AccountName
from leanloop.budgets.amount import format_scope
from leanloop.budgets.books import Account
from leanloop.budgets.budget import Budget
from leanloop.budgets.history import Entry
from leanloop.budgets.limit import Limit
from leanloop.budgets.window import window_at
from leanloop.errors import UsageError

__all__ = ["LedgerView"]

_LATELY = 3_600.0
"""Seconds over which agents are summed up."""

_RUNS = 60.0
"""Seconds after its latest booking for which a task counts as running, where nothing is set aside for it."""


class LedgerView:
    """What a ledger holds; each look asks it anew.

    A task is running where something is set aside for it, or was booked in the last minute.

    Args:
        ledger: an open one.
        budget: whose limits are shown; without it, what is spent in each window that is open.
    """

    def __init__(self, ledger: Ledger, budget: Budget | None) -> None:
        self._ledger = ledger
        self._budget = budget

    def look(self, console: Console, now: float) -> Drawing:
        """How things stand at `now`, in seconds since the epoch.

        Raises:
            StoreError: the ledger cannot be asked.
        """
        ledger, moment = self._ledger, datetime.fromtimestamp(now, self._ledger.zone)
        accounts = list(ledger.store.accounts())
        entries = list(ledger.store.history(since=now - _LATELY))
        running = _tasks(entries, _set_aside(accounts), now)
        title = f"{ledger.name}, {moment:%Y-%m-%d %H:%M:%S %Z}; agents: last hour"
        spenders = [
            Spender(one.name, one.calls, one.tokens, one.usd, one.unpriced, _of(one.name, running))
            for one in groups(entries, "agent")
        ]
        limits = self._limits(accounts, moment, console)
        return lambda most: titled(
            title, agents_table(spenders, console, most), limits(most), tasks_table(running, console, most)
        )

    def _limits(
        self, accounts: Iterable[Account], moment: datetime, console: Console
    ) -> Callable[[int], RenderableType | None]:
        if self._budget is None:
            filling = _windows(accounts, moment)
            return lambda most: filling_table(filling, console, most)
        found, wide = open_limits(self._budget, {}, self._ledger.store, moment), is_wide(console)
        return lambda most: cut(limits_table(found[:most], moment, wide=wide), len(found), most) if found else None


def _of(agent: str, running: Iterable[Running]) -> int:
    return sum(one.agent == agent for one in running)


def _set_aside(accounts: Iterable[Account]) -> set[str]:
    """The tasks for which something is set aside: a call, or their landing."""
    names = [_name(one.account) for one in accounts if one.balance.reserved > 0]
    return {name.owner for name in names if name is not None and name.scope == "task"}


def _tasks(entries: Iterable[Entry], set_aside: set[str], now: float) -> list[Running]:
    """Of entries, the newest first, the tasks that are running; what a sub-task spent is its own here."""
    found: dict[str, Running] = {}
    ended: set[str] = set()
    for one in entries:
        if not one.task or one.task in ended or one.kind not in {"call", "unknown"}:
            continue
        known = found.get(one.task)
        if known is None and one.at < now - _RUNS and one.task not in set_aside:
            ended.add(one.task)
            continue
        tokens, usd = one.amounts.get("tokens", 0), one.amounts.get("usd", 0)
        cost = None if one.price == "no price" or (known and known.cost is None) else usd + _cost(known)
        phase = "..." if one.task in set_aside else ""
        model = known.model if known else one.model
        calls, read = (known.calls, known.tokens) if known else (0, 0)
        found[one.task] = Running(
            one.task, one.agent, phase, model, calls + 1, read + tokens, cost, max(0.0, now - one.at)
        )
    return list(found.values())


def _cost(known: Running | None) -> int:
    return (known.cost or 0) if known is not None else 0


def _windows(accounts: Iterable[Account], moment: datetime) -> list[Filling]:
    """What is spent in the windows that are open, where no file says how much may be."""

    @cache
    def open_label(per: str, rolling: bool, zone: str) -> str:
        asked: Mapping[str, object] = {"per": per, "rolling": rolling, "tokens": 1}
        return window_at(Limit.model_validate(asked), moment, zone).label

    found: list[Filling] = []
    for one in accounts:
        name = _name(one.account)
        if name is None or name.scope == "task" or name.label != open_label(name.per, name.rolling, name.zone):
            continue
        words = f"{one.resource} of {format_scope(one.account)}"
        found.append(Filling(words, one.resource, one.balance.spent, one.balance.reserved))
    return found


def _name(account: str) -> AccountName | None:
    with suppress(UsageError):  # another program may use the store, too
        return AccountName.read(account)
    return None

"""How the limits of a task stand before its first call: others may have spent of them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from leanloop.budgets.demand import Need
from leanloop.budgets.store import Balance
from leanloop.errors import StoreError
from leanloop.plugins.flow import Io
from leanloop.plugins.task import Task

__all__ = ["first_look"]


def first_look(task: Task) -> Generator[Io[Any], Any, None]:
    """Note what is spent of the windows the task's calls count in: one look at the ledger, before its first call.

    From then on every reservation tells. Without a limit over a window there is nothing that only the ledger knows.
    """
    if task.tally.looked:
        return
    task.tally.looked = True
    if not any(limit.per != "task" for holder in task.holders for limit, _ in holder.amounts):
        return
    demand, owners = task.table.demand({resource: Need() for resource in sorted(task.limited)})
    every = zip(demand.lines, owners, strict=True)
    lines = [(line, owner) for line, owner in every if not line.account.startswith("task:")]
    keys = [(account, line.resource) for line, _ in lines for account in (line.account, *line.also)]
    try:
        found: list[Balance] = yield Io(task.store.balances, task.store.abalances, keys)
    except StoreError:
        return  # whether that refuses the call is for its reservation to say
    balances = iter(found)
    for line, owner in lines:
        parts = [next(balances) for _ in (line.account, *line.also)]
        whole = Balance(*(sum(amounts) for amounts in zip(*parts, strict=True)))
        task.lineage[owner].tally.limits_seen([line], [whole])

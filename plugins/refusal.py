"""What is said, and stopped, when a limit has no room."""

from __future__ import annotations

import time

from leanloop.budgets.amount import format_amount, format_scope
from leanloop.budgets.store import Refusal
from leanloop.errors import BudgetExceeded
from leanloop.plugins.events.event import Refused
from leanloop.plugins.task import Task

__all__ = ["check_time", "refused"]


def refused(task: Task, refusal: Refusal, owner: int, *, least: int = 0, sticky: bool = True) -> BudgetExceeded:
    """The error for a refused reservation; `owner` is the place in `task.lineage` whose limit it is.

    With `sticky` that task, and so every task below it, is stopped.
    """
    line, balance = refusal.line, refusal.balance
    holder = task.lineage[owner]
    error = _exceeded(
        holder,
        line.account,
        line.resource,
        line.limit,
        balance.spent,
        raised=balance.raised,
        reserved=balance.reserved,
        needed=line.fixed + line.slope * least,
    )
    _tell(task, error)
    if sticky:
        holder.stop(error)
    return error


def check_time(task: Task) -> None:
    """Stop and raise where the task, or one it is part of, has run as long as its `seconds` allow."""
    if "seconds" not in task.limited:
        return
    for member, holder in zip(task.lineage, task.holders, strict=True):
        for _, amounts in holder.amounts:
            allowed = amounts.get("seconds")
            ran = int(member.seconds * 1000)
            if allowed is not None and ran >= allowed:
                error = _exceeded(member, f"task:{member.id}", "seconds", allowed, ran)
                _tell(task, error)
                member.stop(error)
                raise error


def _tell(task: Task, error: BudgetExceeded) -> None:
    if task.events:
        told = (error.scope, error.resource, error.limit, error.spent, error.needed)
        task.events.tell(Refused(task.events.of, time.time(), *told))


def _exceeded(
    holder: Task,
    account: str,
    resource: str,
    amount: int,
    spent: int,
    *,
    raised: int = 0,
    reserved: int = 0,
    needed: int = 0,
) -> BudgetExceeded:
    """The error; `amount` is the limit as written, `raised` what people gave on top of it since."""
    scope, limit = format_scope(account), amount + raised
    reason = f"The limit of {format_amount(resource, limit)} for {scope} is reached: "
    reason += f"{format_amount(resource, spent)} used"
    if reserved:
        reason += f", {format_amount(resource, reserved)} set aside"
    if needed:
        reason += f", {format_amount(resource, needed)} needed to go on"
    return BudgetExceeded(
        f"{reason}.",
        resource=resource,
        scope=scope,
        limit=limit,
        spent=spent,
        reserved=reserved,
        needed=needed,
        hint=f"Raise {resource.partition(':')[0]} {_where(holder, account, resource, amount)}.",
    )


def _where(holder: Task, account: str, resource: str, amount: int) -> str:
    """The line to change; for a budget from code, whose it is."""
    origin = holder.budget.origin
    place = origin.place_of_limit(holder.budget.limits, account, resource, amount)
    return f"in {place}" if place else f"under limits in the budget of agent {holder.agent!r}"

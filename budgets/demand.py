"""From the limits of a task and its ancestors to the lines one call must fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from leanloop.budgets.limit import Limit
from leanloop.budgets.store import Demand, Line
from leanloop.budgets.window import window_at
from leanloop.errors import UsageError

__all__ = ["Holder", "Need", "account_of", "demand_for"]

_OWN_ONLY = frozenset({"cycles", "seconds"})
"""Resources of one loop: a sub-agent's cycles are its own, unlike its tokens and money."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a call needs of one resource in the worst case: `fixed + slope * output tokens`."""

    fixed: int = 0
    slope: int = 0

    def __add__(self, other: Need) -> Need:
        return Need(self.fixed + other.fixed, self.slope + other.slope)


class Holder:
    """One task's limits, taken apart once: who holds them and how much of what."""

    __slots__ = ("agent", "amounts", "tags", "task")

    def __init__(self, task: str, agent: str, tags: Mapping[str, str], limits: Sequence[Limit]) -> None:
        self.task = task
        self.agent = agent
        self.tags = tags
        self.amounts = tuple((limit, limit.amounts()) for limit in limits)


def account_of(limit: Limit, holder: Holder, now: datetime) -> tuple[str, float]:
    """The account a limit is kept in (``user=u1:day:2026-11-22``) and the seconds it matters for.

    Raises:
        UsageError: the limit is about a tag that the task does not carry; without it the limit could
            not hold.
    """
    label, expires = window_at(limit.per, now)
    if limit.per == "task":
        return f"task:{holder.task}", expires
    scope = limit.scope or "agent"
    if scope == "global":
        owner = "global"
    elif scope == "agent":
        owner = f"agent={quote(holder.agent, safe='')}"
    elif scope in holder.tags:
        owner = f"{scope}={quote(holder.tags[scope], safe='')}"
    else:
        raise UsageError(
            f"The limit per {limit.per} of scope {scope!r} needs the tag {scope!r} on the task. "
            f'Open it with leanloop.task(budget, tags={{"{scope}": ...}}).'
        )
    return f"{owner}:{limit.per}:{label}", expires


def demand_for(
    holders: Sequence[Holder],
    needs: Mapping[str, Need],
    *,
    most: int = 0,
    least: int = 0,
    now: datetime | None = None,
) -> tuple[Demand, tuple[int, ...]]:
    """The lines of one call, and for each the index of the holder whose limit it is.

    `holders` is the task first, then its ancestors. Where two limits share an account and resource,
    the smaller stands for both.
    """
    now = now or datetime.now(UTC)
    lines: dict[tuple[str, str], tuple[Line, int]] = {}
    for index, holder in enumerate(holders):
        for limit, amounts in holder.amounts:
            account, expires = account_of(limit, holder, now)
            for resource, amount in amounts.items():
                need = needs.get(resource)
                if need is None or (index and resource in _OWN_ONLY):
                    continue
                known = lines.get((account, resource))
                if known is None or amount < known[0].limit:
                    line = Line(account, resource, amount, need.fixed, need.slope, expires)
                    lines[account, resource] = (line, index)
    return (
        Demand(tuple(line for line, _ in lines.values()), most, least),
        tuple(index for _, index in lines.values()),
    )

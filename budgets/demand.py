"""From the limits of a task and its ancestors to the lines one call must fit."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from leanloop.budgets.account import AccountName
from leanloop.budgets.limit import Limit
from leanloop.budgets.store import Demand, Line
from leanloop.budgets.window import OpenWindow, window_at
from leanloop.errors import UsageError

__all__ = ["Holder", "LimitTable", "Need", "account_of"]

_TASK_SECONDS = 86_400.0
"""How long the balance of a task nobody touches is kept: long enough for a person to answer an interrupt."""

_OWN_ONLY = frozenset({"cycles", "seconds"})
"""Resources of one loop: a sub-agent's cycles are its own, unlike its tokens and money."""


class Need(NamedTuple):
    """What a call needs of one resource in the worst case: `fixed + slope * output tokens`."""

    fixed: int = 0
    slope: int = 0


class Holder:
    """One task's limits, taken apart once: who holds them and how much of what, and in which time zone a day begins."""

    __slots__ = ("agent", "amounts", "tags", "task", "zone")

    def __init__(
        self, task: str, agent: str, tags: Mapping[str, str], limits: Sequence[Limit], zone: str = "UTC"
    ) -> None:
        self.task = task
        self.agent = agent
        self.tags = tags
        self.zone = zone
        self.amounts = tuple((limit, limit.amounts()) for limit in limits)


class _Slot(NamedTuple):
    """One limit on one resource in the window that is open now; `owner` is the index of its holder."""

    account: str
    resource: str
    limit: int
    expires: float
    also: tuple[str, ...]
    owner: int


class _Open(NamedTuple):
    """All limits in the windows that are open now, until the first of these turns.

    `touched` are the slots that calls with needs of those names touch, and the owners of these.
    """

    began: float
    ends: float
    slots: tuple[_Slot, ...]
    touched: dict[tuple[str, ...], tuple[tuple[_Slot, ...], tuple[int, ...]]]


class LimitTable:
    """The limits a task's calls must fit: its own first, then those of the tasks it is a part of.

    The accounts are worked out once per window, not once per call.
    """

    def __init__(self, holders: Sequence[Holder]) -> None:
        self._holders = tuple(holders)
        self.limited = frozenset(name for holder in self._holders for _, amounts in holder.amounts for name in amounts)
        self._open = _Open(math.inf, math.inf, (), {})
        self._least: dict[tuple[str, ...], int | None] = {}

    def demand(
        self, needs: Mapping[str, Need], *, most: int = 0, least: int = 0, now: float | None = None
    ) -> tuple[Demand, tuple[int, ...]]:
        """The lines of one call, and for each the index of the holder whose limit it is.

        `now` is in seconds since the epoch. Where two limits share an account and a resource, the
        smaller stands for both: each task stays within its own figure.

        Raises:
            UsageError: a limit is about a tag that the task does not carry; without it the limit could
                not hold.
        """
        now = time.time() if now is None else now
        names = tuple(filter(self.limited.__contains__, needs))
        limits = self._open
        if not limits.began <= now < limits.ends:  # before they began: the clock was set back
            limits = self._open = self._opened(now)
        touched = limits.touched.get(names)
        if touched is None:
            slots = tuple([slot for slot in limits.slots if slot.resource in names])
            touched = limits.touched[names] = slots, tuple([slot.owner for slot in slots])
        lines = [
            Line(account, resource, limit, *needs[resource], expires, also)
            for account, resource, limit, expires, also, _ in touched[0]
        ]
        return Demand(tuple(lines), most, least), touched[1]

    def least(self, resources: tuple[str, ...]) -> int | None:
        """The least limit on any of these, in the ledger's unit; None where there is none."""
        if resources not in self._least:
            every = (amounts for holder in self._holders for _, amounts in holder.amounts)
            limits = [amounts[one] for amounts in every for one in resources if one in amounts]
            self._least[resources] = min(limits, default=None)
        return self._least[resources]

    def _opened(self, now: float) -> _Open:
        moment = datetime.fromtimestamp(now, UTC)
        began, ends = -math.inf, math.inf
        slots: dict[tuple[str, str], _Slot] = {}
        for owner, holder in enumerate(self._holders):
            for limit, amounts in holder.amounts:
                # Of all limits, so that the first call tells of a missing tag.
                name, window = account_of(limit, holder, moment)
                account, expires = str(name), _TASK_SECONDS
                also: tuple[str, ...] = ()
                if window is not None:
                    began, ends = max(began, window.turned.timestamp()), min(ends, window.ends.timestamp())
                    expires = window.forget.timestamp() - now
                    also = tuple(str(name._replace(label=label)) for label in window.also)
                for resource, amount in amounts.items():
                    if owner and resource in _OWN_ONLY:
                        continue
                    known = slots.get((account, resource))
                    if known is None or amount < known.limit:
                        slots[account, resource] = _Slot(account, resource, amount, expires, also, owner)
        return _Open(began, ends, tuple(slots.values()), {})


def account_of(limit: Limit, holder: Holder, now: datetime) -> tuple[AccountName, OpenWindow | None]:
    """The account a limit is kept in at a moment, and its window; the account of a task has none.

    Raises:
        UsageError: the limit is about a tag that the holder does not carry.
    """
    if limit.per == "task":
        return AccountName("task", holder.task), None
    scope = limit.scope or "agent"
    owner = {**holder.tags, "agent": holder.agent, "global": ""}.get(scope)
    if owner is None:
        raise UsageError(
            f"The limit per {limit.per} of scope {scope!r} needs the tag {scope!r} on the task. "
            f'Open it with leanloop.task(budget, tags={{"{scope}": ...}}), or give a LangChain agent '
            f'config={{"configurable": {{"leanloop": {{"{scope}": ...}}}}}}, or the run of a LlamaIndex agent '
            f'leanloop={{"{scope}": ...}}.'
        )
    window = window_at(limit, now, holder.zone)
    zone = "UTC" if limit.rolling else holder.zone
    return AccountName(scope, owner, limit.per, window.label, zone, limit.rolling), window

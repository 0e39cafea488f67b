"""From the limits of a task and its ancestors to the lines one call must fit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from leanloop.budgets.limit import Limit
from leanloop.budgets.store import Demand, Line
from leanloop.budgets.window import window_at
from leanloop.errors import UsageError

__all__ = ["Holder", "LimitTable", "Need"]

_OWN_ONLY = frozenset({"cycles", "seconds"})
"""Resources of one loop: a sub-agent's cycles are its own, unlike its tokens and money."""


class Need(NamedTuple):
    """What a call needs of one resource in the worst case: `fixed + slope * output tokens`."""

    fixed: int = 0
    slope: int = 0


class Holder:
    """One task's limits, taken apart once: who holds them and how much of what."""

    __slots__ = ("agent", "amounts", "tags", "task")

    def __init__(self, task: str, agent: str, tags: Mapping[str, str], limits: Sequence[Limit]) -> None:
        self.task = task
        self.agent = agent
        self.tags = tags
        self.amounts = tuple((limit, limit.amounts()) for limit in limits)


class _Slot(NamedTuple):
    """One limit on one resource in the window that is open now; `owner` is the index of its holder."""

    account: str
    resource: str
    limit: int
    expires: float
    owner: int


_Slots = tuple[tuple[_Slot, ...], tuple[int, ...]]
"""The slots a call touches, and the owner of each."""


class LimitTable:
    """The limits a task's calls must fit: its own first, then those of the tasks it is a part of.

    The accounts are worked out once per window and set of resources, not once per call.
    """

    def __init__(self, holders: Sequence[Holder]) -> None:
        self._holders = tuple(holders)
        # One attribute, so that no thread writes into a window another has just turned.
        self._open: tuple[float, dict[tuple[str, ...], _Slots]] = (0.0, {})

    def demand(
        self, needs: Mapping[str, Need], *, most: int = 0, least: int = 0, now: float | None = None
    ) -> tuple[Demand, tuple[int, ...]]:
        """The lines of one call, and for each the index of the holder whose limit it is.

        `now` is in seconds since the epoch. Where two limits share an account and a resource, the
        smaller stands for both.

        Raises:
            UsageError: a limit is about a tag that the task does not carry; without it the limit could
                not hold.
        """
        now = time.time() if now is None else now
        until, known = self._open
        if now >= until or now < until - 60:  # the second: the clock was set back
            known = {}
            self._open = (now - now % 60 + 60, known)  # no window is shorter than a minute
        names = tuple(needs)
        found = known.get(names)
        if found is None:
            slots = self._find(names, datetime.fromtimestamp(now, UTC))
            found = known[names] = slots, tuple(slot.owner for slot in slots)
        lines = [
            Line(account, resource, limit, *needs[resource], expires)
            for account, resource, limit, expires, _ in found[0]
        ]
        return Demand(tuple(lines), most, least), found[1]

    def _find(self, names: tuple[str, ...], now: datetime) -> tuple[_Slot, ...]:
        slots: dict[tuple[str, str], _Slot] = {}
        for owner, holder in enumerate(self._holders):
            for limit, amounts in holder.amounts:
                account, expires = _account_of(limit, holder, now)
                for resource, amount in amounts.items():
                    if resource not in names or (owner and resource in _OWN_ONLY):
                        continue
                    known = slots.get((account, resource))
                    if known is None or amount < known.limit:
                        slots[account, resource] = _Slot(account, resource, amount, expires, owner)
        return tuple(slots.values())


def _account_of(limit: Limit, holder: Holder, now: datetime) -> tuple[str, float]:
    """The account a limit is kept in (``user=u1:day:2026-11-22``) and the seconds it matters for."""
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
            f'Open it with leanloop.task(budget, tags={{"{scope}": ...}}), or give a LangChain agent '
            f'config={{"configurable": {{"leanloop": {{"{scope}": ...}}}}}}, or the run of a LlamaIndex agent '
            f'leanloop={{"{scope}": ...}}.'
        )
    return f"{owner}:{limit.per}:{label}", expires

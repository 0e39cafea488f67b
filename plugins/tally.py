"""Running totals of one task, safe under threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from leanloop.budgets.account import AccountName
from leanloop.budgets.amount import format_scope
from leanloop.budgets.store import Balance, Line
from leanloop.budgets.usage import Usage
from leanloop.plugins.receipt import CacheUse, LimitUse, ModelUse, Saving

__all__ = ["Standing", "Tally"]

_MOST_NOTES = 50
"""Different notes of one task; more of them say nothing to a reader, and must not grow without end."""


@dataclass(slots=True)
class Standing:
    """A limit in the window that is open, what was raised by hand included, and what is known to be spent of it."""

    account: str
    resource: str
    limit: int
    spent: int

    @property
    def share(self) -> float:
        """The share spent; of a limit of zero, all of it."""
        return self.spent / self.limit if self.limit else 1.0


class Tally:
    """Counts what was spent. The ledger decides what may be; this only remembers what was, for the receipt.

    Attributes:
        looked: whether the ledger was asked how the limits stand, before the task's first call.
    """

    def __init__(self) -> None:
        self.looked = False
        self._lock = threading.RLock()  # a garbage collection in here may settle a call that was abandoned
        self._models: dict[str, ModelUse] = {}
        self._embeddings: dict[str, ModelUse] = {}
        self._tools: Counter[str] = Counter()
        self._limits: dict[tuple[str, str], Standing] = {}  # by what all windows of one have in common
        self._open: dict[tuple[str, str], Standing] = {}  # the same, by account
        self._savings: dict[tuple[str, str, str], Saving] = {}
        self._notes: dict[str, int] = {}
        self._cache: CacheUse | None = None

    def model_call(self, model: str, usage: Usage, cost: int | None, price_version: str) -> None:
        """Add one billed call; `cost` in nano-dollars, None where no price is known."""
        with self._lock:
            _add(self._models, model, usage, cost, price_version)

    def embed_call(self, model: str, usage: Usage, cost: int | None, price_version: str) -> None:
        """Add one call that made embeddings."""
        with self._lock:
            _add(self._embeddings, model, usage, cost, price_version)

    def embeddings(self) -> tuple[ModelUse, ...]:
        """What embeddings cost, by model."""
        with self._lock:
            return tuple(self._embeddings.values())

    def tool_call(self, name: str) -> None:
        """Add one tool call that was made."""
        with self._lock:
            self._tools[name] += 1

    def saving(self, saving: Saving) -> None:
        """Add what a plugin spared; what it spared before in the same words and way is one with it."""
        key = (saving.plugin, saving.what, saving.how)
        with self._lock:
            known = self._savings.get(key)
            if known is not None:
                saving = replace(
                    known,
                    calls=known.calls + saving.calls,
                    tokens=known.tokens + saving.tokens,
                    cost=known.cost + saving.cost,
                )
            self._savings[key] = saving

    def note(self, text: str) -> bool:
        """Note what went otherwise than asked; False where it was noted before, which is then counted."""
        with self._lock:
            if len(self._notes) >= _MOST_NOTES and text not in self._notes:
                text = "Other things went otherwise than asked too."
            self._notes[text] = self._notes.get(text, 0) + 1
            return self._notes[text] == 1

    def notes(self) -> tuple[str, ...]:
        """What went otherwise than asked, each once, with how often."""
        with self._lock:
            return tuple(f"{text} ({times:,} times)" if times > 1 else text for text, times in self._notes.items())

    def cached(self, *, checked: int = 0, wrong: int = 0, bound: float | None = None, **times: int) -> None:
        """Add to what became of calls that a cache was asked about, by the names in `CacheUse`."""
        with self._lock:
            known = self._cache or CacheUse()
            added = {name: getattr(known, name) + number for name, number in times.items()}
            if bound is not None:
                added |= {"checked": checked, "wrong": wrong}
                known = replace(known, bound=bound)
            self._cache = replace(known, **added)

    def cache(self) -> CacheUse | None:
        """What became of calls that a cache was asked about; None where there was none."""
        return self._cache

    def limits_seen(self, lines: Iterable[Line], balances: Iterable[Balance]) -> None:
        """Note the balances of limits as the ledger gave them; a new window takes the place of the one before."""
        with self._lock:
            for line, balance in zip(lines, balances, strict=True):
                known = self._open.get((line.account, line.resource)) or self._opened(line)
                known.limit = line.limit + balance.raised
                known.spent = max(known.spent, balance.spent)

    def _opened(self, line: Line) -> Standing:
        """A limit that is seen for the first time, or in a new window."""
        whose = (_without_label(line.account), line.resource)
        before = self._limits.get(whose)
        if before is not None:
            del self._open[before.account, before.resource]
        opened = Standing(line.account, line.resource, line.limit, 0)
        self._limits[whose] = self._open[line.account, line.resource] = opened
        return opened

    def limits_spent(self, lines: Iterable[Line], actual: Mapping[str, int]) -> list[Standing]:
        """Add what a settlement put, by resource, on limits seen before; gives how those stand.

        What is booked into a window that has turned meanwhile is left out.
        """
        standings: list[Standing] = []
        with self._lock:
            for line in lines:
                known = self._open.get((line.account, line.resource))
                if known is not None:
                    known.spent += actual.get(line.resource, 0)
                    standings.append(known)
        return standings

    def fullest(self, least: float) -> Standing | None:
        """The limit of which the largest share is spent, if that is at least `least`.

        Limits of zero and limits on single tools are left out.
        """
        with self._lock:
            best: Standing | None = None
            for one in self._limits.values():
                if one.limit <= 0 or one.spent / one.limit < least or ":" in one.resource:
                    continue
                if best is None or one.share > best.share:
                    best = one
            return replace(best) if best is not None else None

    def left(self, resources: Collection[str]) -> int | None:
        """The least that is left of any limit on `resources` seen so far; None where none was."""
        with self._lock:
            left = [one.limit - one.spent for one in self._limits.values() if one.resource in resources]
        return min(left, default=None)

    def limits(self) -> tuple[LimitUse, ...]:
        """The limits seen so far."""
        with self._lock:
            return tuple(
                LimitUse(format_scope(one.account), one.resource, one.limit, one.spent) for one in self._limits.values()
            )

    def snapshot(
        self,
    ) -> tuple[tuple[ModelUse, ...], dict[str, int], tuple[LimitUse, ...], tuple[Saving, ...]]:
        """Models, tool calls by name, limits and savings, as they stand now."""
        limits = self.limits()
        with self._lock:
            return tuple(self._models.values()), dict(self._tools), limits, tuple(self._savings.values())


def _add(uses: dict[str, ModelUse], model: str, usage: Usage, cost: int | None, price_version: str) -> None:
    while True:
        before = uses.get(model)
        known = before or ModelUse(model, 0, Usage(), 0, price_version)
        total = None if cost is None or known.cost is None else known.cost + cost
        after = ModelUse(model, known.calls + 1, known.usage + usage, total, price_version)
        if uses.get(model) is before:  # else another call was added while the sum was made, see the lock
            uses[model] = after
            return


@lru_cache(maxsize=4096)
def _without_label(account: str) -> str:
    """What all windows of one limit have in common."""
    return str(AccountName.read(account)._replace(label=""))

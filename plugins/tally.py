"""Running totals of one task, safe under threads."""

from __future__ import annotations

import threading
from collections import Counter

from leanloop.budgets.usage import Usage
from leanloop.plugins.receipt import LimitUse, ModelUse, Saving

__all__ = ["Tally"]


class Tally:
    """Counts what was spent. The ledger decides what may be; this only remembers what was, for the receipt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, ModelUse] = {}
        self._tools: Counter[str] = Counter()
        self._limits: dict[tuple[str, str], LimitUse] = {}
        self._savings: list[Saving] = []

    def model_call(self, model: str, usage: Usage, cost: int | None, price_version: str) -> None:
        """Add one billed call; `cost` in nano-dollars, None where no price is known."""
        with self._lock:
            known = self._models.get(model) or ModelUse(model, 0, Usage(), 0, price_version)
            total = None if cost is None or known.cost is None else known.cost + cost
            self._models[model] = ModelUse(model, known.calls + 1, known.usage + usage, total, price_version)

    def tool_call(self, name: str) -> None:
        """Add one tool call that was made."""
        with self._lock:
            self._tools[name] += 1

    def saving(self, saving: Saving) -> None:
        """Add what a plugin spared."""
        with self._lock:
            self._savings.append(saving)

    def limit_seen(self, account: str, scope: str, resource: str, limit: int, spent: int) -> None:
        """Note a limit's balance as the ledger gave it."""
        with self._lock:
            known = self._limits.get((account, resource))
            spent = max(spent, known.spent) if known else spent
            self._limits[account, resource] = LimitUse(scope, resource, limit, spent)

    def limit_spent(self, account: str, resource: str, amount: int) -> None:
        """Add what a settlement put on a limit seen before."""
        with self._lock:
            known = self._limits[account, resource]
            self._limits[account, resource] = LimitUse(known.scope, resource, known.limit, known.spent + amount)

    def limits(self) -> tuple[LimitUse, ...]:
        """The limits seen so far."""
        with self._lock:
            return tuple(self._limits.values())

    def snapshot(
        self,
    ) -> tuple[tuple[ModelUse, ...], dict[str, int], tuple[LimitUse, ...], tuple[Saving, ...]]:
        """Models, tool calls by name, limits and savings, all at one moment."""
        with self._lock:
            return (
                tuple(self._models.values()),
                dict(self._tools),
                tuple(self._limits.values()),
                tuple(self._savings),
            )

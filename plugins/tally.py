"""Running totals of one task, safe under threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

from leanloop.budgets.amount import format_scope
from leanloop.budgets.store import Balance, Line
from leanloop.budgets.usage import Usage
from leanloop.plugins.receipt import LimitUse, ModelUse, Saving

__all__ = ["Tally"]


class Tally:
    """Counts what was spent. The ledger decides what may be; this only remembers what was, for the receipt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str, ModelUse] = {}
        self._embeddings: dict[str, ModelUse] = {}
        self._tools: Counter[str] = Counter()
        self._limits: dict[tuple[str, str], list[int]] = {}
        self._savings: list[Saving] = []

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
        """Add what a plugin spared."""
        with self._lock:
            self._savings.append(saving)

    def limits_seen(self, lines: Iterable[Line], balances: Iterable[Balance]) -> None:
        """Note the balances of limits as the ledger gave them."""
        with self._lock:
            for line, balance in zip(lines, balances, strict=True):
                known = self._limits.get((line.account, line.resource))
                if known is None:
                    self._limits[line.account, line.resource] = [line.limit, balance.spent]
                else:
                    known[:] = line.limit, max(known[1], balance.spent)

    def limits_spent(self, lines: Iterable[Line], actual: Mapping[str, int]) -> None:
        """Add what a settlement put, by resource, on limits seen before."""
        with self._lock:
            for line in lines:
                self._limits[line.account, line.resource][1] += actual.get(line.resource, 0)

    def fullest(self, least: float) -> LimitUse | None:
        """The limit of which the largest share is spent, if that is at least `least`.

        Limits of zero and limits on single tools are left out.
        """
        best: tuple[str, str, int, int] | None = None
        share = -1.0
        with self._lock:
            for (account, resource), (limit, spent) in self._limits.items():
                if limit and spent / limit > share and ":" not in resource:
                    best, share = (account, resource, limit, spent), spent / limit
        return LimitUse(format_scope(best[0]), *best[1:]) if best and share >= least else None

    def limits(self) -> tuple[LimitUse, ...]:
        """The limits seen so far."""
        with self._lock:
            return tuple(
                LimitUse(format_scope(account), resource, limit, spent)
                for (account, resource), (limit, spent) in self._limits.items()
            )

    def snapshot(
        self,
    ) -> tuple[tuple[ModelUse, ...], dict[str, int], tuple[LimitUse, ...], tuple[Saving, ...]]:
        """Models, tool calls by name, limits and savings, as they stand now."""
        limits = self.limits()
        with self._lock:
            return tuple(self._models.values()), dict(self._tools), limits, tuple(self._savings)


def _add(uses: dict[str, ModelUse], model: str, usage: Usage, cost: int | None, price_version: str) -> None:
    known = uses.get(model) or ModelUse(model, 0, Usage(), 0, price_version)
    total = None if cost is None or known.cost is None else known.cost + cost
    uses[model] = ModelUse(model, known.calls + 1, known.usage + usage, total, price_version)

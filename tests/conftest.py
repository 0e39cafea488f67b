"""What many tests share: a ledger that checks itself after every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.store import Demand, Grant, Refusal


class CheckedStore(MemoryStore):
    """Checks after each step that no limit is passed, and knows what is set aside."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[tuple[str, str], int] = {}

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        for line in demand.lines:
            key = (line.account, line.resource)
            self.limits[key] = max(line.limit, self.limits.get(key, 0))
        answer = super().reserve(reservation, demand, replaces=replaces)
        self.check()
        return answer

    def settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        super().settle(reservation, actual)
        self.check()

    def release(self, reservation: str) -> None:
        super().release(reservation)
        self.check()

    def check(self) -> None:
        limits = dict(self.limits)
        for (key, limit), balance in zip(limits.items(), self.balances(list(limits)), strict=True):
            assert 0 <= balance.spent + balance.reserved <= limit, f"{key}: {balance} of {limit}"
            assert balance.reserved >= 0

    def reserved(self) -> dict[tuple[str, str], int]:
        keys = list(self.limits)
        return {key: b.reserved for key, b in zip(keys, self.balances(keys), strict=True) if b.reserved}


@pytest.fixture
def checked() -> Iterator[CheckedStore]:
    store = CheckedStore()
    yield store
    assert not store.reserved(), "set aside for nobody"


@pytest.fixture
def ledger(checked: CheckedStore) -> MemoryStore:
    """A store that fails the test when a limit is passed, or when something is still set aside at its end."""
    return checked


@pytest.fixture
def reserved(checked: CheckedStore) -> Callable[[], Mapping[tuple[str, str], int]]:
    """What is set aside in `ledger` now, by account and resource."""
    return checked.reserved

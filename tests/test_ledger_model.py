"""A store and a plain model of it are given the same steps, and agree after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType] annotated in part
)

from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, Grant, LedgerStore, Line, Refusal

KEYS = [("task:1", "tokens"), ("task:1", "usd"), ("user=u:day:1", "usd"), ("global:month:1", "model_calls")]
LEASES = st.sampled_from([100.0, 100.0, 0.0])
RESOURCES = sorted({resource for _, resource in KEYS})


@dataclass
class Model:
    """The ledger as one would do it by hand: every balance is added up anew from what was done."""

    settled: list[tuple[tuple[str, str], int]] = field(default_factory=list[tuple[tuple[str, str], int]])
    held: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict[str, dict[tuple[str, str], int]])
    idle: set[str] = field(default_factory=set[str])
    leased: set[str] = field(default_factory=set[str])
    """Held on a lease that ends before the next step."""
    over: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict[str, dict[tuple[str, str], int]])
    """What became spending when its lease ended; nothing of what was idle."""

    def spent(self, key: tuple[str, str]) -> int:
        settled = sum(amount for other, amount in self.settled if other == key)
        return settled + sum(lines.get(key, 0) for lines in self.over.values())

    def end_leases(self) -> None:
        for name in self.leased & self.held.keys():
            lines = self.held.pop(name)
            self.over[name] = dict.fromkeys(lines, 0) if name in self.idle else lines
        self.leased.clear()

    def take(self, name: str) -> dict[tuple[str, str], int]:
        """Forget a reservation; gives its lines."""
        return self.held.pop(name, None) or self.over.pop(name, {})

    def reserved(self, key: tuple[str, str], without: str | None = None) -> int:
        return sum(held.get(key, 0) for name, held in self.held.items() if name != without)

    def balance(self, key: tuple[str, str], without: str | None = None) -> Balance:
        idle = sum(self.held[name].get(key, 0) for name in self.idle & self.held.keys() if name != without)
        return Balance(self.spent(key), self.reserved(key, without), idle)

    def fits(self, demand: Demand, units: int, without: str | None) -> int | None:
        """The first line that `units` do not fit; None where they fit all."""
        for index, line in enumerate(demand.lines):
            key = (line.account, line.resource)
            if self.spent(key) + self.reserved(key, without) + line.fixed + line.slope * units > line.limit:
                return index
        return None

    def reserve(self, name: str, demand: Demand, replaces: str | None) -> Grant | Refusal:
        """`replaces` is taken out before the look at what fits, and put back if nothing does."""
        self.end_leases()
        over = self.over.pop(replaces or "", None)
        index = self.fits(demand, demand.least, replaces)
        if index is not None:
            line = demand.lines[index]
            refusal = Refusal(index, line, self.balance((line.account, line.resource), replaces))
            if over is not None:
                self.over[replaces or ""] = over
            return refusal
        units = next(n for n in range(demand.most, demand.least - 1, -1) if self.fits(demand, n, replaces) is None)
        self.held.pop(replaces or "", None)
        before = tuple(self.balance((line.account, line.resource)) for line in demand.lines)
        self.held[name] = {(line.account, line.resource): line.fixed + line.slope * units for line in demand.lines}
        if demand.idle:
            self.idle.add(name)
        if not demand.lease:
            self.leased.add(name)
        return Grant(units, before)


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=4))
    lines = tuple(
        Line(*key, 100 + 50 * KEYS.index(key), draw(st.integers(0, 40)), draw(st.integers(0, 3))) for key in keys
    )
    least = draw(st.integers(0, 20))
    return Demand(lines, least + draw(st.integers(0, 60)), least, draw(LEASES), draw(st.booleans()))


class LedgerMachine(RuleBasedStateMachine):
    """Random reservations, replacements, settlements and releases, some of them of names long gone."""

    names = Bundle("names")

    def make(self) -> LedgerStore:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.store = self.make()
        self.model = Model()
        self.count = 0

    @rule(target=names, demand=demands(), replaces=st.none() | names)
    def reserve(self, demand: Demand, replaces: str | None) -> str:
        self.count += 1
        name = f"r{self.count}"
        held = dict(self.model.held)
        assert self.store.reserve(name, demand, replaces=replaces) == self.model.reserve(name, demand, replaces)
        for line in demand.lines:  # what was granted never passes a limit
            key = (line.account, line.resource)
            if name in self.model.held and name not in held:
                assert self.model.spent(key) + self.model.reserved(key) <= line.limit
        return name

    @rule(name=names, share=st.integers(0, 120), resources=st.sets(st.sampled_from(RESOURCES)))
    def settle(self, name: str, share: int, resources: set[str]) -> None:
        held = self.model.take(name)
        actual = dict.fromkeys(resources, 0)
        for (_, resource), amount in held.items():
            if resource in actual:
                actual[resource] = max(actual[resource], amount * share // 100)
        self.model.settled += [(key, actual.get(key[1], 0)) for key in held]
        self.store.settle(name, actual)

    @rule(name=consumes(names))
    def release(self, name: str) -> None:
        self.model.take(name)
        self.store.release(name)

    @rule(some=st.lists(names, max_size=4, unique=True), lease=LEASES)
    def renew(self, some: list[str], lease: float) -> None:
        self.model.end_leases()
        held = [name for name in some if name in self.model.held]
        assert self.store.renew(some, lease) == held
        if not lease:
            self.model.leased.update(held)

    @rule(name=names)
    def settle_again(self, name: str) -> None:
        if name not in self.model.held and name not in self.model.over:
            self.store.settle(name, dict.fromkeys(RESOURCES, 1_000))

    @invariant()
    def balances_agree(self) -> None:
        self.model.end_leases()
        assert self.store.balances(KEYS) == [self.model.balance(key) for key in KEYS]

    def teardown(self) -> None:
        self.store.close()


class RedisServer(Protocol):
    """tests/conftest.py's RedisServer."""

    def url(self) -> str: ...


def in_memory(request: pytest.FixtureRequest) -> Callable[[], LedgerStore]:
    return MemoryStore


def in_sqlite(request: pytest.FixtureRequest) -> Callable[[], LedgerStore]:
    folder: Path = request.getfixturevalue("tmp_path")
    files = count()
    return lambda: SqliteStore(folder / f"{next(files)}.db")


def in_redis(request: pytest.FixtureRequest) -> Callable[[], LedgerStore]:
    server: RedisServer = request.getfixturevalue("one_redis")  # started only where a test wants it
    return lambda: RedisStore(server.url())


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(in_memory, id="memory", marks=pytest.mark.memory),
        pytest.param(in_sqlite, id="sqlite", marks=pytest.mark.sqlite),
        pytest.param(in_redis, id="redis", marks=pytest.mark.redis),
    ],
)
def test_a_store_equals_the_model_step_by_step(
    make: Callable[[pytest.FixtureRequest], Callable[[], LedgerStore]], request: pytest.FixtureRequest
) -> None:
    store = make(request)

    class Machine(LedgerMachine):
        def make(self) -> LedgerStore:
            return store()

    run_state_machine_as_test(Machine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))

"""A store and a plain model of it are given the same steps, and agree after each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
    precondition,
    rule,
    run_state_machine_as_test,  # pyright: ignore[reportUnknownVariableType] annotated in part
)

from leanloop.budgets.books import Account
from leanloop.budgets.history import Entry
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.move import StoreWithBooks
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, Grant, Line, Refusal

KEYS = [
    ("task:1", "tokens"),
    ("task:1", "usd"),
    ("user=u:day:1", "usd"),
    ("user=u:day:0", "usd"),
    ("global:month:1", "model_calls"),
]
LEASES = st.sampled_from([100.0, 100.0, 0.0])
RESOURCES = sorted({resource for _, resource in KEYS})
IN_ONE_ACCOUNT = [("task:1", "tokens"), ("global:month:1", "model_calls")]

Key = tuple[str, str]


@dataclass
class Kept:
    """A reservation: what it set aside, and what has become of it."""

    lines: dict[Key, int]
    idle: bool
    leased: bool
    """Its lease ends before the next step."""
    ended: bool = False


@dataclass
class Model:
    """The ledger as one would do it by hand: every balance is added up anew from what was done."""

    settled: list[tuple[Key, int]] = field(default_factory=list[tuple[Key, int]])
    kept: dict[str, Kept] = field(default_factory=dict[str, Kept])
    raised: Counter[Key] = field(default_factory=Counter[Key])
    rows: list[Entry] = field(default_factory=list[Entry])

    def balance(self, key: Key, also: Sequence[str] = (), without: str | None = None) -> Balance:
        keys = [key, *((account, key[1]) for account in also)]
        spent = sum(amount for other, amount in self.settled if other in keys)
        reserved = idle = 0
        for name, one in self.kept.items():
            amount = sum(one.lines.get(other, 0) for other in keys) if name != without else 0
            if one.ended:
                spent += 0 if one.idle else amount
            else:
                reserved += amount
                idle += amount if one.idle else 0
        return Balance(spent, reserved, idle, sum(self.raised[other] for other in keys))

    def end_leases(self) -> None:
        """In the order they were made; no two end at one moment."""
        for name, one in self.kept.items():
            if one.leased and not one.ended:
                one.ended = True
                if not one.idle:
                    self.book(name, one, 1)

    def book(self, name: str, ended: Kept, sign: int) -> None:
        """A row that a lease has ended, or that it is taken back."""
        task = "1" if any(account == "task:1" for account, _ in ended.lines) else ""
        amounts = {
            resource: sign * max(amount for (_, other), amount in ended.lines.items() if other == resource)
            for _, resource in ended.lines
        }
        self.rows.append(Entry("expired", task=task, amounts=amounts, note=name))

    def take(self, name: str) -> dict[Key, int]:
        """Forget a reservation; gives its lines."""
        one = self.kept.pop(name, None)
        if one and one.ended and not one.idle and any(one.lines.values()):
            self.book(name, one, -1)
        return one.lines if one else {}

    def reserve(self, name: str, demand: Demand, replaces: str | None) -> Grant | Refusal:
        """`replaces` counts as free in the look at what fits, and goes where something does."""
        self.end_leases()
        before = tuple(self.balance((line.account, line.resource), line.also, replaces) for line in demand.lines)

        def fits(line: Line, balance: Balance, units: int) -> bool:
            return balance.spent + balance.reserved + line.fixed + line.slope * units <= line.limit + balance.raised

        pairs = list(zip(demand.lines, before, strict=True))
        for index, (line, balance) in enumerate(pairs):
            if not fits(line, balance, demand.least):
                return Refusal(index, line, balance)
        units = demand.most
        while not all(fits(*pair, units) for pair in pairs):
            units -= 1
        self.take(replaces or "")
        lines = {(line.account, line.resource): line.fixed + line.slope * units for line in demand.lines}
        self.kept[name] = Kept(lines, demand.idle, not demand.lease)
        return Grant(units, before)

    def reset(self, key: Key) -> Balance:
        before = self.balance(key)
        self.settled = [one for one in self.settled if one[0] != key]
        self.raised[key] = 0
        for one in self.kept.values():
            if one.ended and key in one.lines:
                one.lines[key] = 0
        return before


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    # A demand without lines is asked of no ledger, and no store says how long it would remember one.
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True, min_size=1, max_size=4))
    lines: list[Line] = []
    for account, resource in keys:
        others = [other for other, of in KEYS if of == resource and (other, of) not in keys]
        also = draw(st.lists(st.sampled_from(others), unique=True)) if others else []
        limit = 100 + 50 * KEYS.index((account, resource))
        fixed, slope = draw(st.integers(0, 40)), draw(st.integers(0, 3))
        lines.append(Line(account, resource, limit, fixed, slope, also=tuple(also)))
    least = draw(st.integers(0, 20))
    return Demand(tuple(lines), least + draw(st.integers(0, 60)), least, draw(LEASES), draw(st.booleans()))


class LedgerMachine(RuleBasedStateMachine):
    """Random reservations, replacements, settlements and releases, some of them of names long gone."""

    names = Bundle("names")

    def make(self) -> StoreWithBooks:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.store = self.make()
        self.model = Model()
        self.untold = Counter[str]()  # spent by settlements without a row
        self.count = 0

    @rule(target=names, demand=demands(), replaces=st.none() | names)
    def reserve(self, demand: Demand, replaces: str | None) -> str:
        self.count += 1
        name = f"r{self.count}"
        expected = self.model.reserve(name, demand, replaces)
        assert self.store.reserve(name, demand, replaces=replaces) == expected
        if isinstance(expected, Grant):  # what was granted never passes a limit
            for line in demand.lines:
                balance = self.model.balance((line.account, line.resource), line.also)
                assert balance.spent + balance.reserved <= line.limit + balance.raised
        return name

    @rule(name=names, share=st.integers(0, 120), resources=st.sets(st.sampled_from(RESOURCES)), told=st.booleans())
    def settle(self, name: str, share: int, resources: set[str], told: bool) -> None:
        known = name in self.model.kept
        lines = self.model.take(name)
        actual = dict.fromkeys(resources, 0)
        for (_, resource), amount in lines.items():
            if resource in actual:
                actual[resource] = max(actual[resource], amount * share // 100)
        self.model.settled += [(key, actual.get(key[1], 0)) for key in lines]
        booked = {resource for _, resource in lines}
        entry = Entry(task="1", amounts={name: amount for name, amount in actual.items() if name in booked})
        if known and told:
            self.model.rows.append(entry)
        elif known:
            self.untold.update(entry.amounts)
        self.store.settle(name, actual, entry if told else None)

    @rule(name=consumes(names))
    def release(self, name: str) -> None:
        self.model.take(name)
        self.store.release(name)

    @rule(some=st.lists(names, max_size=4, unique=True), lease=LEASES)
    def renew(self, some: list[str], lease: float) -> None:
        self.model.end_leases()
        live = [name for name in some if name in self.model.kept and not self.model.kept[name].ended]
        assert self.store.renew(some, lease) == live
        for name in live:
            self.model.kept[name].leased = not lease

    @rule(name=names)
    def settle_again(self, name: str) -> None:
        if name not in self.model.kept:
            self.store.settle(name, dict.fromkeys(RESOURCES, 1_000), Entry(note="counts for nothing"))

    @rule(key=st.sampled_from(KEYS), by=st.integers(-60, 60))
    def raise_limit(self, key: Key, by: int) -> None:
        self.model.raised[key] += by
        self.model.rows.append(Entry("raised", amounts={key[1]: by}, account=key[0], note="why"))
        assert self.store.raise_limit(*key, by, expires=3_600.0, note="why") == self.model.balance(key)

    @rule(key=st.sampled_from(KEYS))
    def reset(self, key: Key) -> None:
        before = self.model.reset(key)
        self.model.rows.append(Entry("reset", amounts={key[1]: before.spent}, account=key[0]))
        assert self.store.reset(*key) == before

    @precondition(lambda self: isinstance(self, LedgerMachine) and self.count % 4 == 3)
    @rule()
    def move(self) -> None:
        """What is in one store goes on in another."""
        successor = self.make()
        self.store.retire("the next")
        successor.absorb(self.store.export())
        self.store.close()
        self.store = successor

    @invariant()
    def all_that_is_kept_agrees(self) -> None:
        self.model.end_leases()
        balances = {key: self.model.balance(key) for key in KEYS}
        assert self.store.balances(KEYS) == list(balances.values())
        records = list(self.store.export())
        known = {(one.account, one.resource): one.balance for one in records if isinstance(one, Account)}
        assert {key: known.get(key, Balance()) for key in KEYS} == balances
        assert [replace(one, at=0.0) for one in records if isinstance(one, Entry)] == self.model.rows

    @invariant()
    def the_history_adds_up(self) -> None:
        for key in IN_ONE_ACCOUNT:
            booked, taken_off = self.untold[key[1]], 0
            for row in self.model.rows:
                if row.kind == "reset" and row.account == key[0]:
                    taken_off += row.amounts.get(key[1], 0)
                elif row.kind not in {"raised", "reset"}:
                    booked += row.amounts.get(key[1], 0)
            assert booked == self.model.balance(key).spent + taken_off

    def teardown(self) -> None:
        self.store.close()


class RedisServer(Protocol):
    """tests/conftest.py's RedisServer."""

    def url(self) -> str: ...


def in_memory(request: pytest.FixtureRequest) -> Callable[[], StoreWithBooks]:
    return MemoryStore


def in_sqlite(request: pytest.FixtureRequest) -> Callable[[], StoreWithBooks]:
    folder: Path = request.getfixturevalue("tmp_path")
    files = count()
    return lambda: SqliteStore(folder / f"{next(files)}.db")


def in_redis(request: pytest.FixtureRequest) -> Callable[[], StoreWithBooks]:
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
    make: Callable[[pytest.FixtureRequest], Callable[[], StoreWithBooks]], request: pytest.FixtureRequest
) -> None:
    store = make(request)

    class Machine(LedgerMachine):
        def make(self) -> StoreWithBooks:
            return store()

    run_state_machine_as_test(Machine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))

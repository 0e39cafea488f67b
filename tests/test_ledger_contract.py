"""What every ledger store must do, in its plain and its awaited form: add a store to STORES."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from leanloop.budgets.books import Account, Books, Held, Record
from leanloop.budgets.history import Entry
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, Grant, LedgerStore, Line, Refusal
from leanloop.errors import StoreError


class RedisServer(Protocol):
    """tests/conftest.py's RedisServer."""

    def url(self) -> str: ...


def in_memory(request: pytest.FixtureRequest) -> MemoryStore:
    return MemoryStore()


def in_sqlite(request: pytest.FixtureRequest) -> SqliteStore:
    folder: Path = request.getfixturevalue("tmp_path")
    return SqliteStore(folder / f"{uuid.uuid4()}.db")


def in_redis(request: pytest.FixtureRequest) -> RedisStore:
    server: RedisServer = request.getfixturevalue("one_redis")  # started only where a test wants it
    return RedisStore(server.url())


STORES: Sequence[Any] = [
    pytest.param(in_memory, id="memory", marks=pytest.mark.memory),
    pytest.param(in_sqlite, id="sqlite", marks=pytest.mark.sqlite),
    pytest.param(in_redis, id="redis", marks=pytest.mark.redis),
]

T = TypeVar("T")


class Ledger(Protocol):
    """One form of a store, plain or awaited, called the same way."""

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal: ...
    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None: ...
    def release(self, reservation: str) -> None: ...
    def renew(self, reservations: Sequence[str], lease: float) -> list[str]: ...
    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]: ...


class Awaited:
    """The awaited form on a loop of its own."""

    def __init__(self, store: LedgerStore, runner: asyncio.Runner) -> None:
        self.store = store
        self.runner = runner

    def _run(self, waits: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(waits)

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        return self._run(self.store.areserve(reservation, demand, replaces=replaces))

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        self._run(self.store.asettle(reservation, actual, entry))

    def release(self, reservation: str) -> None:
        self._run(self.store.arelease(reservation))

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        return self._run(self.store.arenew(reservations, lease))

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        return self._run(self.store.abalances(keys))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[LedgerStore]:
    make: Callable[[pytest.FixtureRequest], LedgerStore] = request.param
    with contextlib.closing(make(request)) as made:
        yield made


@pytest.fixture
def books(store: LedgerStore) -> Books:
    assert isinstance(store, Books)
    return store


@pytest.fixture(params=["plain", "awaited"])
def ledger(store: LedgerStore, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "plain":
        yield store
        return
    with asyncio.Runner() as runner:
        yield Awaited(store, runner)


TOKENS = ("task:1", "tokens")
USD = ("task:1", "usd")
DAY = ("agent=a:day:2026-11-22", "usd")


def line(key: tuple[str, str] = TOKENS, *, limit: int = 100, fixed: int = 0, slope: int = 0) -> Line:
    return Line(*key, limit, fixed, slope)


def granted(answer: Grant | Refusal) -> Grant:
    assert isinstance(answer, Grant)
    return answer


def refused(answer: Grant | Refusal) -> Refusal:
    assert isinstance(answer, Refusal)
    return answer


def test_an_account_nobody_touched_is_empty(ledger: Ledger) -> None:
    assert ledger.balances([TOKENS, USD]) == [Balance(), Balance()]
    assert ledger.balances([]) == []


def test_a_reservation_counts_at_its_worst_case(ledger: Ledger) -> None:
    grant = granted(ledger.reserve("r", Demand((line(fixed=10, slope=2),), most=20, least=5)))
    assert grant == Grant(20, (Balance(),))
    assert ledger.balances([TOKENS]) == [Balance(0, 50)]


def test_units_are_lowered_to_what_fits(ledger: Ledger) -> None:
    grant = granted(ledger.reserve("r", Demand((line(fixed=10, slope=4),), most=1_000, least=5)))
    assert grant.units == 22  # (100 - 10) // 4
    assert ledger.balances([TOKENS]) == [Balance(0, 98)]


def test_the_tightest_of_many_limits_decides(ledger: Ledger) -> None:
    lines = (line(slope=1), line(USD, limit=70, fixed=10, slope=3), line(DAY, limit=1_000, slope=10))
    assert granted(ledger.reserve("r", Demand(lines, most=500, least=1))).units == 20
    assert ledger.balances([TOKENS, USD, DAY]) == [Balance(0, 20), Balance(0, 70), Balance(0, 200)]


def test_what_does_not_fit_with_the_fewest_units_is_refused(ledger: Ledger) -> None:
    demand = Demand((line(fixed=90, slope=2),), most=50, least=6)
    assert refused(ledger.reserve("r", demand)) == Refusal(0, demand.lines[0], Balance())
    assert ledger.balances([TOKENS]) == [Balance()]


def test_exactly_the_limit_fits(ledger: Ledger) -> None:
    assert granted(ledger.reserve("r", Demand((line(fixed=100),)))).units == 0
    assert refused(ledger.reserve("s", Demand((line(fixed=1),)))).balance == Balance(0, 100)


def test_a_limit_of_zero_lets_nothing_through_but_nothing(ledger: Ledger) -> None:
    refused(ledger.reserve("r", Demand((line(limit=0, fixed=1),))))
    granted(ledger.reserve("s", Demand((line(limit=0),))))


def test_it_is_all_or_none(ledger: Ledger) -> None:
    granted(ledger.reserve("first", Demand((line(DAY, fixed=95),))))
    demand = Demand((line(fixed=50), line(USD, fixed=50), line(DAY, fixed=50)))
    refusal = refused(ledger.reserve("second", demand))
    assert refusal == Refusal(2, demand.lines[2], Balance(0, 95))
    assert ledger.balances([TOKENS, USD, DAY]) == [Balance(), Balance(), Balance(0, 95)]


def test_a_refused_reservation_holds_nothing_to_settle(ledger: Ledger) -> None:
    refused(ledger.reserve("r", Demand((line(fixed=101),))))
    ledger.settle("r", {"tokens": 50})
    assert ledger.balances([TOKENS]) == [Balance()]


def test_a_refused_name_can_be_tried_again(ledger: Ledger) -> None:
    refused(ledger.reserve("r", Demand((line(fixed=101),))))
    granted(ledger.reserve("r", Demand((line(fixed=100),))))


def test_settling_replaces_the_reservation_by_what_was_spent(ledger: Ledger) -> None:
    ledger.reserve("r", Demand((line(fixed=40), line(USD, fixed=60), line(DAY, fixed=60))))
    ledger.settle("r", {"tokens": 33, "usd": 44})
    assert ledger.balances([TOKENS, USD, DAY]) == [Balance(33), Balance(44), Balance(44)]


def test_a_resource_not_named_spent_nothing(ledger: Ledger) -> None:
    ledger.reserve("r", Demand((line(fixed=40), line(USD, fixed=60))))
    ledger.settle("r", {"tokens": 1, "model_calls": 9})
    assert ledger.balances([TOKENS, USD]) == [Balance(1), Balance(0)]


def test_what_was_reported_counts_also_where_it_is_more_than_was_set_aside(ledger: Ledger) -> None:
    ledger.reserve("r", Demand((line(fixed=40),)))
    ledger.settle("r", {"tokens": 130})
    assert ledger.balances([TOKENS]) == [Balance(130)]
    assert refused(ledger.reserve("s", Demand((line(fixed=0, slope=1),), most=5, least=1))).balance == Balance(130)


def test_settling_twice_counts_once(ledger: Ledger) -> None:
    ledger.reserve("r", Demand((line(fixed=40),)))
    ledger.settle("r", {"tokens": 30})
    ledger.settle("r", {"tokens": 30})
    ledger.release("r")
    assert ledger.balances([TOKENS]) == [Balance(30)]


def test_releasing_gives_all_back_and_does_so_once(ledger: Ledger) -> None:
    ledger.reserve("other", Demand((line(fixed=10),)))
    ledger.reserve("r", Demand((line(fixed=40),)))
    ledger.release("r")
    ledger.release("r")
    ledger.settle("r", {"tokens": 40})
    assert ledger.balances([TOKENS]) == [Balance(0, 10)]


def test_a_reservation_nobody_made_is_left_alone(ledger: Ledger) -> None:
    ledger.settle("never", {"tokens": 5})
    ledger.release("never")
    assert ledger.balances([TOKENS]) == [Balance()]


def test_what_was_settled_leaves_less_for_the_next(ledger: Ledger) -> None:
    ledger.reserve("r", Demand((line(fixed=60),)))
    ledger.settle("r", {"tokens": 55})
    grant = granted(ledger.reserve("s", Demand((line(slope=1),), most=99, least=1)))
    assert grant == Grant(45, (Balance(55),))


def test_a_reservation_can_replace_another_in_one_step(ledger: Ledger) -> None:
    ledger.reserve("hold", Demand((line(fixed=60), line(USD, fixed=60))))
    grant = granted(ledger.reserve("landing", Demand((line(fixed=100),)), replaces="hold"))
    assert grant.before == (Balance(),)
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 100), Balance()]
    ledger.settle("hold", {"tokens": 60})
    assert ledger.balances([TOKENS]) == [Balance(0, 100)], "the replaced one is no longer held"


def test_a_replacement_that_is_refused_leaves_both_as_they_were(ledger: Ledger) -> None:
    ledger.reserve("hold", Demand((line(fixed=60), line(USD, fixed=60))))
    refusal = refused(ledger.reserve("landing", Demand((line(fixed=101),)), replaces="hold"))
    assert refusal.balance == Balance(), "what would be given up counts as free"
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 60), Balance(0, 60)]
    ledger.settle("hold", {"tokens": 7})
    assert ledger.balances([TOKENS, USD]) == [Balance(7), Balance()]


def test_replacing_what_is_not_held_is_a_plain_reservation(ledger: Ledger) -> None:
    granted(ledger.reserve("r", Demand((line(fixed=60),)), replaces="gone"))
    assert ledger.balances([TOKENS]) == [Balance(0, 60)]


def test_a_name_that_is_held_cannot_be_reserved_again(ledger: Ledger) -> None:
    ledger.reserve("r", Demand((line(fixed=40),)))
    with pytest.raises(StoreError, match="'r' is already held"):
        ledger.reserve("r", Demand((line(fixed=1),)))
    assert ledger.balances([TOKENS]) == [Balance(0, 40)]


def test_a_demand_without_limits_is_granted_in_full(ledger: Ledger) -> None:
    assert ledger.reserve("r", Demand((), most=4_096, least=1)) == Grant(4_096, ())
    ledger.settle("r", {"tokens": 5})


def test_each_reservation_keeps_the_window_it_was_made_in(ledger: Ledger) -> None:
    before, after = ("agent=a:minute:12-00", "usd"), ("agent=a:minute:12-01", "usd")
    ledger.reserve("r", Demand((line(before, fixed=80),)))
    ledger.reserve("s", Demand((line(after, fixed=90),)))
    ledger.settle("r", {"usd": 70})
    assert ledger.balances([before, after]) == [Balance(70), Balance(0, 90)]


def test_a_limit_that_was_raised_holds_from_the_next_call(ledger: Ledger) -> None:
    refused(ledger.reserve("r", Demand((line(limit=100, fixed=150),))))
    granted(ledger.reserve("r", Demand((line(limit=200, fixed=150),))))
    assert refused(ledger.reserve("s", Demand((line(limit=100, fixed=1),)))).balance == Balance(0, 150)


def test_amounts_are_exact_up_to_what_a_double_holds(ledger: Ledger) -> None:
    most = 2**53 - 1
    granted(ledger.reserve("r", Demand((line(USD, limit=most, fixed=most - 1),))))
    assert granted(ledger.reserve("s", Demand((line(USD, limit=most, slope=1),), most=9, least=1))).units == 1
    ledger.settle("r", {"usd": most - 1})
    assert ledger.balances([USD]) == [Balance(most - 1, 1)]


def test_accounts_with_odd_names_stay_apart(ledger: Ledger) -> None:
    keys = [("user=a:b", "usd"), ("user=a", "b:usd"), ("user=ü ' \" %", "usd"), ("", "usd")]
    for number, key in enumerate(keys):
        granted(ledger.reserve(f"r{number}", Demand((line(key, fixed=number + 1),))))
    assert [balance.reserved for balance in ledger.balances(keys)] == [1, 2, 3, 4]


def idle(fixed: int, *, lease: float = 120.0) -> Demand:
    return Demand((line(fixed=fixed), line(USD, fixed=fixed)), lease=lease, idle=True)


def test_what_is_idle_is_told_from_what_is_in_flight(ledger: Ledger) -> None:
    granted(ledger.reserve("hold", idle(30)))
    assert granted(ledger.reserve("r", Demand((line(fixed=50),)))).before == (Balance(0, 30, 30),)
    [balance, other] = ledger.balances([TOKENS, USD])
    assert (balance, balance.in_flight) == (Balance(0, 80, 30), 50)
    assert (other, other.in_flight) == (Balance(0, 30, 30), 0)
    refusal = refused(ledger.reserve("s", Demand((line(slope=1),), most=70, least=21)))
    assert refusal.balance == Balance(0, 80, 30)
    assert refusal.passing(70), "once the 50 in flight are gone"
    assert not refusal.passing(71)


@pytest.mark.parametrize("settled", [True, False])
def test_an_idle_reservation_that_goes_takes_its_idle_part_along(ledger: Ledger, settled: bool) -> None:
    ledger.reserve("hold", idle(30))
    ledger.reserve("other", idle(5))
    if settled:
        ledger.settle("hold", {"tokens": 20})
    else:
        ledger.release("hold")
    ledger.release("hold")
    assert ledger.balances([TOKENS, USD]) == [Balance(20 * settled, 5, 5), Balance(0, 5, 5)]


def test_an_idle_reservation_that_is_replaced_is_idle_no_more(ledger: Ledger) -> None:
    ledger.reserve("hold", idle(60))
    refusal = refused(ledger.reserve("landing", Demand((line(fixed=101),)), replaces="hold"))
    assert refusal.balance == Balance(), "what would be given up is neither set aside nor idle"
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 60, 60), Balance(0, 60, 60)]
    grant = granted(ledger.reserve("landing", Demand((line(fixed=100),)), replaces="hold"))
    assert grant.before == (Balance(),)
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 100), Balance()]


@pytest.mark.parametrize("first", [True, False])
def test_an_idle_reservation_can_replace_one_in_flight_and_another_idle_one(ledger: Ledger, first: bool) -> None:
    ledger.reserve("old", Demand((line(fixed=60),), idle=first))
    assert granted(ledger.reserve("hold", idle(80), replaces="old")).before == (Balance(), Balance())
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 80, 80), Balance(0, 80, 80)]
    ledger.release("hold")
    assert ledger.balances([TOKENS, USD]) == [Balance(), Balance()]


@pytest.mark.parametrize("late", ["settled", "released", "replaced"])
def test_an_idle_lease_that_ends_is_given_back_once(ledger: Ledger, late: str) -> None:
    ledger.reserve("hold", idle(60, lease=0))
    ledger.reserve("other", idle(5))
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 5, 5), Balance(0, 5, 5)]
    if late == "replaced":
        assert granted(ledger.reserve("r", Demand((line(fixed=95),)), replaces="hold")).before == (Balance(0, 5, 5),)
        ledger.release("r")
    elif late == "settled":
        ledger.settle("hold", {"tokens": 7})
    else:
        ledger.release("hold")
    assert ledger.balances([TOKENS, USD]) == [Balance(7 * (late == "settled"), 5, 5), Balance(0, 5, 5)]


def test_an_idle_reservation_asked_for_again_is_made_once(ledger: Ledger) -> None:
    ledger.reserve("other", idle(5))
    first = granted(ledger.reserve("hold", idle(60)))
    assert first.before == (Balance(0, 5, 5), Balance(0, 5, 5))
    assert ledger.reserve("hold", idle(60)) == first
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 65, 65), Balance(0, 65, 65)]


# Leases. One of no seconds has ended when the next step looks.


def ended(fixed: int = 60, *, idle: bool = False) -> Demand:
    return Demand((line(fixed=fixed), line(USD, fixed=fixed)), lease=0, idle=idle)


def test_a_lease_that_ends_is_spent_at_its_worst_case(ledger: Ledger) -> None:
    granted(ledger.reserve("r", ended(60)))
    assert ledger.balances([TOKENS, USD]) == [Balance(60), Balance(60)]
    assert ledger.balances([TOKENS]) == [Balance(60)], "once"


def test_a_lease_that_ended_is_counted_by_the_next_reservation_that_looks(ledger: Ledger) -> None:
    ledger.reserve("r", ended(60))
    ledger.reserve("idle", ended(40, idle=True))
    refusal = refused(ledger.reserve("s", Demand((line(fixed=41),))))
    assert refusal.balance == Balance(60)
    assert granted(ledger.reserve("s", Demand((line(fixed=40),)))).before == (Balance(60),)


@pytest.mark.parametrize(("actual", "spent"), [({"tokens": 25, "usd": 70}, (25, 70)), ({"usd": 1}, (0, 1))])
def test_a_settlement_after_the_lease_is_exact_and_counts_once(
    ledger: Ledger, actual: Mapping[str, int], spent: tuple[int, int]
) -> None:
    ledger.reserve("other", Demand((line(fixed=5),)))
    ledger.reserve("r", ended(60))
    assert ledger.balances([TOKENS]) == [Balance(60, 5)]
    ledger.settle("r", actual)
    ledger.settle("r", actual)
    assert ledger.balances([TOKENS, USD]) == [Balance(spent[0], 5), Balance(spent[1])]


def test_a_release_after_the_lease_gives_all_back_and_does_so_once(ledger: Ledger) -> None:
    ledger.reserve("r", ended(60))
    assert ledger.balances([TOKENS]) == [Balance(60)]
    ledger.release("r")
    ledger.release("r")
    assert ledger.balances([TOKENS, USD]) == [Balance(), Balance()]


def test_a_replacement_gives_up_what_an_ended_lease_has_spent(ledger: Ledger) -> None:
    ledger.reserve("r", ended(60))
    assert ledger.balances([TOKENS]) == [Balance(60)]
    assert refused(ledger.reserve("s", Demand((line(fixed=101),)), replaces="r")).balance == Balance()
    assert ledger.balances([TOKENS]) == [Balance(60)], "a refusal leaves it as it was"
    assert granted(ledger.reserve("s", Demand((line(fixed=100),)), replaces="r")).before == (Balance(),)
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 100), Balance()]


def test_a_lease_is_renewed_until_it_ends(ledger: Ledger) -> None:
    ledger.reserve("r", Demand((line(fixed=60),)))
    ledger.reserve("s", Demand((line(fixed=10),)))
    assert ledger.renew(["r", "never", "s"], 60.0) == ["r", "s"]
    assert ledger.balances([TOKENS]) == [Balance(0, 70)]
    assert ledger.renew(["r"], 0) == ["r"], "no longer than this moment"
    assert ledger.renew(["r", "s"], 60.0) == ["s"], "an ended lease stays ended"
    assert ledger.balances([TOKENS]) == [Balance(60, 10)]
    ledger.settle("s", {"tokens": 10})
    assert ledger.renew(["r", "s"], 60.0) == []
    assert ledger.renew([], 60.0) == []


def test_a_lease_without_end_is_a_lease_too(ledger: Ledger) -> None:
    granted(ledger.reserve("r", Demand((line(fixed=60),), lease=math.inf)))
    assert ledger.balances([TOKENS]) == [Balance(0, 60)]
    ledger.settle("r", {"tokens": 1})
    assert ledger.balances([TOKENS]) == [Balance(1)]


def test_a_caller_whose_answer_was_lost_may_ask_again(ledger: Ledger) -> None:
    demand = Demand((line(fixed=10, slope=2), line(USD, slope=1)), most=80, least=1)
    ledger.reserve("old", Demand((line(fixed=50),)))
    first = granted(ledger.reserve("r", demand, replaces="old"))
    assert ledger.reserve("r", demand, replaces="old") == first == Grant(45, (Balance(), Balance()))
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 100), Balance(0, 45)]


@pytest.mark.parametrize("idle", [True, False])
def test_a_name_whose_lease_has_ended_cannot_be_reserved_again(ledger: Ledger, idle: bool) -> None:
    ledger.reserve("r", ended(60, idle=idle))
    with pytest.raises(StoreError, match=r"'r'.* ended"):
        ledger.reserve("r", ended(60, idle=idle))
    ledger.settle("r", {"tokens": 1})
    granted(ledger.reserve("r", ended(0)))


def test_a_store_that_was_closed_opens_again(ledger: Ledger, store: LedgerStore) -> None:
    ledger.reserve("r", Demand((line(fixed=60),)))
    store.close()
    store.close()
    assert ledger.balances([TOKENS]) == [Balance(0, 60)]


async def test_steps_asked_for_at_once_are_all_made(store: LedgerStore) -> None:
    demand = Demand((line(fixed=10),))
    answers = await asyncio.gather(*(store.areserve(f"r{number}", demand) for number in range(20)))
    assert sum(isinstance(answer, Grant) for answer in answers) == 10
    await asyncio.gather(*(store.asettle(f"r{number}", {"tokens": 1}) for number in range(20)))
    assert await store.abalances([TOKENS]) == [Balance(10)]


def test_both_forms_are_one_ledger(store: LedgerStore) -> None:
    with asyncio.Runner() as runner:
        awaited = Awaited(store, runner)
        awaited.reserve("r", Demand((line(fixed=40),)))
        assert store.balances([TOKENS]) == [Balance(0, 40)]
        store.settle("r", {"tokens": 3})
        assert awaited.balances([TOKENS]) == [Balance(3)]


# A limit over further accounts: the earlier parts of a rolling window.

EARLIER = ("agent=a:hour:12", "agent=a:hour:13")
NOW = ("agent=a:hour:14", "usd")


def rolling(fixed: int, *, slope: int = 0, limit: int = 100, also: tuple[str, ...] = EARLIER) -> Demand:
    return Demand((Line(*NOW, limit, fixed, slope, also=also),), most=99 if slope else 0)


def fill(ledger: Ledger) -> None:
    """30 spent and 20 idle in the earlier accounts, 5 in flight in the newest; what is of tokens does not count."""
    for name, amount in zip(EARLIER, (10, 20), strict=True):
        ledger.reserve(name, Demand((line((name, "usd"), fixed=amount), line((name, "tokens"), fixed=70))))
        ledger.settle(name, {"usd": amount, "tokens": 70})
    ledger.reserve("hold", Demand((line((EARLIER[1], "usd"), fixed=20),), idle=True))
    ledger.reserve("flight", rolling(5))


def test_what_further_accounts_hold_counts_against_the_limit(ledger: Ledger) -> None:
    fill(ledger)
    grant = granted(ledger.reserve("r", rolling(1, slope=2)))
    assert grant == Grant(22, (Balance(30, 25, 20),)), "(100 - 55 - 1) // 2"
    assert ledger.balances([NOW, (EARLIER[0], "usd"), (EARLIER[1], "usd")]) == [
        Balance(0, 50),
        Balance(10),
        Balance(20, 20, 20),
    ], "and nothing is put into them"
    refusal = refused(ledger.reserve("s", rolling(6)))
    assert refusal == Refusal(0, rolling(6).lines[0], Balance(30, 70, 20))
    assert granted(ledger.reserve("t", rolling(6, also=EARLIER[1:]))).before == (Balance(20, 70, 20),)


def test_further_accounts_that_nobody_touched_are_empty(ledger: Ledger) -> None:
    assert granted(ledger.reserve("r", rolling(100, also=("never", "nor this")))).before == (Balance(),)


def test_what_is_given_up_in_a_further_account_counts_as_free(ledger: Ledger) -> None:
    fill(ledger)
    assert refused(ledger.reserve("s", rolling(66))).balance == Balance(30, 25, 20)
    assert refused(ledger.reserve("s", rolling(66), replaces="hold")).balance == Balance(30, 5)
    assert granted(ledger.reserve("s", rolling(65), replaces="hold")).before == (Balance(30, 5),)


def test_a_lost_answer_of_a_rolling_limit_is_given_again(ledger: Ledger) -> None:
    fill(ledger)
    demand = rolling(1, slope=2)
    assert ledger.reserve("r", demand) == ledger.reserve("r", demand) == Grant(22, (Balance(30, 25, 20),))


# What was raised by hand, and beginning anew.


def test_what_was_raised_may_be_spent_beyond_the_limit(ledger: Ledger, books: Books) -> None:
    granted(ledger.reserve("r", Demand((line(fixed=60),))))
    assert books.raise_limit(*TOKENS, 25, expires=86_400.0, note="a long day") == Balance(0, 60, 0, 25)
    assert granted(ledger.reserve("s", Demand((line(slope=1),), most=99))) == Grant(65, (Balance(0, 60, 0, 25),))
    refusal = refused(ledger.reserve("t", Demand((line(fixed=1),))))
    assert refusal.balance == Balance(0, 125, 0, 25)
    assert refusal.passing(1)
    ledger.settle("r", {"tokens": 60})
    ledger.settle("s", {"tokens": 65})
    refusal = refused(ledger.reserve("t", Demand((line(fixed=1),))))
    assert (refusal.balance, refusal.passing(1)) == (Balance(125, 0, 0, 25), False)
    [row] = books.history()
    assert (row.kind, row.account, row.amounts, row.note) == ("raised", "task:1", {"tokens": 25}, "a long day")


def test_a_limit_can_be_lowered_below_what_is_spent(ledger: Ledger, books: Books) -> None:
    books.raise_limit(*TOKENS, 10, expires=60.0)
    assert books.raise_limit(*TOKENS, -110, expires=60.0) == Balance(raised=-100)
    assert refused(ledger.reserve("r", Demand((line(fixed=1),)))).balance == Balance(raised=-100)
    assert ledger.balances([TOKENS, USD]) == [Balance(raised=-100), Balance()]


def test_what_was_raised_in_a_further_account_counts(ledger: Ledger, books: Books) -> None:
    fill(ledger)
    books.raise_limit(EARLIER[0], "usd", 7, expires=60.0)
    books.raise_limit(*NOW, 4, expires=60.0)
    assert granted(ledger.reserve("r", rolling(56))).before == (Balance(30, 25, 20, 11),)


def test_a_reset_begins_anew_and_keeps_what_is_set_aside(ledger: Ledger, books: Books) -> None:
    for name, amount in (("r", 50), ("s", 30)):
        ledger.reserve(name, Demand((line(fixed=amount), line(USD, fixed=amount))))
    ledger.settle("r", {"tokens": 44, "usd": 4})
    books.raise_limit(*TOKENS, 9, expires=60.0)
    assert books.reset(*TOKENS, note="wrong tariff") == Balance(44, 30, 0, 9)
    assert ledger.balances([TOKENS, USD]) == [Balance(0, 30), Balance(4, 30)]
    row = next(books.history())
    assert (row.kind, row.account, row.amounts, row.note) == ("reset", "task:1", {"tokens": 44}, "wrong tariff")
    ledger.settle("s", {"tokens": 20})
    assert ledger.balances([TOKENS]) == [Balance(20)]


def test_resetting_what_nobody_touched_changes_nothing(ledger: Ledger, books: Books) -> None:
    assert books.reset("never", "usd") == Balance()
    assert ledger.balances([("never", "usd")]) == [Balance()]


@pytest.mark.parametrize("late", ["settled", "released"])
def test_what_a_reset_took_off_is_not_taken_back_again(ledger: Ledger, books: Books, late: str) -> None:
    ledger.reserve("r", ended(60))
    assert books.reset(*TOKENS) == Balance(60)
    ledger.reserve("s", Demand((line(fixed=50),)))
    ledger.settle("s", {"tokens": 50})
    if late == "settled":
        ledger.settle("r", {"tokens": 25, "usd": 3})
        assert ledger.balances([TOKENS, USD]) == [Balance(75), Balance(3)]
    else:
        ledger.release("r")
        assert ledger.balances([TOKENS, USD]) == [Balance(50), Balance()]
    taken_back = next(row for row in books.history() if row.kind == "expired")
    assert taken_back.amounts == {"tokens": 0, "usd": -60}


# History.

BOOKED = Entry(
    task="1",
    agent="a",
    tags={"user": 'ü " \n'},
    model="gpt-4o",
    price="genai-prices 2026-11-22",
    amounts={"tokens": 33, "usd": 2**53 - 1, "cached_input": 7},
    value=5,
    note="a note",
)


def untimed(rows: Iterable[Entry]) -> list[Entry]:
    return [replace(row, at=0.0) for row in rows]


def test_a_settlement_is_put_into_the_history_in_the_same_step(ledger: Ledger, books: Books) -> None:
    before = time.time()
    for name, entry in (("r", BOOKED), ("s", Entry("unknown", amounts={"tokens": 9})), ("t", None)):
        ledger.reserve(name, Demand((line(fixed=10),)))
        ledger.settle(name, {"tokens": 1}, entry)
    rows = list(books.history())
    assert untimed(rows) == [Entry("unknown", amounts={"tokens": 9}), BOOKED], "the newest first"
    assert all(before - 5 <= row.at <= time.time() + 5 for row in rows)


def test_a_settlement_that_counts_for_nothing_is_not_in_the_history(ledger: Ledger, books: Books) -> None:
    ledger.settle("never", {"tokens": 1}, BOOKED)
    ledger.reserve("r", Demand((line(fixed=10),)))
    ledger.settle("r", {"tokens": 1}, BOOKED)
    ledger.settle("r", {"tokens": 1}, BOOKED)
    ledger.reserve("s", Demand((line(fixed=10),)))
    ledger.release("s")
    assert untimed(books.history()) == [BOOKED]


def test_a_call_under_no_limit_is_in_the_history_too(ledger: Ledger, books: Books) -> None:
    ledger.reserve("r", Demand(()))
    ledger.settle("r", {"tokens": 1}, BOOKED)
    assert untimed(books.history()) == [BOOKED]


def test_the_history_of_a_time_is_from_then_until_before_then(ledger: Ledger, books: Books) -> None:
    ledger.reserve("r", Demand(()))
    ledger.settle("r", {}, BOOKED)
    [row] = books.history()
    assert list(books.history(since=row.at)) == [row]
    assert list(books.history(since=row.at, until=row.at)) == []
    assert list(books.history(until=row.at + 1)) == [row]
    assert list(books.history(since=row.at + 1)) == []


def test_a_lease_that_ends_says_so_in_the_history(ledger: Ledger, books: Books) -> None:
    lines = (line(DAY, fixed=9), line(USD, fixed=60), line(fixed=7))
    ledger.reserve("r", Demand(lines, lease=0))
    ledger.reserve("idle", ended(1, idle=True))
    ledger.balances([USD])
    row = Entry("expired", task="1", amounts={"usd": 60, "tokens": 7}, note="r")
    assert untimed(books.history()) == [row], "a resource at the largest amount of its accounts; of what is idle none"
    ledger.balances([USD])
    assert untimed(books.history()) == [row], "once"


def test_an_ended_lease_of_no_task_is_of_none(ledger: Ledger, books: Books) -> None:
    ledger.reserve("r", Demand((line(DAY, fixed=9),), lease=0))
    assert untimed(books.history()) == [Entry("expired", amounts={"usd": 9}, note="r")]


@pytest.mark.parametrize("late", ["settled", "released", "replaced"])
def test_an_ended_lease_that_is_taken_back_is_so_in_the_history(ledger: Ledger, books: Books, late: str) -> None:
    ledger.reserve("r", ended(60))
    refused(ledger.reserve("s", Demand((line(fixed=101),)), replaces="r"))
    rows = [Entry("expired", task="1", amounts={"tokens": 60 * sign, "usd": 60 * sign}, note="r") for sign in (-1, 1)]
    assert untimed(books.history()) == rows[1:]
    if late == "settled":
        ledger.settle("r", {"tokens": 25}, BOOKED)
        rows.insert(0, BOOKED)
    elif late == "released":
        ledger.release("r")
    else:
        granted(ledger.reserve("s", Demand((line(fixed=100),)), replaces="r"))
    assert untimed(books.history()) == rows


# The books of a store, and moving them to another.


def test_the_books_know_every_account(ledger: Ledger, books: Books) -> None:
    ledger.reserve("r", Demand((line(fixed=60)._replace(expires=1_000.0), line(USD, fixed=60)), lease=0))
    ledger.reserve("hold", idle(5))
    books.raise_limit("user=ü%3A:day:1", "usd", 3, expires=500.0)
    known = {(one.account, one.resource): one for one in books.accounts() if any(one.balance)}
    balances = {key: one.balance for key, one in known.items()}
    assert balances == {
        TOKENS: Balance(60, 5, 5),
        USD: Balance(60, 5, 5),
        ("user=ü%3A:day:1", "usd"): Balance(raised=3),
    }
    assert known["user=ü%3A:day:1", "usd"].expires >= 490, "a store may keep it longer"
    assert known[USD].expires > 86_000


def busy(ledger: Ledger, books: Books) -> None:
    """A ledger with all there can be in it."""
    ledger.reserve("settled", Demand((line(fixed=9), line(DAY, limit=500, fixed=9))))
    ledger.settle("settled", {"tokens": 7, "usd": 8}, BOOKED)
    ledger.reserve("over", Demand((line(fixed=10), line(USD, fixed=10)), lease=0))
    ledger.reserve("given", ended(3, idle=True))
    ledger.reserve("flight", Demand((line(fixed=20, slope=1), line(DAY, limit=500, fixed=30)), most=5, lease=600.0))
    ledger.reserve("forever", Demand((line(fixed=1),), lease=math.inf))
    ledger.reserve("no limit", Demand((), most=8))
    ledger.reserve("hold", idle(15))
    books.raise_limit(*DAY, 40, expires=86_400.0, note="raised")
    ledger.balances([])


KEYS = [TOKENS, USD, DAY]


@pytest.fixture(params=STORES)
def successor(request: pytest.FixtureRequest) -> Iterator[LedgerStore]:
    make: Callable[[pytest.FixtureRequest], LedgerStore] = request.param
    with contextlib.closing(make(request)) as made:
        yield made


def test_a_move_between_any_two_stores_loses_nothing(store: LedgerStore, books: Books, successor: LedgerStore) -> None:
    busy(store, books)
    balances, history = store.balances(KEYS), list(books.history())
    books.retire("sqlite:///next.db")
    assert isinstance(successor, Books)
    successor.absorb(books.export())
    assert successor.balances(KEYS) == balances == [Balance(17, 41, 15), Balance(10, 15, 15), Balance(8, 30, 0, 40)]
    assert list(successor.history()) == history
    assert successor.renew(["flight", "over", "given", "hold", "settled", "forever", "no limit"], 500.0) == [
        "flight",
        "hold",
        "forever",
        "no limit",
    ]
    expires = {(one.account, one.resource): one.expires for one in successor.accounts()}
    assert all(expires[key] > 86_000 for key in KEYS), "they are kept as long as was asked for"
    successor.settle("flight", {"tokens": 2, "usd": 3}, BOOKED)
    successor.settle("over", {"tokens": 4, "usd": 1})
    successor.release("forever")
    successor.settle("given", {"tokens": 1})
    assert successor.balances(KEYS) == [Balance(14, 15, 15), Balance(1, 15, 15), Balance(11, 0, 0, 40)]
    taken_back = Entry("expired", task="1", amounts={"tokens": -10, "usd": -10}, note="over")
    assert untimed(successor.history()) == [taken_back, BOOKED, *untimed(history)]
    grant = granted(successor.reserve("landing", Demand((line(fixed=1),)), replaces="hold"))
    assert grant.before == (Balance(14),)


def test_a_caller_who_asks_again_after_a_move_is_known(
    store: LedgerStore, books: Books, successor: LedgerStore
) -> None:
    demand = Demand((line(fixed=10, slope=2), line(USD, slope=1)), most=80, least=1)
    first = store.reserve("r", demand)
    assert isinstance(successor, Books)
    successor.absorb(books.export())
    assert successor.reserve("r", demand) == first
    assert successor.balances([TOKENS]) == [Balance(0, 100)]


def test_leases_that_end_while_a_ledger_moves_end_in_the_new_one(
    store: LedgerStore, books: Books, successor: LedgerStore
) -> None:
    store.reserve("r", Demand((line(fixed=60),)))
    store.renew(["r"], 0)
    books.retire("redis://next")
    assert isinstance(successor, Books)
    successor.absorb(books.export())
    assert successor.balances([TOKENS]) == [Balance(60)]
    assert untimed(successor.history()) == [Entry("expired", task="1", amounts={"tokens": 60}, note="r")]


@pytest.mark.parametrize("used", ["account", "reservation", "history"])
def test_only_an_empty_ledger_takes_another_over(ledger: Ledger, books: Books, used: str) -> None:
    if used == "account":
        ledger.reserve("r", Demand((line(fixed=1),)))
        ledger.settle("r", {"tokens": 1})
    else:
        ledger.reserve("r", Demand(()))
        if used == "history":
            ledger.settle("r", {}, BOOKED)
    with pytest.raises(StoreError, match="Only an empty ledger"):
        books.absorb(iter([Account(*USD, Balance(5), 60.0)]))
    assert ledger.balances([USD]) == [Balance()]


def test_a_move_that_fails_can_be_made_again(ledger: Ledger, books: Books) -> None:
    records: list[Record] = [Account(*USD, Balance(5), 60.0), BOOKED]

    def broken() -> Iterator[Record]:
        yield from records
        raise StoreError("The other ledger is gone.")

    with pytest.raises(StoreError, match="is gone"):
        books.absorb(broken())
    books.absorb(records)
    assert ledger.balances([USD]) == [Balance(5)]
    assert untimed(books.history()) == [BOOKED]


def test_a_reservation_of_an_unknown_account_cannot_be_taken_over(books: Books) -> None:
    with pytest.raises(StoreError, match="'r' is of an account that was not handed over"):
        books.absorb([Held("r", 1, ((*USD, 5),), 60.0, idle=False, ended=False)])


def test_a_retired_ledger_refuses_every_call_and_names_its_successor(ledger: Ledger, books: Books) -> None:
    ledger.reserve("r", Demand((line(fixed=60),)))
    books.retire("redis://ledger.example:6379/0")
    steps: list[Callable[[], object]] = [
        lambda: ledger.reserve("s", Demand((line(fixed=1),))),
        lambda: ledger.settle("r", {"tokens": 1}, BOOKED),
        lambda: ledger.settle("never", {}),
        lambda: ledger.release("r"),
        lambda: ledger.renew(["r"], 60.0),
        lambda: ledger.renew([], 60.0),
        lambda: ledger.balances([TOKENS]),
        lambda: books.raise_limit(*TOKENS, 1, expires=60.0),
        lambda: books.reset(*TOKENS),
        lambda: books.absorb([]),
    ]
    for step in steps:
        with pytest.raises(StoreError, match=r"has moved to redis://ledger\.example:6379/0;"):
            step()
    assert [one.balance for one in books.accounts()] == [Balance(0, 60)], "its books can be read"
    assert list(books.history()) == []
    books.reinstate()
    ledger.settle("r", {"tokens": 1})
    assert ledger.balances([TOKENS]) == [Balance(1)]


def test_a_closed_store_is_still_retired(ledger: Ledger, store: LedgerStore, books: Books) -> None:
    books.retire("memory")
    store.close()
    with pytest.raises(StoreError, match="has moved to memory"):
        ledger.balances([TOKENS])

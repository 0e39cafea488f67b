"""What every ledger store must do, in its plain and its awaited form: add a store to STORES."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

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
    return SqliteStore(folder / "ledger.db")


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

"""Moving a ledger: nothing is lost, nothing counts twice, and what fails leaves the source in use."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, cast

import pytest
from patience import PATIENCE
from typer.testing import CliRunner

from leanloop.adapters.cli.app import app
from leanloop.budgets.books import Account, Held, Record
from leanloop.budgets.history import Entry
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.move import Moved, StoreWithBooks, move
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, Grant, Line
from leanloop.budgets.stores import open_store
from leanloop.errors import StoreError, UsageError

DAY = "user=u1:day:2026-11-22"
WEEK = 7 * 86_400.0


class RedisServer(Protocol):
    """tests/conftest.py's RedisServer."""

    def url(self) -> str: ...


Make = Callable[[], str]


@pytest.fixture
def sqlite(tmp_path: Path) -> Make:
    numbers = itertools.count()
    return lambda: f"sqlite:///{tmp_path}/{next(numbers)}.db"


@pytest.fixture(params=["sqlite to redis", "redis to sqlite", "sqlite to sqlite", "redis to redis"])
def addresses(request: pytest.FixtureRequest, sqlite: Make) -> tuple[str, str]:
    server: RedisServer = request.getfixturevalue("one_redis")
    make = {"sqlite": sqlite, "redis": server.url}
    source, _, target = str(request.param).split()
    return make[source](), make[target]()


def opened(address: str) -> StoreWithBooks:
    return cast("StoreWithBooks", open_store(address))


@pytest.fixture
def stores(addresses: tuple[str, str]) -> Iterator[tuple[StoreWithBooks, StoreWithBooks]]:
    source, target = map(opened, addresses)
    yield source, target
    source.close()
    target.close()


def demand(amount: int = 10, *, lease: float = 600.0, idle: bool = False, limit: int = 1_000) -> Demand:
    lines = tuple(Line(name, "tokens", limit, amount, expires=WEEK) for name in ("task:t1", DAY))
    return Demand(lines, lease=lease, idle=idle)


def fill(store: StoreWithBooks) -> None:
    """A call that was settled, one in flight, a landing reserve, an ended lease, and a limit raised by hand."""
    store.reserve("settled", demand())
    store.settle("settled", {"tokens": 7}, Entry("call", task="t1", amounts={"tokens": 7}))
    store.reserve("in flight", demand(20))
    store.reserve("landing", demand(30, idle=True))
    store.reserve("ended", demand(40, lease=0.0))
    store.raise_limit(DAY, "tokens", 500, expires=WEEK, note="why")


def balances(store: StoreWithBooks) -> dict[tuple[str, str], Balance]:
    return {(one.account, one.resource): one.balance for one in store.accounts()}


def test_all_that_is_kept_is_moved_either_way(stores: tuple[StoreWithBooks, StoreWithBooks]) -> None:
    source, target = stores
    fill(source)
    before = balances(source), [(row.kind, row.amounts, row.note) for row in source.history()]
    assert move(source, target, successor="elsewhere") == Moved(accounts=2, in_flight=1, rows=3)
    assert (balances(target), [(row.kind, row.amounts, row.note) for row in target.history()]) == before
    assert before[0][DAY, "tokens"] == Balance(spent=47, reserved=50, idle=30, raised=500)


def test_the_source_refuses_every_call_and_names_its_successor(stores: tuple[StoreWithBooks, StoreWithBooks]) -> None:
    source, target = stores
    fill(source)
    move(source, target, successor="redis://new:6379/0")
    for call in (
        lambda: source.reserve("new", demand()),
        lambda: source.settle("in flight", {"tokens": 1}),
        lambda: source.renew(["in flight"], 60.0),
    ):
        with pytest.raises(StoreError, match="redis://new:6379/0"):
            call()


def test_a_call_in_flight_stands_on_its_lease_in_the_target(stores: tuple[StoreWithBooks, StoreWithBooks]) -> None:
    source, target = stores
    fill(source)
    move(source, target, successor="elsewhere")
    assert target.renew(["in flight", "landing"], 60.0) == ["in flight", "landing"]
    target.settle("in flight", {"tokens": 3})
    target.settle("ended", {"tokens": 2})  # late, and still exact
    target.release("landing")
    assert balances(target)[DAY, "tokens"] == Balance(spent=7 + 3 + 2, raised=500)


def test_a_call_in_flight_that_nobody_settles_counts_at_its_worst_case(
    stores: tuple[StoreWithBooks, StoreWithBooks],
) -> None:
    source, target = stores
    source.reserve("in flight", demand(20))
    move(source, target, successor="elsewhere")
    target.renew(["in flight"], 0.0)
    assert balances(target)[DAY, "tokens"] == Balance(spent=20)


def test_a_target_that_is_in_use_is_refused_and_the_source_goes_on(
    stores: tuple[StoreWithBooks, StoreWithBooks],
) -> None:
    source, target = stores
    fill(source)
    target.reserve("own", demand())
    with pytest.raises(StoreError, match=r"Only an empty ledger .* source is in use as before"):
        move(source, target, successor="elsewhere")
    assert isinstance(source.reserve("next", demand()), Grant)
    assert balances(target)[DAY, "tokens"] == Balance(reserved=10)


def test_a_move_that_was_interrupted_is_run_again(stores: tuple[StoreWithBooks, StoreWithBooks]) -> None:
    source, target = stores
    fill(source)
    source.retire("elsewhere")  # and there it was killed
    assert move(source, target, successor="elsewhere").in_flight == 1
    assert move(source, target, successor="elsewhere").rows == 3  # or there, when all was done but being said


def test_a_finished_move_is_not_undone_by_running_it_again(stores: tuple[StoreWithBooks, StoreWithBooks]) -> None:
    source, target = stores
    fill(source)
    move(source, target, successor="elsewhere")
    target.settle("in flight", {"tokens": 1})
    with pytest.raises(StoreError, match=r"Only an empty ledger .* stays so"):
        move(source, target, successor="elsewhere")
    with pytest.raises(StoreError, match="elsewhere"):
        source.reserve("next", demand())


def test_a_move_that_breaks_in_the_middle_can_be_made_again(
    stores: tuple[StoreWithBooks, StoreWithBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores
    fill(source)
    whole = source.export

    def broken() -> Iterator[Record]:
        yield from itertools.islice(whole(), 3)
        raise StoreError("The line is dead.")

    with monkeypatch.context() as patched:
        patched.setattr(source, "export", broken)
        with pytest.raises(StoreError, match=r"The line is dead\. Nothing was moved, and the source is in use"):
            move(source, target, successor="elsewhere")
    assert isinstance(source.reserve("next", demand()), Grant)
    assert move(source, target, successor="elsewhere") == Moved(accounts=2, in_flight=2, rows=3)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_a_target_that_keeps_less_history_is_refused(request: pytest.FixtureRequest, sqlite: Make, kind: str) -> None:
    address = sqlite() if kind == "sqlite" else request.getfixturevalue("one_redis").url()
    source, target = opened(sqlite()), opened(f"{address}{'&' if '?' in address else '?'}history=0")
    fill(source)
    with pytest.raises(
        StoreError, match=r"keeps 0 rows of the history, and the source has 3.* larger \?history=ROWS.* empty target"
    ):
        move(source, target, successor="elsewhere")
    assert isinstance(source.reserve("next", demand()), Grant)
    source.close()
    target.close()


def test_calls_made_during_a_move_are_booked_once_or_stand_on_their_lease(
    stores: tuple[StoreWithBooks, StoreWithBooks],
) -> None:
    source, target = stores
    settled, cut_off = itertools.count(), itertools.count()
    under_way = threading.Semaphore(0)

    def work(worker: int) -> None:
        for number in itertools.count():
            name = f"{worker}-{number}"
            try:
                source.reserve(name, demand(10, limit=10**9))
            except StoreError:
                return
            try:
                source.settle(name, {"tokens": 7})
            except StoreError:
                next(cut_off)
                return
            next(settled)
            under_way.release()

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(work, worker) for worker in range(4)]
        for _ in range(40):
            under_way.acquire()
        move(source, target, successor="elsewhere")
        for one in done:
            one.result(timeout=PATIENCE)
    assert balances(target)[DAY, "tokens"] == Balance(spent=7 * next(settled), reserved=10 * next(cut_off))


@pytest.mark.parametrize("memory", ["source", "target"])
def test_memory_is_refused_with_a_reason(tmp_path: Path, memory: str) -> None:
    pair: list[StoreWithBooks] = [MemoryStore(), SqliteStore(tmp_path / "ledger.db")]
    source, target = pair if memory == "source" else reversed(pair)
    with pytest.raises(UsageError, match="no other process sees it"):
        move(source, target, successor="elsewhere")


def test_a_store_is_not_moved_onto_itself(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "ledger.db")
    with pytest.raises(UsageError, match="same store"):
        move(store, store, successor="elsewhere")
    fill(store)
    with pytest.raises(StoreError, match="in use as before"):  # under another name
        move(store, SqliteStore(tmp_path / "." / ".." / tmp_path.name / "ledger.db"), successor="elsewhere")
    assert isinstance(store.reserve("next", demand()), Grant)


class Lossy(SqliteStore):
    """Loses what it is told to lose."""

    loses: Callable[[Record], bool]

    def absorb(self, records: Iterable[Record]) -> None:
        super().absorb(record for record in records if not self.loses(record))


def is_row(record: Record) -> bool:
    return isinstance(record, Entry)


def is_reservation(record: Record) -> bool:
    return isinstance(record, Held)


def is_ended(record: Record) -> bool:
    return isinstance(record, Held) and record.ended


def is_balance(record: Record) -> bool:
    return not isinstance(record, Entry)


@pytest.mark.parametrize(
    ("loses", "words"),
    [
        (is_row, "keeps 0 rows of the history, and the source has 3"),
        (is_reservation, "3 of 3 reservations are missing"),
        (is_balance, "another balance of tokens in task:t1 than the source: 0 spent"),
        (is_ended, "1 of 3 reservations are missing"),
    ],
    ids=["history", "reservations", "accounts", "ended"],
)
def test_what_is_missing_in_the_target_fails_the_move(
    tmp_path: Path, loses: Callable[[Record], bool], words: str
) -> None:
    source, target = SqliteStore(tmp_path / "source.db"), Lossy(tmp_path / "target.db")
    target.loses = loses
    fill(source)
    with pytest.raises(StoreError, match=words):
        move(source, target, successor="elsewhere")
    assert isinstance(source.reserve("next", demand()), Grant)


def test_an_account_whose_time_is_up_may_be_forgotten_meanwhile(tmp_path: Path) -> None:
    source, target = SqliteStore(tmp_path / "source.db"), Lossy(tmp_path / "target.db")
    target.loses = lambda one: isinstance(one, Account)
    source.raise_limit(DAY, "tokens", 5, expires=1.0)
    assert move(source, target, successor="elsewhere").accounts == 1


class Interrupted(SqliteStore):
    """As if somebody pressed a key in the middle."""

    def absorb(self, records: Iterable[Record]) -> None:
        next(iter(records))
        raise KeyboardInterrupt


def test_an_interrupted_move_leaves_the_source_in_use(tmp_path: Path) -> None:
    source = SqliteStore(tmp_path / "source.db")
    fill(source)
    with pytest.raises(KeyboardInterrupt):
        move(source, Interrupted(tmp_path / "target.db"), successor="elsewhere")
    assert isinstance(source.reserve("next", demand()), Grant)


def test_a_source_that_cannot_be_read_is_not_said_to_be_retired(tmp_path: Path) -> None:
    (tmp_path / "source.db").write_bytes(b"no database, but long enough to look at" * 30)
    with pytest.raises(StoreError, match="it is no SQLite database") as caught:
        move(SqliteStore(tmp_path / "source.db"), SqliteStore(tmp_path / "target.db"), successor="elsewhere")
    assert "out of use" not in str(caught.value)


class Stuck(SqliteStore):
    """Its disk fills at the worst moment."""

    def reinstate(self) -> None:
        raise StoreError("the disk is full")


def test_a_source_that_cannot_be_put_back_into_use_is_told(tmp_path: Path) -> None:
    source, target = Stuck(tmp_path / "source.db"), SqliteStore(tmp_path / "target.db")
    target.reserve("own", demand())
    with pytest.raises(StoreError, match="could not be put back into use: the disk is full"):
        move(source, target, successor="elsewhere")


def run(*arguments: str, answer: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["budget", *arguments], input=answer)
    if isinstance(result.exception, StoreError):
        raise result.exception
    return result.exit_code, result.stdout


def test_the_command_moves_says_so_and_reinstates(sqlite: Make, tmp_path: Path) -> None:
    source, target = sqlite(), sqlite()
    fill(opened(source))
    file = tmp_path / "budget.yaml"
    file.write_text(f"agent: a\nstore: {source}", encoding="utf-8")
    assert run("move", str(file), target, answer="n\n")[0] == 1
    assert isinstance(opened(source).reserve("next", demand(1)), Grant)
    code, told = run("move", str(file), target, answer="y\n")
    assert code == 0
    assert f"Move {source} to {target}." in told
    assert "2 balances, 2 calls in flight, 3 rows of history" in told
    with pytest.raises(StoreError, match=target):
        opened(source).reserve("refused", demand(1))
    assert run("move", str(file), target, "--yes")[0] == 0
    assert run("reinstate", source, answer="n\n")[0] == 1
    assert run("reinstate", source, "--yes")[0] == 0
    assert run("reinstate", source, answer="y\n")[0] == 0
    assert isinstance(opened(source).reserve("granted", demand(1)), Grant)
    for address in (source, target):
        opened(address).close()

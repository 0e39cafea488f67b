"""What is particular to the ledger in SQLite: files that cannot be used, processes, clocks, and what is forgotten."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import sqlite3
import stat
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leanloop.budgets.books import Account, Held
from leanloop.budgets.history import Entry
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, Grant, Line, Refusal
from leanloop.errors import StoreError

pytestmark = pytest.mark.sqlite

USD = ("task:1", "usd")


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def demand(fixed: int = 10, account: str = "task:1", *, expires: float = 86_400.0, lease: float = 120.0) -> Demand:
    return Demand((Line(account, "usd", 100, fixed, expires=expires),), lease=lease)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(path: Path, clock: Clock) -> Iterator[SqliteStore]:
    made = SqliteStore(path, timeout=0, clock=clock)
    yield made
    made.close()


# --- files that cannot be used: a clear sentence, and nothing is granted


def refused(store: SqliteStore, says: str) -> None:
    """Every step fails the same way, in the plain and in the awaited form."""
    with pytest.raises(StoreError, match=says):
        store.reserve("r", demand())
    with pytest.raises(StoreError, match=says):
        asyncio.run(store.asettle("r", {}))
    store.close()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    refused(SqliteStore(tmp_path), r"is a folder; name a file, such as .*leanloop\.db")


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    refused(SqliteStore(tmp_path / "missing" / "ledger.db"), "its folder does not exist; make that first")


def test_a_path_no_disk_takes_is_a_plain_error(tmp_path: Path) -> None:
    refused(SqliteStore(tmp_path / ("a" * 300)), r"cannot be used: File name too long\. Give it another path")


def test_a_file_that_is_no_database_is_left_as_it_is(store: SqliteStore, path: Path) -> None:
    path.write_text("not a ledger " * 1_000)
    refused(store, "is no SQLite database; give the ledger a path of its own")
    assert path.read_text() == "not a ledger " * 1_000


@pytest.mark.parametrize(
    "makes", ["CREATE TABLE accounts (id)", "PRAGMA application_id = 7", "PRAGMA user_version = 1"]
)
def test_another_programs_database_is_left_as_it_is(store: SqliteStore, path: Path, makes: str) -> None:
    other = sqlite3.connect(path)
    other.execute(makes)
    other.commit()
    other.close()
    before = path.read_bytes()
    refused(store, "is another program's database; give the ledger a path of its own")
    assert path.read_bytes() == before


def test_a_ledger_of_a_later_version_is_not_touched(store: SqliteStore, path: Path) -> None:
    store.reserve("r", demand())
    store.close()
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 2")
    later.close()
    refused(store, r"written by a later leanloop \(its format is 2, this one knows 1\); update leanloop")


def test_an_empty_file_becomes_a_ledger(store: SqliteStore, path: Path) -> None:
    path.touch()
    assert isinstance(store.reserve("r", demand()), Grant)


def test_a_damaged_file_says_what_to_do(store: SqliteStore, path: Path) -> None:
    for number in range(200):
        store.reserve(f"r{number}", demand(1, f"task:{number}"))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4_096] + b"\xa5" * (len(whole) - 4_096))
    refused(store, "it is damaged; restore a copy, or move it away together with its -wal and -shm files")


@pytest.mark.parametrize("lines", ["no JSON", "[7]", '[[1, "usd"]]', '[[1, "usd", null]]', "7"])
def test_a_damaged_reservation_says_so(store: SqliteStore, path: Path, lines: str) -> None:
    store.reserve("r", demand())
    other = sqlite3.connect(path)
    other.execute("UPDATE reservations SET lines = ?", (lines,))
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="A reservation in the ledger is damaged"):
        store.settle("r", {"usd": 1})


def test_a_full_disk_loses_nothing_that_was_recorded(store: SqliteStore) -> None:
    assert isinstance(store.reserve("r", demand(60)), Grant)
    store._file.run(lambda db: db.execute("PRAGMA max_page_count = 1"))  # SQLite then acts as on a full disk
    with pytest.raises(StoreError, match="its disk is full; free some space"):
        store.reserve("s" * 100_000, demand(1, "task:2"))
    assert store.balances([USD]) == [Balance(0, 60)]
    store.settle("r", {"usd": 7})
    assert store.balances([USD]) == [Balance(7)]


def in_child(work: Callable[[], None]) -> int:
    """Run it in a forked process; gives its exit code, 0 where it went well."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # noqa: BLE001 a child must end here, whatever happens
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_disk_that_fails_is_an_error_and_grants_nothing(store: SqliteStore, path: Path) -> None:
    """A file that may grow no further fails as a broken disk does."""
    store.reserve("r", demand(60))

    def fail() -> None:
        size = path.with_name("ledger.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        with pytest.raises(StoreError, match="cannot be used: its disk"):
            store.reserve("s", demand(1))

    assert in_child(fail) == 0
    assert store.balances([USD]) == [Balance(0, 60)]


@pytest.mark.parametrize("folder", [True, False])
def test_a_file_this_user_may_not_write_says_so(folder: bool) -> None:
    """Root may write anything, so a child gives that up first."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:  # pytest's own folders are closed to other users
        path = Path(place) / "ledger.db"
        store = SqliteStore(path)
        store.reserve("r", demand())
        store.close()
        path.chmod(0o444)
        Path(place).chmod(0o555 if folder else 0o777)

        def write() -> None:
            if not os.getuid():
                os.setuid(65_534)
            refused(SqliteStore(path), "cannot be used: it cannot be (written|opened); this user needs to")

        assert in_child(write) == 0
        Path(place).chmod(stat.S_IRWXU)


def test_a_drive_that_can_keep_no_log_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def without_shared_memory(path: Path, **options: object) -> sqlite3.Connection:
        """As on a network drive: locks are files of their own."""
        return connect(f"file:{path}?vfs=unix-dotfile", uri=True, isolation_level=None, check_same_thread=False)

    monkeypatch.setattr(sqlite3, "connect", without_shared_memory)
    refused(SqliteStore(path), "put it on a local disk, or use redis://")


def test_a_value_sqlite_cannot_hold_is_refused_whole(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="cannot hold a value"):
        store.reserve("r", Demand((Line(*USD, 2**70, 1), Line("task:2", "usd", 2**70, 2**65))))
    with pytest.raises(StoreError, match="cannot hold a value"):
        store.reserve("\ud800", demand())
    assert store.balances([USD]) == [Balance()]


def test_what_cannot_be_counted_exactly_is_not_booked(store: SqliteStore) -> None:
    store.reserve("r", demand())
    held = store.balances([USD])
    for amount in (2**53, -(2**53)):
        with pytest.raises(StoreError, match=f"{amount} of 'usd' is more than a ledger can count exactly"):
            store.settle("r", {"usd": amount})
        with pytest.raises(StoreError, match="can count exactly"):
            store.raise_limit(*USD, amount, expires=60)
    assert store.balances([USD]) == held


# --- other threads and processes


def test_a_file_that_is_locked_for_too_long_is_an_error(store: SqliteStore, path: Path) -> None:
    store.reserve("r", demand())
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"was in use by other threads or processes for longer than 0 s\. See what"):
        store.reserve("s", demand())
    other.close()
    assert isinstance(store.reserve("s", demand()), Grant)


def test_a_new_file_that_is_locked_for_too_long_is_an_error(store: SqliteStore, path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    refused(store, "was in use by other threads or processes")
    other.close()
    assert isinstance(store.reserve("r", demand()), Grant)


def test_a_lock_that_is_given_up_in_time_is_waited_for(path: Path) -> None:
    store = SqliteStore(path, timeout=30)
    store.reserve("r", demand())
    other = sqlite3.connect(path, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    tries: list[float] = []
    done = threading.Thread(target=lambda: store.settle("r", {"usd": 5}))

    def pause(waited: float) -> float:
        tries.append(waited)
        if len(tries) == 5:
            other.rollback()
        return 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("leanloop.budgets.sqlite_file._pause", pause)
        done.start()
        done.join()
    assert len(tries) == 5
    assert store.balances([USD]) == [Balance(5)]
    store.close()
    other.close()


def test_a_lease_that_ends_while_a_step_waits_has_ended(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path, timeout=30, clock=clock)
    store.reserve("r", demand(10, lease=30))
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")

    def pause(_waited: float) -> float:
        clock.now += 60
        other.rollback()
        return 0.0

    monkeypatch.setattr("leanloop.budgets.sqlite_file._pause", pause)
    assert store.renew(["r"], 30) == []
    assert store.balances([USD]) == [Balance(10)]
    store.close()
    other.close()


def test_the_file_outlives_a_power_cut(store: SqliteStore) -> None:
    def settings(db: sqlite3.Connection) -> list[object]:
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    store.reserve("r", demand())
    assert store._file.run(settings) == ["wal", 1], "what a log is written for, and normal"


def test_a_thread_waits_for_another_no_longer_than_the_timeout(store: SqliteStore) -> None:
    store.reserve("r", demand())
    with (
        ThreadPoolExecutor(1) as other,
        store._file._lock,
        pytest.raises(StoreError, match="longer than 0 s"),
    ):
        other.submit(store.balances, [USD]).result()
    assert store.balances([USD]) == [Balance(0, 10)]


def test_a_call_that_is_collected_in_the_midst_of_a_step_is_settled_in_it(path: Path) -> None:
    """Garbage collection may run anywhere, and close the stream of a call that nobody reads on."""

    def collect() -> float:
        if abandoned:
            store.settle(abandoned.pop(), {"usd": 5})
        return 0.0

    abandoned: list[str] = []
    store = SqliteStore(path, clock=collect)
    store.reserve("r", demand())
    abandoned.append("r")
    assert store.reserve("s", demand()) == Grant(0, (Balance(5),))
    assert store.balances([USD]) == [Balance(5, 10)]
    store.close()


async def test_an_event_loop_is_not_blocked_by_a_lock(path: Path) -> None:
    store = SqliteStore(path, timeout=30)
    await store.areserve("r", demand())
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.asettle("r", {"usd": 5}))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    other.rollback()  # by this very loop, which therefore runs
    await waiting
    assert await store.abalances([USD]) == [Balance(5)]
    other.close()
    store.close()


async def test_a_settlement_whose_caller_is_cancelled_is_made(path: Path) -> None:
    store = SqliteStore(path, timeout=30)
    await store.areserve("r", demand())
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    first, second = (asyncio.create_task(step) for step in (store.arenew(["r"], 9), store.asettle("r", {"usd": 5})))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert first.cancelled()
    assert second.cancelled()
    other.rollback()
    assert await store.abalances([USD]) == [Balance(5)]
    other.close()
    store.close()


def test_a_store_that_is_closed_while_loops_of_several_threads_use_it_goes_on(path: Path) -> None:
    store = SqliteStore(path)

    async def spend(who: int) -> None:
        for number in range(30):
            await store.areserve(f"{who}-{number}", demand(1))
            await store.asettle(f"{who}-{number}", {"usd": 1})

    def loop_of(who: int) -> None:
        asyncio.run(spend(who))

    loops = [threading.Thread(target=loop_of, args=(who,)) for who in range(3)]
    for loop in loops:
        loop.start()
    while any(loop.is_alive() for loop in loops):
        store.close()
    assert store.balances([USD]) == [Balance(90)]
    store.close()


def test_a_step_that_fails_half_way_leaves_nothing(store: SqliteStore) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("UPDATE accounts SET spent = 99")
        raise KeyboardInterrupt

    store.reserve("r", demand())
    with pytest.raises(KeyboardInterrupt):
        store._file.run(half)
    assert store.balances([USD]) == [Balance(0, 10)]


def test_a_forked_child_opens_the_file_anew(store: SqliteStore) -> None:
    store.reserve("parent", demand(60))
    asyncio.run(store.abalances([]))  # a thread that the child does not have

    def child() -> None:
        assert isinstance(store.reserve("too much", demand(41)), Refusal)
        store.settle("parent", {"usd": 25})
        assert asyncio.run(store.areserve("child", demand(30))) == Grant(0, (Balance(25),))

    with store._file._lock:  # held by a thread that the child does not have either
        assert in_child(child) == 0
    assert store.balances([USD]) == [Balance(25, 30)]


def test_a_fork_in_the_midst_of_other_threads_steps_leaves_the_child_a_ledger(path: Path) -> None:
    """SQLite has locks of its own, which a thread that the child does not have would hold there for ever."""
    store, done = SqliteStore(path, timeout=60), threading.Event()

    def spend(who: int) -> None:
        while not done.is_set():
            store.reserve(f"r{who}", demand(0, "task:busy"))
            store.settle(f"r{who}", {})

    threads = [threading.Thread(target=spend, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, for the threads' sake
                child = os.fork()
            if not child:
                signal.alarm(300)  # ends it, were it to wait for a lock
                store.reserve("child", demand(1))
                store.settle("child", {"usd": 1})
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert store.balances([USD]) == [Balance(10)]
    store.close()


def test_a_fork_before_the_first_step_is_no_different(store: SqliteStore) -> None:
    assert in_child(lambda: store.settle("r", {})) == 0
    assert store.balances([USD]) == [Balance()]


def _create(path: Path, number: int) -> None:
    store = SqliteStore(path, timeout=60, clock=Clock())
    store.reserve(f"r{number}", demand(1))
    store.close()


def test_processes_that_begin_at_once_make_one_ledger(store: SqliteStore, path: Path) -> None:
    start = multiprocessing.get_context("fork")
    workers = [start.Process(target=_create, args=(path, number)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    assert store.balances([USD]) == [Balance(0, 6)]


@pytest.mark.parametrize("replaced", [True, False])
def test_a_ledger_taken_away_under_a_process_is_noticed(
    store: SqliteStore, path: Path, clock: Clock, replaced: bool
) -> None:
    store.reserve("r", demand(60))
    for file in path.parent.iterdir():
        file.rename(file.with_suffix(file.suffix + ".old"))
    if replaced:
        other = SqliteStore(path, clock=clock)
        other.reserve("s", demand(20))
        other.close()
    with pytest.raises(StoreError, match="was removed or replaced while calls were under way"):
        store.reserve("t", demand(60))
    assert store.balances([USD]) == [Balance(0, 20 * replaced)]


# --- time


def test_a_lease_ends_for_every_process_and_is_exact_when_settled_late(
    store: SqliteStore, path: Path, clock: Clock
) -> None:
    other = SqliteStore(path, clock=clock)
    store.reserve("r", demand(60, lease=30))
    store.reserve("s", demand(10, lease=10))
    clock.now += 9
    assert other.renew(["s"], 30) == ["s"]
    clock.now += 20
    assert other.balances([USD]) == [Balance(0, 70)]
    clock.now += 1
    assert other.balances([USD]) == [Balance(60, 10)]
    clock.now += 8
    assert store.renew(["r", "s"], 30) == ["s"]
    store.settle("r", {"usd": 55})
    assert other.balances([USD]) == [Balance(55, 10)]
    other.close()


def test_a_lease_that_ends_early_is_found_among_later_ones(store: SqliteStore, clock: Clock) -> None:
    store.reserve("long", demand(1, lease=1_000))
    store.reserve("short", demand(2, lease=10))
    store.reserve("longer", demand(4, lease=2_000))
    store.renew(["long"], 20)
    clock.now += 10
    assert store.balances([USD]) == [Balance(2, 5)]
    clock.now += 10
    assert store.balances([USD]) == [Balance(3, 4)]
    store.settle("longer", {"usd": 4})
    clock.now += 10_000
    assert store.balances([USD]) == [Balance(7)]


HOUR = 3_600.0
DAY = 86_400.0


def test_a_clock_that_jumps_gives_nothing_away(store: SqliteStore, clock: Clock) -> None:
    store.reserve("r", demand(60, lease=30))
    store.settle("r", {"usd": 50})
    store.reserve("flight", demand(20, lease=30))
    clock.now += 365 * DAY
    store.reserve("then", demand(1, "task:2"))
    assert store.balances([USD]) == [Balance(70)], "unknown counts as spent"
    clock.now -= 365 * DAY
    store.reserve("now", demand(1, "task:3"))
    assert store.balances([USD]) == [Balance(70)]
    store.settle("flight", {"usd": 5})
    assert store.balances([USD]) == [Balance(55)]
    clock.now -= 365 * DAY
    assert isinstance(store.reserve("r", demand(46)), Refusal)
    assert store.balances([USD]) == [Balance(55)]


def test_what_expired_is_forgotten_and_what_is_in_flight_is_not(store: SqliteStore, path: Path, clock: Clock) -> None:
    for name in ("old", "dead", "flying", "mixed"):
        store.reserve(name, demand(10, name, expires=HOUR, lease=60 if name != "flying" else 9 * DAY))
    store.reserve("both", Demand((Line("dead", "usd", 100, 1), Line("used", "usd", 100, 1)), lease=60))
    store.settle("old", {"usd": 10})
    clock.now += HOUR / 2
    store.reserve("again", demand(10, "used", expires=9 * DAY))
    keys = [(name, "usd") for name in ("old", "dead", "flying", "used")]
    assert store.balances(keys) == [Balance(10), Balance(11), Balance(0, 10), Balance(1, 10)]
    for _ in range(3):
        clock.now += HOUR
        store.reserve(f"look {clock.now}", demand(1, "used"))
    assert store.balances(keys)[0] == Balance()
    assert store.balances(keys)[2] == Balance(0, 10)


def test_a_clock_that_is_wrong_for_all_processes_makes_none_forget_at_once(
    store: SqliteStore, path: Path, clock: Clock
) -> None:
    store.reserve("r", demand(60, expires=HOUR))
    store.settle("r", {"usd": 50})
    clock.now += 365 * DAY
    for number in range(3):
        process = SqliteStore(path, clock=clock)
        process.reserve(f"s{number}", demand(1, "task:2"))
        process.close()
        clock.now += 1
    clock.now -= 365 * DAY
    assert store.balances([USD]) == [Balance(50)]


def test_a_ledger_does_not_grow_without_end(store: SqliteStore, path: Path, clock: Clock) -> None:
    for number in range(60):
        store.reserve(f"settled {number}", demand(1, f"task:{number}", expires=HOUR))
        store.settle(f"settled {number}", {"usd": 1})
        store.reserve(f"crashed {number}", demand(1, f"task:{number}", expires=HOUR, lease=30))
        clock.now += HOUR
    other = sqlite3.connect(path)
    [[accounts]] = other.execute("SELECT count(*) FROM accounts")
    [[reservations]] = other.execute("SELECT count(*) FROM reservations")
    other.close()
    assert accounts < 5
    assert reservations < 5


# --- history, and the books


def book(store: SqliteStore, count: int) -> None:
    for number in range(count):
        store.reserve(f"r{number}", Demand(()))
        store.settle(f"r{number}", {}, Entry(note=str(number)))


def test_the_history_keeps_the_newest_rows_at_the_stores_time(path: Path, clock: Clock) -> None:
    store = SqliteStore(path, history=3, clock=clock)
    book(store, 999)
    clock.now += 60
    book(store, 1)
    assert [(entry.note, entry.at) for entry in store.history()] == [
        ("0", clock.now),
        ("998", clock.now - 60),
        ("997", clock.now - 60),
    ], "looked at every thousand rows"
    store.close()


def test_without_history_none_is_written(path: Path, clock: Clock) -> None:
    store = SqliteStore(path, history=0, clock=clock)
    book(store, 2)
    store.reset(*USD)
    store.reserve("r", demand(lease=0))
    assert store.balances([USD]) == [Balance(10)]
    assert list(store.history()) == []
    store.close()


def test_a_damaged_row_of_history_says_so(store: SqliteStore) -> None:
    book(store, 1)
    store._file.run(lambda db: db.execute("UPDATE history SET entry = '[]'"))
    with pytest.raises(StoreError, match="A row of the ledger's history is damaged"):
        list(store.history())


def test_an_export_is_one_state_and_holds_nobody_up(store: SqliteStore) -> None:
    store.reserve("r", demand(60))
    records = store.export()
    first = next(records)
    store.settle("r", {"usd": 7}, Entry())
    assert [first, *records] == [
        Account(*USD, Balance(0, 60), 86_400.0),
        Held("r", 0, ((*USD, 60),), 120.0, idle=False, ended=False),
    ]


def test_an_export_nobody_reads_to_its_end_leaves_nothing_open(store: SqliteStore, path: Path) -> None:
    book(store, 3)
    next(store.history())
    store.close()
    assert [one.name for one in path.parent.iterdir()] == ["ledger.db"], "the log goes with the last connection"


def test_a_snapshot_makes_no_file(store: SqliteStore, path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"), store._file.snapshot():
        pass
    assert not path.exists()


def test_a_process_that_began_before_a_ledger_was_retired_is_refused(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    other.reserve("r", demand())
    store.retire("redis://next")
    with pytest.raises(StoreError, match="has moved to redis://next; name that as the store"):
        other.settle("r", {"usd": 1})
    store.reinstate()
    other.settle("r", {"usd": 1})
    assert store.balances([USD]) == [Balance(1)]
    other.close()


def test_what_is_raised_outlives_a_shorter_wish_and_ends_with_its_window(store: SqliteStore, clock: Clock) -> None:
    store.reserve("r", demand(10, expires=9 * DAY))
    store.settle("r", {})
    store.raise_limit(*USD, 5, expires=HOUR)
    store.raise_limit("task:2", "usd", 5, expires=HOUR)
    for _ in range(4):
        clock.now += HOUR
        store.reserve(f"look {clock.now}", demand(1, "task:3"))
    assert store.balances([USD, ("task:2", "usd")]) == [Balance(raised=5), Balance()]


def test_an_ended_lease_of_a_forgotten_account_is_moved_without_it(
    store: SqliteStore, path: Path, clock: Clock
) -> None:
    lines = (Line("short", "usd", 100, 4, expires=HOUR), Line("long", "usd", 100, 4, expires=9 * DAY))
    store.reserve("r", Demand(lines, lease=60))
    for _ in range(3):
        clock.now += HOUR
        store.reserve(f"look {clock.now}", demand(1, "task:3"))
    [held] = [one for one in store.export() if isinstance(one, Held) and one.reservation == "r"]
    assert held == Held("r", 0, (("long", "usd", 4),), 0.0, idle=False, ended=True)

"""What every outcome store must do, plain and awaited: add a store to PLACES in conftest.py."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from patience import PATIENCE

from leanloop.budgets.sqlite import SqliteStore
from leanloop.errors import StoreError, UsageError
from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.redis_outcomes import RedisOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import Added, Count, OutcomeStore
from leanloop.plugins.outcomes.stores import open_outcomes

WORKER = Path(__file__).parents[1] / "workers" / "say_outcomes.py"

Make = Callable[..., Decision]
Do = Callable[..., Any]


class Place(Protocol):
    """conftest.py's Place."""

    address: str

    def open(self, **options: Any) -> OutcomeStore: ...


# --- counts


def test_counts_add_up_by_key_and_setting(place: Place, do: Do) -> None:
    store = place.open()
    do(store, "add", [Added("k", "mini", Count(1, 1, 1, 500)), Added("k", "gpt-5@high", Count(1, 0.5))])
    do(store, "add", [Added("k", "mini", Count(1, 0, 2, 100)), Added("other", "mini", Count(0.25, 0.25))])
    assert do(store, "counts", ["k", "nothing", "other"]) == [
        {"mini": Count(2, 1, 3, 600), "gpt-5@high": Count(1, 0.5, 0, 0)},
        {},
        {"mini": Count(0.25, 0.25, 0, 0)},
    ]
    assert do(store, "counts", []) == []
    do(store, "add", [])


def test_of_one_setting_named_twice_both_count(place: Place, do: Do) -> None:
    store = place.open()
    do(store, "add", [Added("k", "mini", Count(1, 1)), Added("k", "mini", Count(1, 0))])
    assert do(store, "counts", ["k"]) == [{"mini": Count(2, 1)}]


def test_a_count_beyond_a_thousand_is_halved_and_its_rate_stays(place: Place, do: Do) -> None:
    store = place.open()
    for weight in (1_000, 1):
        do(store, "add", [Added("k", "mini", Count(weight, weight * 0.5))])
    assert do(store, "counts", ["k"]) == [{"mini": Count(500.5, 250.25)}]
    do(store, "add", [Added("k", "many", Count(5_000, 2_500))])
    assert do(store, "counts", ["k"])[0]["many"] == Count(625, 312.5)


def test_calls_beyond_a_thousand_are_halved_and_their_mean_cost_stays(place: Place, do: Do) -> None:
    store = place.open()
    do(store, "add", [Added("k", "mini", Count(calls=1_001, cost=1_001 * 3_000_000))])
    assert do(store, "counts", ["k"]) == [{"mini": Count(0, 0, 500, 500 * 3_000_000)}]


def test_what_is_taken_back_leaves_no_less_than_nothing(place: Place, do: Do) -> None:
    store = place.open()
    do(store, "add", [Added("k", "mini", Count(1, 1)), Added("k", "mini", Count(-2, -2))])
    assert do(store, "counts", ["k"]) == [{"mini": Count(0, 0)}]


def test_a_sum_of_costs_may_be_below_zero(place: Place, do: Do) -> None:
    store = place.open()
    do(store, "add", [Added("cascade:support", "saved", Count(calls=2, cost=-7))])
    assert do(store, "counts", ["cascade:support"]) == [{"saved": Count(0, 0, 2, -7)}]


ODD = ["a b/c?&=%25", "line\nline", "\0", "\ud800", "日本語", "{x}", "c:k", "x" * 5_000, ""]


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_any_name_is_kept_as_it_is_and_apart(place: Place, do: Do, decision: Make, name: str) -> None:
    store = place.open()
    do(store, "add", [Added(name, name, Count(1, 1)), Added(f"{name}.", "other", Count(1, 0))])
    assert do(store, "counts", [name]) == [{name: Count(1, 1)}]
    assert do(store, "put_family", name, name, name, b"\0\0\0\0", 2)
    assert do(store, "families", name, name) == {name: b"\0\0\0\0"}
    made = decision(f"d{name}", f"t{name}", agent=name, setting=name, keys=(name,), segments={name: name})
    do(store, "record", made)
    assert do(store, "of_task", f"t{name}") == [made]
    assert [*store.decisions(name)] == [made]


def test_a_thousand_counts_are_added_at_once(place: Place) -> None:
    store = place.open()
    store.add([Added(f"k{number}", "mini", Count(1, 1)) for number in range(2_500)])
    assert store.counts([f"k{number}" for number in range(2_500)]) == [{"mini": Count(1, 1)}] * 2_500


# --- families


def test_families_are_kept_by_agent_and_space_up_to_their_number(place: Place, do: Do) -> None:
    store = place.open()
    assert do(store, "families", "support", "words") == {}
    assert do(store, "put_family", "support", "words", "a", b"\x00\x00\x80\x3f", 2)
    assert not do(store, "put_family", "support", "words", "a", b"\x00\x00\x00\x00", 2)
    assert do(store, "put_family", "support", "words", "b", b"\x01\x02\x03\x04", 2)
    assert not do(store, "put_family", "support", "words", "c", b"\x01\x02\x03\x04", 2)
    assert do(store, "put_family", "support", "other", "c", b"\x01\x02\x03\x04", 2)
    assert do(store, "families", "support", "words") == {"a": b"\x00\x00\x80\x3f", "b": b"\x01\x02\x03\x04"}
    assert do(store, "families", "sales", "words") == {}


# --- decisions


WHOLE: dict[str, Any] = {
    "by": "thinking",
    "other": "gpt-5@high",
    "chance": 0.25,
    "unsure": True,
    "explored": True,
    "escalated": True,
    "cost": 123_456_789_012,
    "other_cost": -5,
    "seconds": 1.5,
    "segments": {"language": "de", "tag:tenant": "acme"},
    "within": ("p1", "p2"),
    "inferred": (0.1, 0.05),
}


@pytest.mark.parametrize("said", [{}, WHOLE, {**WHOLE, "score": 0.75}], ids=["plain", "whole", "scored"])
def test_a_decision_comes_back_as_it_was(place: Place, do: Do, decision: Make, said: dict[str, Any]) -> None:
    store = place.open()
    made = decision(**said)
    do(store, "record", made)
    assert do(store, "of_task", "t1") == [made]
    assert [*place.open().decisions()] == [made]


def test_decisions_of_a_task_come_in_order_and_of_no_other(place: Place, do: Do, decision: Make) -> None:
    store = place.open()
    made = [decision(f"d{number}", at=1e9 - number) for number in range(12)]
    for one in made:
        do(store, "record", one)
        do(store, "record", decision(f"other {one.id}", "t2"))
    assert do(store, "of_task", "t1") == made
    assert do(store, "of_task", "t3") == []


def test_one_with_the_same_id_takes_its_place(place: Place, do: Do, decision: Make) -> None:
    store = place.open()
    do(store, "record", decision("a"))
    do(store, "record", decision("b"))
    changed = decision("a", cost=5, inferred=(0.1, 0.1))
    do(store, "record", changed)
    assert do(store, "of_task", "t1") == [changed, decision("b")]


def test_a_score_that_was_said_outlives_a_later_record(place: Place, do: Do, decision: Make) -> None:
    store = place.open()
    do(store, "record", decision())
    do(store, "score", "t1", 0.5)
    do(store, "record", decision(cost=7))
    assert do(store, "of_task", "t1") == [decision(cost=7, score=0.5)]
    assert do(store, "score", "t1", 1.0) == []


def test_a_score_is_given_once_to_each_decision(place: Place, do: Do, decision: Make) -> None:
    store = place.open()
    do(store, "record", decision("a"))
    assert do(store, "score", "t1", 1.0) == [decision("a", score=1.0)]
    assert do(store, "score", "t1", 0.0) == []
    do(store, "record", decision("b"))
    assert do(store, "score", "t1", 0.0) == [decision("b", score=0.0)]
    assert do(store, "of_task", "t1") == [decision("a", score=1.0), decision("b", score=0.0)]
    assert do(store, "score", "unknown", 1.0) == []


def test_a_score_of_a_task_counts_for_its_parts_that_have_none(place: Place, do: Do, decision: Make) -> None:
    store = place.open()
    own, part, deeper = decision("a", "p"), decision("b", "c", within=("p",)), decision("c", "g", within=("c", "p"))
    for one in (own, part, deeper):
        do(store, "record", one)
    assert do(store, "score", "g", 0.0) == [replace(deeper, score=0.0)]
    assert do(store, "score", "p", 1.0) == [replace(own, score=1.0), replace(part, score=1.0)]
    assert do(store, "score", "c", 0.5) == []


def test_decisions_are_found_by_agent_and_time(place: Place, decision: Make) -> None:
    store = place.open()
    made = [decision(f"d{n}", f"t{n}", agent="ab"[n % 2], at=float(n)) for n in range(6)]
    for one in made:
        store.record(one)
    assert [*store.decisions()] == made
    assert [*store.decisions("b", 2.0)] == [made[3], made[5]]
    assert [*store.decisions("c")] == []


def test_more_decisions_than_a_page_are_all_found(place: Place, decision: Make) -> None:
    store = place.open()
    for number in range(1_201):
        store.record(decision(f"d{number}", f"t{number}"))
    assert [one.id for one in store.decisions()] == [f"d{number}" for number in range(1_201)]


def test_the_oldest_decisions_make_room_and_their_tasks_are_forgotten(place: Place, do: Do, decision: Make) -> None:
    store = place.open(decisions=50)
    for number in range(300):
        do(store, "record", decision(f"d{number}", f"t{number}", within=("above", f"p{number}")))
    kept = [*store.decisions()]
    assert 50 <= len(kept) <= 149  # SQLite looks every hundred
    assert kept[-1].id == "d299"
    assert do(store, "of_task", "t0") == do(store, "of_task", "p0") == []
    assert do(store, "of_task", "above") == kept
    assert len(do(store, "score", "above", 1.0)) == len(kept)


@pytest.mark.memory
def test_memory_forgets_the_kinds_of_call_that_were_added_to_longest_ago() -> None:
    store = MemoryOutcomes(keys=2)
    for key in ("a", "b", "a", "c"):
        store.add([Added(key, "mini", Count(1, 1))])
    assert store.counts(["a", "b", "c"]) == [{"mini": Count(2, 2)}, {}, {"mini": Count(1, 1)}]


@pytest.mark.sqlite
def test_sqlite_forgets_counts_that_nothing_was_added_to_for_half_a_year(tmp_path: Path) -> None:
    now = [0.0]
    with closing(SqliteOutcomes(tmp_path / "o.db", clock=lambda: now[0])) as store:
        store.add([Added("old", "mini", Count(1, 1)), Added("kept", "mini", Count(1, 1))])
        now[0] = 170 * 86_400.0
        store.add([Added("kept", "mini", Count(1, 1))])
        now[0] = 190 * 86_400.0
        store.add([Added("new", "mini", Count(1, 1))])
        assert store.counts(["old", "kept", "new"]) == [{}, {"mini": Count(2, 2)}, {"mini": Count(1, 1)}]


@pytest.mark.redis
def test_redis_lets_counts_end_half_a_year_after_the_last(one_redis: Any) -> None:
    import redis

    url = one_redis.url(prefix="ends")
    with closing(RedisOutcomes(url)) as store, closing(redis.Redis(port=one_redis.port)) as client:
        store.add([Added("k", "mini", Count(1, 1))])
        assert 179 * 86_400 < client.ttl("{ends}:outcomes:c:k") <= 180 * 86_400  # pyright: ignore[reportOperatorIssue]


# --- sharing


def test_threads_add_and_score_each_once(place: Place, decision: Make) -> None:
    stores = [place.open(), place.open()]
    for number in range(40):
        stores[0].record(decision(f"d{number}"))

    def work(number: int) -> int:
        store = stores[number % 2]
        store.add([Added("k", "mini", Count(1, 0.5, 1, 10))])
        return len(store.score("t1", number / 40))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(work, range(40))) == 40
    assert stores[0].counts(["k"]) == [{"mini": Count(40, 20, 40, 400)}]


def test_processes_add_and_score_each_once(durable: Place, decision: Make) -> None:
    store = durable.open()
    for number in range(20):
        store.record(decision(f"d{number}", "t"))
    workers = [
        subprocess.Popen([sys.executable, WORKER, durable.address, str(seed)], stdout=subprocess.PIPE)
        for seed in range(4)
    ]
    scored = [int(worker.communicate(timeout=PATIENCE)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4
    assert sum(scored) == 20 + 4 * 10  # of those there were, and of each one's own
    assert store.counts(["k"]) == [{"mini": Count(100, 50, 100, 1_000)}]
    assert all(one.score is not None for one in store.of_task("t"))


def test_another_store_at_the_place_sees_all(durable: Place, do: Do, decision: Make) -> None:
    first, second = durable.open(), durable.open()
    do(first, "add", [Added("k", "mini", Count(1, 1))])
    do(first, "record", decision())
    assert do(second, "counts", ["k"]) == [{"mini": Count(1, 1)}]
    do(second, "score", "t1", 1.0)
    first.close()
    assert do(first, "of_task", "t1") == [decision(score=1.0)]
    assert first.durable


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_finds_the_lock_of_memory_free() -> None:
    told = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (told.returncode, told.stdout) == (0, "1.0\n"), told.stderr


_FORKS = """
import os, threading
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.store import Added, Count
store = MemoryOutcomes()
held, end = threading.Event(), threading.Event()
def hold():
    with store._lock:
        held.set()
        end.wait(30)
thread = threading.Thread(target=hold)
thread.start()
held.wait(30)
child = os.fork()
if child == 0:
    store.add([Added("k", "mini", Count(1.0, 1.0))])
    print(store.counts(["k"])[0]["mini"].weight, flush=True)
    os._exit(0)
end.set()
thread.join()
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.redis
def test_redis_in_a_cluster_keeps_outcomes(start_redis: Callable[..., Any], decision: Make) -> None:
    import redis

    server = start_redis(cluster=True)
    with closing(redis.Redis(port=server.port)) as client:
        nodes: Any = client
        nodes.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in nodes.execute_command("CLUSTER", "INFO"):
            threading.Event().wait(0.02)
    with closing(RedisOutcomes(f"redis+cluster://127.0.0.1:{server.port}", decisions=3)) as store:
        for number in range(5):
            store.record(decision(f"d{number}", f"t{number}", within=("p",)))
        assert [one.id for one in store.score("p", 1.0)] == ["d2", "d3", "d4"]
        store.add([Added("k", "mini", Count(1, 1)), Added("l", "mini", Count(1, 0))])
        assert store.counts(["k", "l"]) == [{"mini": Count(1, 1)}, {"mini": Count(1, 0)}]
        assert store.put_family("a", "s", "n", b"1234", 1)


# --- where they are


@pytest.mark.sqlite
def test_a_ledger_and_outcomes_share_a_file(tmp_path: Path, decision: Make) -> None:
    for name, ledger_first in (("a.db", True), ("b.db", False)):
        with closing(SqliteStore(tmp_path / name)) as ledger, closing(SqliteOutcomes(tmp_path / name)) as store:
            if ledger_first:
                ledger.balances([])
            store.record(decision())
            ledger.balances([("task:1", "usd")])
            assert store.of_task("t1") == [decision()]


@pytest.mark.parametrize("address", ["memory", "sqlite:///outcomes.db"])
def test_a_store_is_opened_once_for_an_address(address: str) -> None:
    assert open_outcomes(address) is open_outcomes(address)
    assert open_outcomes(address).durable == (address != "memory")


@pytest.mark.redis
def test_a_redis_is_opened_by_its_address() -> None:
    assert isinstance(open_outcomes("redis://localhost:1/0"), RedisOutcomes)


@pytest.mark.parametrize("address", ["", "file.db", "folder:results", "sqlite://", "http://x", "sqlite:///:memory:"])
def test_an_address_of_no_store_is_refused(address: str) -> None:
    with pytest.raises(UsageError):
        open_outcomes(address)


@pytest.mark.redis
def test_a_redis_that_is_not_there_is_a_store_error(start_redis: Callable[..., Any], do: Do, decision: Make) -> None:
    server = start_redis()
    store = RedisOutcomes(server.url())
    server.kill()
    for name, *args in steps(decision()):
        with pytest.raises(StoreError, match="outcomes' Redis"):
            do(store, name, *args)
    with pytest.raises(StoreError):
        list(store.decisions())


@pytest.mark.sqlite
def test_a_file_that_cannot_be_made_is_a_store_error(tmp_path: Path, do: Do, decision: Make) -> None:
    store = SqliteOutcomes(tmp_path / "no" / "such" / "folder.db")
    for name, *args in steps(decision()):
        with pytest.raises(StoreError, match="outcome store"):
            do(store, name, *args)


def steps(made: Decision) -> list[tuple[Any, ...]]:
    return [
        ("add", [Added("k", "mini", Count(1, 1))]),
        ("counts", ["k"]),
        ("families", "a", "s"),
        ("put_family", "a", "s", "n", b"1234", 1),
        ("record", made),
        ("of_task", "t1"),
        ("score", "t1", 1.0),
    ]

"""What others wrote into a store: a miss and an event, never an exception or another's answer."""

# pyright: reportUnknownMemberType=false, reportPrivateUsage=false
from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import pytest
import redis

from leanloop.errors import MissingExtra, StoreError, UsageError
from leanloop.plugins.cache import stores
from leanloop.plugins.cache.entry import Entry, encoded
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.redis_cache import RedisCache
from leanloop.plugins.cache.redis_scripts import parts_of
from leanloop.plugins.cache.sqlite_cache import SqliteCache
from leanloop.plugins.cache.vector import packed_vector, unit

MB = 1_000_000


class Server(Protocol):
    """tests/conftest.py's RedisServer."""

    port: int

    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...


def entry(key: str = "k", **changes: Any) -> Entry:
    fields: dict[str, Any] = {"reply": "{}", "made_at": time.time(), "ttl": 600.0, "context": "c", "normal": f"n{key}"}
    fields |= {"vector": unit([1, 0]), **changes}
    return Entry(key, **fields)


BAD = {
    "damaged": (b"nonsense", "damaged"),
    "truncated": (encoded(entry())[:-5], "damaged"),
    "another's": (encoded(entry("other")), "foreign"),
    "empty": (b"", "damaged"),
}


class Redis:
    """A cache in Redis, and a client that writes into it behind its back."""

    def __init__(self, server: Server, vectors: str) -> None:
        self.events: list[CacheEvent] = []
        self.url = server.url(prefix="damage-" + vectors)
        self.raw = cast("Any", redis.Redis)(port=server.port)
        self.raw.flushdb()
        self.store = RedisCache(self.url, self.events.append, vectors=cast("Any", vectors))

    def key(self, name: str) -> str:
        return self.store._keys[0].removesuffix("meta") + name

    @property
    def problems(self) -> list[str]:
        return [event.problem for event in self.events]


@pytest.fixture(params=["either", "stream"])
def in_redis(request: pytest.FixtureRequest) -> Iterator[Redis]:
    server: Server = request.getfixturevalue("redis_8")
    made = Redis(server, str(request.param))
    yield made
    made.store.close()
    made.raw.close()


@pytest.mark.redis
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_entry_in_redis_is_a_miss_and_met_once(in_redis: Redis, bad: str) -> None:
    data, problem = BAD[bad]
    store = in_redis.store
    for keys in (["k"], ["", "nk"]):
        store.put(entry(), max_bytes=MB)
        in_redis.raw.hset(in_redis.key("e:k"), "d", data)
        assert store.find(keys) is None
        assert store.find(keys) is None
    store.put(entry(), max_bytes=MB)
    in_redis.raw.hset(in_redis.key("e:k"), "d", data)
    assert store.claim(["k"], "me", 1.0).granted
    store.put(entry(), max_bytes=MB)
    in_redis.raw.hset(in_redis.key("e:k"), "d", data)
    assert store.nearest("c", unit([1, 0]), at_least=0.5) == []
    assert set(in_redis.problems) == {problem}


@pytest.mark.redis
@pytest.mark.parametrize("field", ["t", "g", "v", "w", "n", "c"])
def test_any_bad_field_in_redis_harms_nobody(in_redis: Redis, field: str) -> None:
    store = in_redis.store
    store.put(entry(), max_bytes=MB)
    store.put(entry("good", context="d"), max_bytes=MB)
    in_redis.raw.hset(in_redis.key("e:k"), field, b"\xff\x00nonsense")
    for step in (
        lambda: store.find(["k", "nk"]),
        lambda: store.nearest("c", unit([1, 0]), at_least=0.5),
        lambda: list(store.scan()),
        lambda: RedisCache(in_redis.url, in_redis.events.append).nearest("c", unit([1, 0]), at_least=0.5),
        lambda: store.put(entry(), max_bytes=MB),
    ):
        step()
    assert store.find(["good"])
    assert store.find(["k"])


@pytest.mark.redis
def test_another_kind_of_value_under_an_entrys_key_is_taken_away(in_redis: Redis) -> None:
    store = in_redis.store
    store.put(entry(), max_bytes=MB)
    in_redis.raw.delete(in_redis.key("e:k"))
    in_redis.raw.set(in_redis.key("e:k"), "text")
    assert store.find(["k"]) is None
    assert store.put(entry(), max_bytes=MB)
    assert store.find(["k"])


@pytest.mark.redis
def test_entries_that_redis_let_go_of_leave_nothing_behind(in_redis: Redis) -> None:
    store = in_redis.store
    for number in range(5):
        store.put(entry(f"k{number}"), max_bytes=MB)
    assert len(store.nearest("c", unit([1, 0]), at_least=0.5, count=9)) == 5
    for number in range(4):
        in_redis.raw.delete(in_redis.key(f"e:k{number}"))
    assert [near.entry.key for near in store.nearest("c", unit([1, 0]), at_least=0.5)] == ["k4"]
    assert store.find(["k0", "nk0"]) is None
    size = store.stats().bytes
    store.put(entry("large", reply="x" * (size // 2), vector=None), max_bytes=size)
    assert store.stats().bytes <= size


@pytest.mark.redis
def test_a_cache_that_was_emptied_is_read_anew(in_redis: Redis) -> None:
    store = in_redis.store
    store.put(entry("old"), max_bytes=MB)
    assert store.nearest("c", unit([1, 0]), at_least=0.5)
    in_redis.raw.flushdb()
    assert store.find(["old"]) is None
    assert store.nearest("c", unit([1, 0]), at_least=0.5) == []
    store.put(entry("new"), max_bytes=MB)
    assert [near.entry.key for near in store.nearest("c", unit([1, 0]), at_least=0.5)] == ["new"]


@pytest.mark.redis
def test_who_has_missed_news_that_are_no_more_reads_all_anew(plain_redis: Server) -> None:
    url = plain_redis.url()
    one, other = RedisCache(url), RedisCache(url)
    one.put(entry("k0"), max_bytes=MB)
    assert other.nearest("c", unit([1, 0]), at_least=0.5)
    for number in range(600):  # more than one page of news
        one.put(entry(f"m{number}", context="d"), max_bytes=10 * MB)
    assert len(other.nearest("d", unit([1, 0]), at_least=0.5, count=600)) == 600
    raw = cast("Any", redis.Redis)(port=plain_redis.port)
    raw.xtrim(one._keys[5], maxlen=0)
    one.put(entry("last", context="e"), max_bytes=10 * MB)
    raw.xtrim(one._keys[5], maxlen=0)
    assert other.find(["last"])
    assert [near.entry.key for near in other.nearest("e", unit([1, 0]), at_least=0.5)] == ["last"]
    for store in (one, other, raw):
        store.close()


@pytest.mark.redis
def test_a_redis_that_is_gone_is_a_failed_store(one_redis: Server) -> None:
    store = RedisCache("redis://127.0.0.1:1/0")
    with pytest.raises(StoreError, match=r"The cache's Redis at redis://127.0.0.1:1/0 cannot be reached"):
        store.find(["k"])


@pytest.mark.parametrize("answer", [b"nonsense", b"\0\0\0\1", b"\0\0\0\5ab", b"\0"])
def test_what_is_no_answer_of_a_script_is_a_failed_store(answer: bytes) -> None:
    with pytest.raises(StoreError, match="is no Redis"):
        parts_of(answer)


@pytest.mark.sqlite
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_entry_in_a_file_is_a_miss_and_met_once(tmp_path: Path, bad: str) -> None:
    data, problem = BAD[bad]
    events: list[CacheEvent] = []
    store = SqliteCache(tmp_path / "cache.db", events.append)

    def poison() -> None:
        store.put(entry(), max_bytes=MB)
        with closing(sqlite3.connect(tmp_path / "cache.db")) as db, db:
            db.execute("UPDATE cache_entries SET data = ? WHERE key = 'k'", (data,))

    for keys in (["k"], ["", "nk"]):
        poison()
        assert store.find(keys) is None
        assert store.find(keys) is None
    poison()
    assert list(store.scan()) == []
    assert store.nearest("c", unit([1, 0]), at_least=0.5) == []
    assert store.claim(["k"], "me", 1.0).granted
    assert {event.problem for event in events} == {problem}
    store.close()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("column", "value"),
    [("data", "text"), ("tags", "nonsense"), ("tags", "{}"), ("vector", b"x"), ("vector", b"\0" * 4)],
)
def test_any_bad_column_harms_nobody(tmp_path: Path, column: str, value: object) -> None:
    events: list[CacheEvent] = []
    store = SqliteCache(tmp_path / "cache.db", events.append)
    store.put(entry(), max_bytes=MB)
    with closing(sqlite3.connect(tmp_path / "cache.db")) as db, db:
        db.execute(f"UPDATE cache_entries SET {column} = ?", (value,))
    store.nearest("c", unit([1, 0]), at_least=0.5)
    list(store.scan())
    store.find(["k", "nk"])
    store.forget(tag="x")
    store.find(["k", "nk"])
    assert store.put(entry(), max_bytes=MB)
    assert store.find(["k"])
    store.close()


@pytest.mark.sqlite
def test_an_index_of_what_others_took_out_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.plugins.cache.sqlite_vectors._PAGE", 10)
    one, other = SqliteCache(tmp_path / "cache.db"), SqliteCache(tmp_path / "cache.db")
    for number in range(35):
        one.put(entry(f"k{number}"), max_bytes=MB)
    assert len(other.nearest("c", unit([1, 0]), at_least=0.5, count=35)) == 35
    for number in range(34):
        one.forget(key=f"k{number}")
    assert [near.entry.key for near in other.nearest("c", unit([1, 0]), at_least=0.5)] == ["k34"]
    assert len(other._vectors._followed.vectors) == 1
    one.close()
    other.close()


@pytest.mark.sqlite
def test_a_cache_lies_beside_a_ledger_in_one_file(tmp_path: Path) -> None:
    from leanloop.budgets.sqlite import SqliteStore

    ledger = SqliteStore(tmp_path / "both.db")
    ledger.balances([("a", "usd")])
    store = stores.open_cache(f"sqlite:///{tmp_path}/both.db")
    assert store.put(entry(), max_bytes=MB)
    assert store.find(["k"])
    assert stores.open_cache(f"sqlite:///{tmp_path}/both.db") is store
    store.close()
    ledger.close()


def test_a_cache_is_found_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert stores.open_cache("memory") is stores.open_cache("memory")
    assert isinstance(stores.open_cache("memory"), MemoryCache)
    assert isinstance(stores.open_cache("redis://127.0.0.1:1/0?prefix=found"), RedisCache)
    with pytest.raises(UsageError):
        stores.open_cache("ftp://host")
    assert issubclass(MissingExtra, UsageError)


def test_what_is_over_is_swept_when_others_come(tmp_path: Path) -> None:
    now = [1_000.0]
    store = MemoryCache(clock=lambda: now[0])
    for number in range(10):
        store.put(entry(f"k{number}", made_at=now[0], ttl=10.0), max_bytes=MB)
    now[0] += 20
    for number in range(3):
        store.put(entry(f"m{number}", made_at=now[0], ttl=10.0), max_bytes=MB)
    stats = store.stats()
    assert (stats.entries, stats.vectors) == (3, 3)
    store.close()


def test_what_made_room_leaves_nothing_behind() -> None:
    store = MemoryCache()
    for number in range(2_000):
        store.put(entry(f"k{number % 50}", ttl=1e6), max_bytes=20_000)
    assert len(store._rows._ends) < 200


def test_a_fork_waits_for_other_threads_and_the_child_goes_on() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("Windows cannot fork")
    store, ended = MemoryCache(), threading.Event()
    store.put(entry("before"), max_bytes=MB)

    def put() -> None:
        number = 0
        while not ended.is_set():
            store.put(entry(f"k{number % 100}"), max_bytes=MB)
            number += 1

    writer = threading.Thread(target=put)
    writer.start()
    statuses: list[int] = []
    for _ in range(5):
        child = os.fork()
        if not child:  # no test goes on in here
            kept = store.put(entry("mine"), max_bytes=MB) and store.nearest("c", unit([1, 0]), at_least=0.5, count=3)
            os._exit(0 if kept else 1)
        statuses.append(os.waitpid(child, 0)[1])
    ended.set()
    writer.join()
    assert statuses == [0] * 5
    assert store.find(["mine"]) is None


@pytest.mark.redis
@pytest.mark.parametrize("lost", ["all", "meta", "tags"])
def test_after_a_loss_of_data_nothing_that_was_forgotten_comes_back(in_redis: Redis, lost: str) -> None:
    store = in_redis.store
    before = store.claim(["k"], "me", 10.0).generation
    store.put(entry("other", tags=("weather",)), max_bytes=MB)
    store.forget(tag="weather")
    if lost == "all":
        in_redis.raw.flushall()
    else:
        in_redis.raw.delete(in_redis.key(lost))
    assert store.find(["other"]) is None
    store.forget(tag="weather")
    assert not store.put(entry(tags=("weather",)), max_bytes=MB, generation=before)
    assert store.put(entry(tags=("weather",)), max_bytes=MB)
    assert store.find(["k"]) is not None
    store.forget(tag="weather")
    assert store.find(["k"]) is None


@pytest.mark.redis
@pytest.mark.parametrize("lost", ["meta", "tags", "ranks", "ends", "sizes", "news", "e:k3", "n:nk3", "s:c"])
def test_what_a_full_redis_let_go_of_is_made_again(in_redis: Redis, lost: str) -> None:
    store = in_redis.store
    for number in range(5):
        store.put(entry(f"k{number}"), max_bytes=MB)
    in_redis.raw.delete(in_redis.key(lost))
    for number in range(5):
        assert store.put(entry(f"m{number}"), max_bytes=8_000)
    assert store.find(["m4"]) is not None
    assert store.nearest("c", unit([1, 0]), at_least=0.5)
    assert store.stats().bytes <= 8_000


def test_more_tags_than_are_remembered_forget_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.plugins.cache.invalidation.MOST_TAGS", 3)
    store = MemoryCache()
    store.put(entry(), max_bytes=MB)
    for number in range(3):
        store.forget(tag=f"t{number}")
    assert store.find(["k"])
    store.forget(tag="one more")
    assert store.find(["k"]) is None


def test_a_vector_of_half_the_size_keeps_the_cosine() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        one, other = unit(random.standard_normal(384)), unit(random.standard_normal(384))
        kept = unit(np.frombuffer(packed_vector(one), "<f2"))
        assert abs(float(kept @ other) - float(one @ other)) < 1e-3

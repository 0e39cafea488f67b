"""What the tests of outcomes share: every store in turn, on real files and servers, plain and awaited."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from leanloop.plugins.outcomes.decision import Decision
from leanloop.plugins.outcomes.memory import MemoryOutcomes
from leanloop.plugins.outcomes.redis_outcomes import RedisOutcomes
from leanloop.plugins.outcomes.sqlite_outcomes import SqliteOutcomes
from leanloop.plugins.outcomes.store import OutcomeStore


class Server(Protocol):
    """tests/conftest.py's RedisServer."""

    port: int

    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...
    def kill(self) -> None: ...


@dataclass
class Place:
    """Somewhere outcomes are kept: `open` gives one more store there, as another process would have it."""

    address: str
    stores: list[OutcomeStore] = field(default_factory=list[OutcomeStore])

    def open(self, **options: Any) -> OutcomeStore:
        self.stores.append(self._made(**options))
        return self.stores[-1]

    def _made(self, **options: Any) -> OutcomeStore:
        if self.address == "memory":
            return self.stores[0] if self.stores else MemoryOutcomes(**options)
        if self.address.startswith("sqlite:"):
            return SqliteOutcomes(Path(self.address.removeprefix("sqlite:///")), **options)
        return RedisOutcomes(self.address, **options)


def _in_memory(request: pytest.FixtureRequest) -> str:
    return "memory"


def _in_sqlite(request: pytest.FixtureRequest) -> str:
    folder: Path = request.getfixturevalue("tmp_path")
    return f"sqlite:///{folder / 'outcomes.db'}"


def _in_redis(request: pytest.FixtureRequest) -> str:
    server: Server = request.getfixturevalue("one_redis")  # started only where a test wants it
    return server.url()


PLACES = [
    pytest.param(_in_memory, id="memory", marks=pytest.mark.memory),
    pytest.param(_in_sqlite, id="sqlite", marks=pytest.mark.sqlite),
    pytest.param(_in_redis, id="redis", marks=pytest.mark.redis),
]


def _place(request: pytest.FixtureRequest) -> Iterator[Place]:
    make: Callable[[pytest.FixtureRequest], str] = request.param
    made = Place(make(request))
    yield made
    for store in made.stores:
        store.close()


place = pytest.fixture(params=PLACES, name="place")(_place)
durable = pytest.fixture(params=PLACES[1:], name="durable")(_place)


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


@pytest.fixture
def decision() -> Callable[..., Decision]:
    """A decision, of which a test says what it is about."""

    def make(name: str = "d1", task: str = "t1", **said: Any) -> Decision:
        given: dict[str, Any] = {
            "agent": "support",
            "at": 1_800_000_000.0,
            "by": "routes",
            "keys": ("agent=support", "agent=support&step=plan"),
            "setting": "gpt-4.1-mini",
        }
        return Decision(name, task, **{**given, **said})

    return make

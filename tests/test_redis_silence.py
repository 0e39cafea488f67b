"""Redis that does not answer in time, and programs that are none: how long a call waits, and what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

from leanloop.budgets.redis_address import read_address
from leanloop.budgets.redis_clients import RedisClients
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.store import Balance, Demand, Grant, Line
from leanloop.errors import StoreError

pytestmark = pytest.mark.redis

USD = ("task:1", "usd")
DEMAND = Demand((Line(*USD, 100, 40),))


class RedisServer(Protocol):
    """tests/conftest.py's."""

    port: int
    process: subprocess.Popen[bytes] | None

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """The port of a server that gives one answer to whatever it is asked; none to b""."""
    lines: list[socket.socket] = []

    def serve(line: socket.socket, answer: bytes) -> None:
        with line, contextlib.suppress(OSError):
            while line.recv(65_536):
                line.sendall(answer)

    def accept(door: socket.socket, answer: bytes) -> None:
        with contextlib.suppress(OSError):
            while True:
                line = door.accept()[0]
                lines.append(line)
                threading.Thread(target=serve, args=(line, answer), daemon=True).start()

    def start(answer: bytes) -> int:
        door = socket.create_server(("127.0.0.1", 0))
        lines.append(door)
        threading.Thread(target=accept, args=(door, answer), daemon=True).start()
        port: int = door.getsockname()[1]
        return port

    yield start
    for line in lines:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"*2\r\n:1\r\n:2\r\n", "is no Redis: a script gave a list"),
        (b"+OK\r\n", "No ledger answers b'OK'"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "could not do it: Protocol Error"),
    ],
)
def test_a_program_that_is_no_redis(answering: Callable[[bytes], int], answer: bytes, says: str) -> None:
    store = RedisStore(f"redis://:hunter2@127.0.0.1:{answering(answer)}/0")
    with contextlib.closing(store), pytest.raises(StoreError, match=says) as caught:
        store.balances([USD])
    assert "hunter2" not in str(caught.value)


def test_a_server_that_does_not_answer_is_waited_for_once_and_then_spared(
    answering: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("leanloop.budgets.redis_caller.time", SimpleNamespace(monotonic=lambda: now[0]))
    store = RedisStore(f"redis://127.0.0.1:{answering(b'')}/0?socket_timeout=0.05&socket_connect_timeout=30")
    with contextlib.closing(store):
        settling: list[Callable[[], None]] = [
            lambda: store.settle("r", {"usd": 1}),
            lambda: asyncio.run(store.asettle("r", {"usd": 1})),
        ]
        for settle in settling:
            with pytest.raises(StoreError, match="cannot be reached: Timeout"):
                store.balances([USD])
            with pytest.raises(StoreError, match=r"cannot be reached: .*\. It is asked again in a moment\.$"):
                store.reserve("r", DEMAND)
            with pytest.raises(StoreError, match="again in a moment"):
                store.release("r")
            with pytest.raises(StoreError, match="again in a moment"):
                asyncio.run(store.areserve("r", DEMAND))
            with pytest.raises(StoreError, match=r"Timeout reading from [a-z0-9.:]+\. See that it runs"):
                settle()  # the server may be back
            now[0] += 2.0


@pytest.mark.parametrize("form", ["redis://h", "unix:///socket", "redis+sentinel://h/main"])
@pytest.mark.parametrize(("query", "seconds"), [("", (5.0, 5.0)), ("?socket_timeout=2", (2.0, 5.0))])
def test_no_step_waits_without_end(form: str, query: str, seconds: tuple[float, float]) -> None:
    clients = RedisClients(read_address(form + query))

    async def awaited() -> None:
        waits(await clients.awaited())

    def waits(client: Any) -> None:
        settings = client.connection_pool.connection_kwargs
        assert (settings["socket_timeout"], settings["socket_connect_timeout"]) == seconds

    waits(clients.plain())
    asyncio.run(awaited())
    clients.close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long redis-py would have waited between its tries."""
    waited: list[float] = []

    async def asleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("redis.retry.sleep", waited.append)
    monkeypatch.setattr("redis.asyncio.retry.sleep", asleep)
    return waited


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and nobody listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port: int = nobody.getsockname()[1]
        yield port


PATIENT = [0.04, 0.08, 0.16]


@pytest.mark.parametrize("form", ["redis://127.0.0.1:{}/0", "redis+sentinel://127.0.0.1:{}/main"])
def test_a_server_known_to_be_away_is_not_waited_for_again_but_to_settle(
    closed_port: int, pauses: list[float], form: str
) -> None:
    def waited(step: Callable[[], object]) -> list[float]:
        pauses.clear()
        with pytest.raises(StoreError, match=r"cannot be reached|no sentinel answers"):
            step()
        return list(filter(None, pauses))

    store = RedisStore(form.format(closed_port))
    with contextlib.closing(store):
        steps: list[tuple[Callable[[], object], Callable[[], object]]] = [
            (lambda: store.reserve("r", DEMAND), lambda: store.settle("r", {"usd": 1})),
            (
                lambda: asyncio.run(store.areserve("r", DEMAND)),
                lambda: asyncio.run(store.asettle("r", {"usd": 1})),
            ),
        ]
        assert waited(steps[0][0]) == PATIENT
        for reserve, settle in steps:
            assert waited(reserve) == []
            assert waited(lambda: store.release("r")) == []
            assert waited(settle) == PATIENT, "an answer was paid: it is worth the wait"


def test_a_server_that_is_back_is_found_by_the_next_step(
    start_redis: Callable[..., RedisServer], pauses: list[float]
) -> None:
    server = start_redis()
    with contextlib.closing(RedisStore(server.url())) as store:
        store.reserve("r", DEMAND)
        server.kill()
        for _ in range(2):
            with pytest.raises(StoreError, match="cannot be reached"):
                store.reserve("s", DEMAND)
        server.start()
        assert isinstance(store.reserve("s", DEMAND), Grant)
        server.kill()
        pauses.clear()
        with pytest.raises(StoreError, match="cannot be reached"):
            store.reserve("t", DEMAND)
        assert list(filter(None, pauses)) == PATIENT, "it was there a moment ago"


def test_a_host_that_takes_long_to_be_not_there_is_spared_as_one_that_is_silent(
    closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]

    def slow(_seconds: float) -> None:
        now[0] += 3.0  # as a router takes to say that it knows no way

    monkeypatch.setattr("redis.retry.sleep", slow)
    monkeypatch.setattr("leanloop.budgets.redis_caller.time", SimpleNamespace(monotonic=lambda: now[0]))
    with contextlib.closing(RedisStore(f"redis://127.0.0.1:{closed_port}/0")) as store:
        with pytest.raises(StoreError, match=r"names it\.$"):
            store.reserve("r", DEMAND)
        with pytest.raises(StoreError, match="again in a moment"):
            store.reserve("r", DEMAND)
        now[0] += 1.0
        with pytest.raises(StoreError, match=r"names it\.$"):
            store.reserve("r", DEMAND)


def test_sentinels_that_do_not_answer_are_waited_for_once(
    answering: Callable[[bytes], int], pauses: list[float]
) -> None:
    hosts = ",".join(f"127.0.0.1:{answering(b'')}" for _ in range(2))
    store = RedisStore(f"redis+sentinel://{hosts}/main?socket_timeout=0.05")
    store_of_a_loop = RedisStore(f"redis+sentinel://{hosts}/main?socket_timeout=0.05")
    with contextlib.closing(store), contextlib.closing(store_of_a_loop):
        with pytest.raises(StoreError, match="no sentinel answers that knows a primary named 'main'"):
            store.reserve("r", DEMAND)
        with pytest.raises(StoreError, match=r"no sentinel answers .* again in a moment"):
            store.reserve("r", DEMAND)
        with pytest.raises(StoreError, match="no sentinel answers that knows a primary named 'main'"):
            asyncio.run(store_of_a_loop.areserve("r", DEMAND))
    assert pauses == []


def test_threads_and_tasks_share_the_few_connections_they_may_have(one_redis: RedisServer) -> None:
    names = [str(n) for n in range(16)]

    async def side_by_side(store: RedisStore) -> None:
        await asyncio.gather(*(store.arelease(name) for name in names))

    with contextlib.closing(RedisStore(one_redis.url(max_connections="1"))) as store:
        with ThreadPoolExecutor(len(names)) as threads:
            list(threads.map(store.release, names))
        asyncio.run(side_by_side(store))


def test_a_server_that_takes_no_more_connections_says_what_to_raise(
    start_redis: Callable[..., RedisServer], pauses: list[float]
) -> None:
    server = start_redis("--maxclients", "1")
    with contextlib.closing(RedisStore(server.url())) as store:
        with socket.create_connection(("127.0.0.1", server.port)) as other:
            other.sendall(b"PING\r\n")
            assert other.recv(64) == b"+PONG\r\n"
            with pytest.raises(StoreError, match=r"takes no further connection .*: raise max_connections .* maxclie"):
                store.reserve("r", DEMAND)
        assert len(pauses) == 3


def test_an_answer_that_came_too_late_is_not_taken_for_the_next(one_redis: RedisServer) -> None:
    url, server = one_redis.url(socket_timeout="1"), one_redis.process
    assert server is not None
    with contextlib.closing(RedisStore(url)) as store:
        store.reserve("r", DEMAND)
        server.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(StoreError, match="Timeout"):
                store.settle("r", {"usd": 7})
        finally:
            server.send_signal(signal.SIGCONT)
        store.settle("r", {"usd": 30})
        with contextlib.closing(RedisStore(url)) as other:
            [balance] = other.balances([USD])
        assert balance in {Balance(7), Balance(30)}, "settled once, by whichever came"

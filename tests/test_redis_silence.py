"""Redis that does not answer in time, and programs that are none: how long a call waits, and what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Protocol

import pytest
import redis

from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.store import Balance, Demand, Line
from leanloop.errors import StoreError

pytestmark = pytest.mark.redis

USD = ("task:1", "usd")
DEMAND = Demand((Line(*USD, 100, 40),))


class RedisServer(Protocol):
    """tests/conftest.py's."""

    port: int

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
    store = RedisStore(f"redis://127.0.0.1:{answering(b'')}/0?socket_timeout=0.05")
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


def test_an_answer_that_came_too_late_is_not_taken_for_the_next(one_redis: RedisServer) -> None:
    url = one_redis.url(socket_timeout="0.2")
    with contextlib.closing(RedisStore(url)) as store, redis.Redis(port=one_redis.port) as line:
        client: Any = line  # annotated in parts
        store.reserve("r", DEMAND)
        client.execute_command("CLIENT", "PAUSE", 500, "ALL")
        with pytest.raises(StoreError, match="Timeout"):
            store.settle("r", {"usd": 7})
        client.ping()  # waits for the end of the pause
        store.settle("r", {"usd": 30})
        with contextlib.closing(RedisStore(url)) as other:
            [balance] = other.balances([USD])
        assert balance in {Balance(7), Balance(30)}, "settled once, by whichever came"

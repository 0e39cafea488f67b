"""What many tests share: the four drivers behind one call, and a ledger that checks itself after every step."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import settings

from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message
from leanloop.budgets.store import Demand, Grant, Refusal
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.drive_sync import run
from leanloop.plugins.flow import ModelFlow

# CI asks the same questions each time, so that it fails for what a change did; every other run asks new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "explore")

Send = Callable[[ModelCall], ModelReply]
Drive = Callable[[ModelFlow, Send], ModelReply]


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

    def settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        super().settle(reservation, actual)
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

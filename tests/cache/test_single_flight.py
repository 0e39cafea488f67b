"""One makes an answer, the others wait: threads, event loops, processes; whatever becomes of the one."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Protocol

import pytest
from patience import PATIENCE

from leanloop.errors import StoreError
from leanloop.plugins.cache.claim_renewal import ClaimRenewal, renewal
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.single_flight import SingleFlight, Turn, flight_of
from leanloop.plugins.cache.store import CacheStore, Claim

MB = 1_000_000
WORKER = Path(__file__).parents[1] / "workers" / "cache_flight.py"


class Clock(Protocol):
    now: float


class Place(Protocol):
    clock: Clock

    def open(self) -> CacheStore: ...


class Model:
    """Counts who asks it; `fails` and `keeps` say how the first calls end."""

    def __init__(self, store: CacheStore, flight: SingleFlight, *, fails: int = 0, keeps: bool = True) -> None:
        self.store, self.flight = store, flight
        self.calls, self.fails, self.keeps = 0, fails, keeps
        self.waiting = threading.Event()
        self._lock = threading.Lock()

    def _called(self) -> int:
        with self._lock:
            self.calls += 1
            return self.calls

    def _entry(self) -> Entry:
        return Entry("k", "answer", time.time(), 100.0)

    def ask(self) -> str:
        turn = self.flight.join(["k"])
        if turn.found is not None:
            return turn.found.entry.reply
        number = self._called()
        self.waiting.wait(PATIENCE)
        if number <= self.fails:
            self.flight.leave(turn, failed=True)
            return "failed"
        if self.keeps:
            self.store.put(self._entry(), max_bytes=MB, generation=turn.generation)
        self.flight.leave(turn, self._entry() if self.keeps else None)
        return "made"

    async def aask(self) -> str:
        turn = await self.flight.ajoin(["k"])
        if turn.found is not None:
            return turn.found.entry.reply
        number = self._called()
        await asyncio.to_thread(self.waiting.wait, PATIENCE)
        if number <= self.fails:
            await self.flight.aleave(turn, failed=True)
            return "failed"
        if self.keeps:
            await self.store.aput(self._entry(), max_bytes=MB, generation=turn.generation)
        await self.flight.aleave(turn, self._entry() if self.keeps else None)
        return "made"


def waiting(flight: SingleFlight) -> int:
    return len(flight._waiters)


def together(model: Model, threads: int, loops: int, tasks: int) -> list[str]:
    """What all get who ask at once; the model answers when all but one wait."""
    answers: list[str] = []

    def plain() -> None:
        answers.append(model.ask())

    def awaited() -> None:
        async def all_of_them() -> list[str]:
            return await asyncio.gather(*[model.aask() for _ in range(tasks)])

        answers.extend(asyncio.run(all_of_them()))

    everyone = [threading.Thread(target=plain) for _ in range(threads)]
    everyone += [threading.Thread(target=awaited) for _ in range(loops)]
    for one in everyone:
        one.start()
    until(lambda: waiting(model.flight) == threads + loops * tasks - 1)
    model.waiting.set()
    for one in everyone:
        one.join(PATIENCE)
    return sorted(answers)


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends
        threading.Event().wait(0.002)


def test_many_cold_calls_of_threads_and_event_loops_make_one(place: Place) -> None:
    store = place.open()
    place.clock.now = time.time()
    model = Model(store, SingleFlight(store))
    assert together(model, threads=4, loops=2, tasks=3) == ["answer"] * 9 + ["made"]
    assert model.calls == 1
    assert waiting(model.flight) == 0


def test_a_turn_that_nobody_ends_is_the_next_ones() -> None:
    store = MemoryCache()
    flight = SingleFlight(store, lease=0.05)
    turns = [flight.join(["k"])]
    answers: list[Turn] = []
    next_one = threading.Thread(target=lambda: answers.append(flight.join(["k"])))
    next_one.start()
    until(lambda: waiting(flight) == 1)
    turns.clear()
    gc.collect()
    next_one.join(PATIENCE)
    assert answers[0].leads
    flight.leave(answers[0])
    assert waiting(flight) == 0


def test_agents_that_share_a_store_share_what_is_in_flight() -> None:
    store, other = MemoryCache(), MemoryCache()
    flight = flight_of(store)
    assert flight_of(store) is flight
    assert flight_of(other) is not flight


def test_when_one_fails_the_next_tries(place: Place) -> None:
    store = place.open()
    place.clock.now = time.time()
    model = Model(store, SingleFlight(store), fails=2)
    assert together(model, threads=2, loops=2, tasks=2) == ["answer"] * 3 + ["failed"] * 2 + ["made"]
    assert model.calls == 3


def test_nobody_waits_for_an_answer_that_cannot_be_kept(place: Place) -> None:
    store = place.open()
    model = Model(store, SingleFlight(store), keeps=False)
    assert together(model, threads=2, loops=1, tasks=2) == ["made"] * 4
    assert SingleFlight(store).join(["k"]).leads is False


def test_other_processes_wait_for_the_store_to_have_it(place: Place) -> None:
    one, other = place.open(), place.open()
    place.clock.now = time.time()
    first, second = SingleFlight(one), SingleFlight(other)
    turn = first.join(["k"])
    assert turn.leads
    told: list[Turn] = []
    thread = threading.Thread(target=lambda: told.append(second.join(["k"])))
    thread.start()
    until(lambda: "k" in second._waiters._flights)
    one.put(Entry("k", "answer", time.time(), 100.0), max_bytes=MB, generation=turn.generation)
    thread.join(PATIENCE)
    assert told[0].found is not None
    first.leave(turn, told[0].found.entry)


def test_an_answer_that_is_being_made_anew_is_not_waited_for(place: Place) -> None:
    store = place.open()
    flight, other = SingleFlight(store), SingleFlight(place.open())
    turn = flight.join(["k"], wait=False)
    assert turn.leads
    assert flight.join(["k"], wait=False) == Turn()
    elsewhere = other.join(["k"], wait=False)
    assert (elsewhere.leads, elsewhere.found) == (False, None)
    flight.leave(turn, failed=True)
    assert flight.join(["k"], wait=False).leads


async def test_who_is_cancelled_while_waiting_is_not_waited_for() -> None:
    flight = SingleFlight(MemoryCache())
    turn = await flight.ajoin(["k"])
    cancelled, patient = asyncio.create_task(flight.ajoin(["k"])), asyncio.create_task(flight.ajoin(["k"]))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    await flight.aleave(turn, failed=True)
    assert (await patient).leads


async def test_who_is_cancelled_just_when_it_is_his_turn_passes_it_on() -> None:
    flight = SingleFlight(MemoryCache())
    turn = await flight.ajoin(["k"])
    cancelled, patient = asyncio.create_task(flight.ajoin(["k"])), asyncio.create_task(flight.ajoin(["k"]))
    await asyncio.sleep(0)
    flight.leave(turn, failed=True)  # without giving the task a chance to run
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert (await patient).leads


async def test_who_is_cancelled_while_asking_the_store_gives_up_what_he_was_granted() -> None:
    class Slow(MemoryCache):
        async def aclaim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
            granted = self.claim(keys, owner, lease)
            await asyncio.sleep(60)
            return granted

    store = Slow()
    flight = SingleFlight(store)
    cancelled = asyncio.create_task(flight.ajoin(["k"]))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert store.claim(["k"], "another", 1.0).granted
    assert not flight._waiters._flights


def test_who_has_waited_long_enough_goes_alone() -> None:
    flight = SingleFlight(MemoryCache(), patience=0.01)
    turn = flight.join(["k"])
    assert flight.join(["k"]) == Turn()
    assert asyncio.run(flight.ajoin(["k"])) == Turn()
    assert waiting(flight) == 0
    flight.leave(turn)


def test_who_has_waited_long_enough_for_another_process_goes_alone() -> None:
    store = MemoryCache()
    assert store.claim(["k"], "another", 60.0).granted
    flight = SingleFlight(store, patience=0.01)
    assert flight.join(["k"]) == Turn(generation=0)
    assert asyncio.run(flight.ajoin(["k"])) == Turn(generation=0)


def test_a_plain_call_on_an_event_loop_waits_for_nobody_on_it() -> None:
    flight = SingleFlight(MemoryCache())

    async def both() -> Turn:
        leading = await flight.ajoin(["k"])
        alone = flight.join(["k"])
        await flight.aleave(leading)
        return alone

    assert asyncio.run(both()) == Turn()


def test_a_store_that_fails_keeps_nobody_from_an_answer() -> None:
    class Down(MemoryCache):
        def claim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
            raise StoreError("down")

        def release(self, key: str, owner: str, *, alone: float = 0.0) -> None:
            raise StoreError("down")

    flight = SingleFlight(Down())
    for turn in (flight.join(["k"]), asyncio.run(flight.ajoin(["j"]))):
        assert (turn.leads, turn.generation) == (True, None)
        flight.leave(turn, failed=True)
    turn = Turn(leads=True, key="k", owner="me")
    flight.leave(turn)
    asyncio.run(flight.aleave(turn))


class Lasting(MemoryCache):
    """In memory, but treated as what outlives the process."""

    durable = True

    def __init__(self) -> None:
        super().__init__()
        self.renewed = threading.Semaphore(0)

    def renew(self, keys: Iterable[str], owner: str, lease: float) -> None:
        self.renewed.release()
        raise StoreError("down") if owner == "unlucky" else OSError("broken")


def test_a_claim_is_renewed_for_as_long_as_its_maker_is_there() -> None:
    store, keeper, maker = Lasting(), ClaimRenewal(), Turn()
    keeper.keep(store, "k", "me", 0.003, maker)
    keeper.keep(store, "k", "unlucky", 0.003, maker)
    for _ in range(6):
        assert store.renewed.acquire(timeout=PATIENCE)
    keeper.drop("unlucky")
    thread = keeper._thread
    assert thread is not None
    del maker
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_a_forked_child_waits_for_nobody_of_its_parent() -> None:
    flight = SingleFlight(MemoryCache())
    turn = flight.join(["k"])
    assert turn.leads
    flight.forget()
    renewal.forget()
    assert not flight._waiters._flights


@contextlib.contextmanager
def _workers(url: str, folder: Path, count: int, *options: str) -> Generator[list[subprocess.Popen[bytes]]]:
    command = [sys.executable, str(WORKER), url, str(folder), *options]
    workers = [subprocess.Popen([*command, f"w{number}"]) for number in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(PATIENCE)


@pytest.mark.redis
@pytest.mark.parametrize("server", ["redis_8", "plain_redis"])
def test_eight_processes_on_one_redis_make_one_call_each(
    server: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """No entry is lost, none is torn, and of the cold calls of all for one key one is made."""
    url = request.getfixturevalue(server).url()
    with _workers(url, tmp_path, 8) as workers:
        assert [worker.wait(PATIENCE) for worker in workers] == [0] * 8
    calls = [line for file in sorted(tmp_path.glob("calls.*")) for line in file.read_text().splitlines()]
    assert sorted(calls) == [f"shared{number}" for number in range(10)]


@pytest.mark.redis
def test_a_killed_leader_blocks_nobody_longer_than_its_lease(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("plain_redis").url()
    with _workers(url, tmp_path, 1, "lead"):
        until((tmp_path / "leads").exists)
    from leanloop.plugins.cache.redis_cache import RedisCache

    store = RedisCache(url)
    flight = SingleFlight(store, lease=2.0)
    began = time.monotonic()
    turn = flight.join(["k"])
    assert turn.leads
    assert time.monotonic() - began < 100  # its lease is 2 seconds; the patience would be 120
    flight.leave(turn, failed=True)
    store.close()

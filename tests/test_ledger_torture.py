"""Many processes over one ledger; some are killed, Redis is killed and comes back: nothing free, nothing double.

Beside the ledger each worker writes what it was billed to a file of its own. LEANLOOP_TORTURE sets the calls per
thread (default 150), LEANLOOP_TORTURE_WORKERS the processes (default 4) of five threads or tasks each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from leanloop.budgets.store import Balance
from leanloop.budgets.stores import open_store

WORKER = Path(__file__).parent / "workers" / "ledger_calls.py"
WORKERS = int(os.environ.get("LEANLOOP_TORTURE_WORKERS", "4"))
AT_ONCE = 5
CALLS = int(os.environ.get("LEANLOOP_TORTURE", "150"))
TASK = 10_000 * CALLS
SHARED = {"global:day:1": 50_000 * CALLS, "user=u:day:1": 37_500 * CALLS, "agent=a:day:1": 20_000 * CALLS}


class Server(Protocol):
    """tests/conftest.py's RedisServer."""

    def restart(self) -> None: ...
    def url(self, path: str = "/0", *, user: str = "", **options: str) -> str: ...


def in_sqlite(request: pytest.FixtureRequest) -> tuple[str, Callable[[], None] | None]:
    folder: Path = request.getfixturevalue("tmp_path")
    return f"sqlite:///{folder / 'ledger.db'}?timeout=60", None


def in_redis(request: pytest.FixtureRequest) -> tuple[str, Callable[[], None] | None]:
    start: Callable[..., Server] = request.getfixturevalue("start_redis")
    server = start("--appendonly", "yes", "--appendfsync", "always")
    return server.url(), server.restart


def calls_in(paths: list[Path]) -> tuple[dict[str, int], set[str]]:
    """What each call was billed by the workers' own books, and the calls that were not seen to their end."""
    billed: dict[str, int] = {}
    open_calls: set[str] = set()
    for path in paths:
        for text in path.read_text(encoding="utf-8").splitlines():
            name, word = text.split()
            if word == "reserving":
                billed[name] = 0
                open_calls.add(name)
            elif word == "done":
                open_calls.discard(name)
            else:
                billed[name] = int(word)
    return billed, open_calls


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(in_sqlite, id="sqlite", marks=pytest.mark.sqlite),
        pytest.param(in_redis, id="redis", marks=pytest.mark.redis),
    ],
)
def test_nothing_is_free_and_nothing_counts_double(
    make: Callable[[pytest.FixtureRequest], tuple[str, Callable[[], None] | None]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    url, restart = make(request)
    paths = [tmp_path / str(number) for number in range(WORKERS)]
    workers: list[subprocess.Popen[Any]] = []
    killed: list[int] = []

    def kill() -> None:
        """The one that is least far, so that it is in the midst of its calls."""
        running = [number for number in range(WORKERS) if number not in killed]
        victim = min(running, key=lambda number: paths[number].stat().st_size)
        workers[victim].send_signal(signal.SIGKILL)
        killed.append(victim)

    for number, path in enumerate(paths):
        path.touch()
        command = [sys.executable, "-W", "error", str(WORKER), url, str(path), str(number), str(CALLS)]
        workers.append(subprocess.Popen(command))
    try:
        for share, disturb in [(5, restart), (4, kill), (3, restart), (3, kill)]:
            while len(calls_in(paths)[0]) < WORKERS * AT_ONCE * CALLS // share:
                assert any(worker.poll() is None for worker in workers)
                threading.Event().wait(0.005)
            if disturb is not None:
                disturb()
        codes = [worker.wait() for worker in workers]
        assert codes == [-signal.SIGKILL if number in killed else 0 for number in range(WORKERS)]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    billed, unfinished = calls_in(paths)
    assert {int(name.partition("-")[0]) for name in unfinished} <= set(killed), "only the killed leave calls open"
    store = open_store(url)
    held = store.renew(sorted(unfinished), 0)  # their leases end
    tasks = {f"task:{number}-{lane}": TASK for number in range(WORKERS) for lane in range(AT_ONCE)}
    limits = {**tasks, **SHARED}
    keys = [(account, "usd") for account in limits]

    def own(account: str) -> int:
        """What the workers' books say of an account."""
        label = account.removeprefix("task:")
        return sum(amount for name, amount in billed.items() if account in SHARED or name.startswith(f"{label}-"))

    for (account, limit), balance in zip(limits.items(), store.balances(keys), strict=True):
        assert balance.reserved == 0, "nothing stays set aside"
        assert own(account) <= balance.spent <= limit, "unknown counts as spent, and no limit is passed"
    for name in unfinished:
        store.settle(name, {"usd": billed[name]})
    assert store.balances(keys) == [Balance(own(account)) for account in limits]
    assert own("agent=a:day:1") > 0.8 * SHARED["agent=a:day:1"], "the limit was felt"
    assert len(held) <= len(killed) * AT_ONCE
    store.close()


@pytest.mark.parametrize(
    "store", [pytest.param("sqlite", marks=pytest.mark.sqlite), pytest.param("redis", marks=pytest.mark.redis)]
)
def test_agents_never_pass_a_limit_and_every_bill_is_booked(store: str) -> None:
    """The bench, at a small size: calls through the whole stack, on two levels, and per user and day."""
    size = ["--processes", "4", "--agents", "5", "--calls", "40", "--kills", "2"]
    bench = Path(__file__).parents[1] / "bench" / "torture.py"
    command = [sys.executable, "-W", "error", str(bench), "--store", store, *size, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])[store]
    assert (found["overshoot"], found["leaked"]) == (0, 0)
    assert found["killed"] == 2
    assert found["restarts"] == (store == "redis")
    assert found["calls"] > 800
    assert 0.2 * found["calls"] < found["booked"] < found["billed"], "limits were felt, and some answers lost"

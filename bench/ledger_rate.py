"""How fast is the ledger? Reserve + settle of one call under four limits: task, agent, user, and all together.

Memory and SQLite twice: without, and with a row of history for each call.

- memory: one thread, the least of some rounds.
- SQLite: 8 processes over one file, each as fast as it can; the calls a second of all, and how long one took.
- Redis: 8 processes, beside bare EVALSHAs. Bare: ``return ANSWER``, called with the same keys and arguments and giving
  an answer of the same length, through the same client. Both in short rounds by turns, so that a busy machine slows
  both alike; the share is the median of the rounds. Skipped where there is no server.

Run: python bench/ledger_rate.py [--json] [--rounds FACTOR]
"""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _redis_server import redis_program, redis_server
from rich.console import Console
from rich.table import Table

from leanloop import MemoryStore
from leanloop.budgets.history import Entry
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, Demand, LedgerStore, Line

PROCESSES = 8
MEMORY_CALLS, MEMORY_ROUNDS = 5_000, 5
SQLITE_CALLS = 2_000
"""Of each process."""
ROUNDS = 20
REDIS_CALLS = 150
ACTUAL = {"usd": 5_000}
ENTRIES = {
    "": None,
    " with history": Entry(
        task="4f1c2b7e9a0d4c5f8b6a1e2d3c4b5a69",
        agent="support",
        tags={"user": "u1", "tenant": "acme"},
        model="gpt-4o-2024-11-20",
        price="genai-prices 0.2.3, 2026-11-22",
        amounts={"usd": 5_000, "tokens": 1_480, "input_tokens": 1_000, "output_tokens": 480, "cached_input": 512},
        value=2_000_000_000,
    ),
}
"""What is put into the history with each settlement, by the form of the run."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--rounds", type=float, default=1.0, help="so many times the calls of the quick form")
    options = parser.parse_args()
    memory = {form: memory_us(max(1, round(MEMORY_ROUNDS * options.rounds)), form) for form in ENTRIES}
    sqlite = {form: sqlite_rate(max(100, round(SQLITE_CALLS * options.rounds)), form) for form in ENTRIES}
    redis = {form: redis_share_of_evalsha(entry) for form, entry in ENTRIES.items()}
    table = Table("ledger", "processes", "measured", title="Reserve + settle over four limits")
    for form, took in memory.items():
        table.add_row(f"memory{form}", "1", f"{took:.1f} us")
    for form, (per_second, p50, p99, most) in sqlite.items():
        measured = f"{per_second:,.0f}/s; p50 {p50:.2f}, p99 {p99:.1f}, longest {most:.0f} ms"
        table.add_row(f"SQLite{form}", str(PROCESSES), measured)
    for form, rate in redis.items():
        if rate:
            table.add_row(f"Redis{form}", str(PROCESSES), f"{rate[1]:,.0f}/s, {rate[0]:.0%} of bare EVALSHAs")
    if not any(redis.values()):
        table.add_row("Redis", "", "skipped: no server here (pip install 'leanloop[redis,test]' brings one)")
    Console().print(table)
    if options.json:
        figures = {
            f"{name}{form.replace(' ', '_')}": figure
            for form in ENTRIES
            for name, figure in zip(
                ("memory_us", "sqlite_per_s", "sqlite_p99_ms"), (memory[form], *sqlite[form][:3:2]), strict=True
            )
        }
        shares = {
            f"redis_share_of_evalsha{form.replace(' ', '_')}": rate[0] if rate else None for form, rate in redis.items()
        }
        print(json.dumps({**figures, **shares}))


def a_demand(number: int) -> Demand:
    levels = (f"task:{number}", "agent=support:day:2026-11-22", "user=u1:month:2026-11", "global:month:2026-11")
    return Demand(tuple(Line(level, "usd", 10**15, 1_000, 6) for level in levels), 4_096, 16)


def call(store: LedgerStore, name: str, demand: Demand, entry: Entry | None) -> None:
    store.reserve(name, demand)
    store.settle(name, ACTUAL, entry)


def memory_us(rounds: int, form: str) -> float:
    store, demand = MemoryStore(), a_demand(0)._replace(lease=float("inf"))  # as tasks ask for it
    taken: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        for number in range(MEMORY_CALLS):
            call(store, f"r{number}", demand, ENTRIES[form])
        taken.append(time.perf_counter() - begun)
    return 1e6 * min(taken) / MEMORY_CALLS


def sqlite_rate(calls: int, form: str) -> tuple[float, float, float, float]:
    """Calls a second of all processes; milliseconds of a call: the median, the 99th percentile, the longest."""
    context = multiprocessing.get_context("spawn")
    together, results = context.Barrier(PROCESSES), context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        workers = [
            context.Process(target=_sqlite_worker, args=(path, number, calls, form, together, results))
            for number in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        runs: list[tuple[float, float, list[float]]] = [results.get() for _ in workers]
        for worker in workers:
            worker.join()
        store = SqliteStore(path)
        [balance] = store.balances([("global:month:2026-11", "usd")])
        store.close()
    assert balance == Balance(PROCESSES * calls * ACTUAL["usd"]), "every call is booked, once"
    span = max(end for _, end, _ in runs) - min(begun for begun, _, _ in runs)
    taken = sorted(1e3 * one for _, _, each in runs for one in each)
    return PROCESSES * calls / span, taken[len(taken) // 2], taken[len(taken) * 99 // 100], taken[-1]


def _sqlite_worker(path: Path, number: int, calls: int, form: str, together: Any, results: Any) -> None:  # noqa: PLR0917
    store, demand = SqliteStore(path, timeout=60), a_demand(number)
    call(store, f"warm {number}", demand._replace(lines=()), None)
    together.wait()
    begun = time.perf_counter()
    taken: list[float] = []
    for name in range(calls):
        start = time.perf_counter()
        call(store, f"{number}-{name}", demand, ENTRIES[form])
        taken.append(time.perf_counter() - start)
    results.put((begun, time.perf_counter(), taken))
    store.close()


def _redis_worker(url: str, number: int, entry: Entry | None, together: Any, results: Any) -> None:
    import redis

    from leanloop.budgets.redis_store import RedisStore

    demand = a_demand(number)
    store = RedisStore(url)
    keys = store._caller.keys  # noqa: SLF001 what is sent
    reserve, settle = store._reserving("w-0-000", demand, None), store._settling("w-0-000", ACTUAL, entry)  # noqa: SLF001
    client: Any = redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType] annotated in part
    granted = client.script_load(f"return '{'x' * 137}'")  # of one letter and 17 numbers
    settled = client.script_load("return 'settled'")

    def ours() -> None:
        for call in range(REDIS_CALLS):
            store.reserve(f"{number}-{call}", demand)
            store.settle(f"{number}-{call}", ACTUAL, entry)

    def bare() -> None:
        for _ in range(REDIS_CALLS):
            client.evalsha(granted, len(keys), *keys, *reserve)
            client.evalsha(settled, len(keys), *keys, *settle)

    turns: list[tuple[str, Callable[[], None]]] = [("ours", ours), ("bare", bare)]
    for _, turn in turns:
        turn()  # warm
    for _ in range(ROUNDS):
        for name, turn in turns:
            together.wait()
            begun = time.perf_counter()
            turn()
            results.put((name, time.perf_counter() - begun))
            together.wait()


def redis_share_of_evalsha(entry: Entry | None = None, processes: int = PROCESSES) -> tuple[float, float] | None:
    """The share of the rate of bare EVALSHAs, and reserve + settle a second; None where there is no server."""
    program = redis_program()
    if program is None:
        return None
    context = multiprocessing.get_context("spawn")
    together, results = context.Barrier(processes), context.Queue()
    with redis_server(program) as port:
        url = f"redis://127.0.0.1:{port}/0"
        workers = [
            context.Process(target=_redis_worker, args=(url, number, entry, together, results))
            for number in range(processes)
        ]
        for worker in workers:
            worker.start()
        taken = [[results.get() for _ in range(processes)] for _ in range(2 * ROUNDS)]
        for worker in workers:
            worker.join()
    mean = [statistics.fmean(took for _, took in round_) for round_ in taken]
    shares = [bare / ours for ours, bare in zip(mean[::2], mean[1::2], strict=True)]
    return statistics.median(shares), processes * REDIS_CALLS / statistics.median(mean[::2])


if __name__ == "__main__":
    main()

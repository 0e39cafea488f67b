"""Does any limit give way? Processes of agents over one ledger, some of them killed, and Redis killed and started anew.

Each process runs agents side by side (threads in one half, asyncio tasks in the other) whose sub-agents' calls go
through the whole stack: limits per task on two levels, and per user and day. Calls cost at random; some are turned
away, some time out after they were billed, some are cancelled. Workers are killed (SIGKILL) in the midst of calls and
replaced. The scripted model writes each bill into a file before it answers; these are the books the ledger is held
against, once every lease has ended:

- overshoot: by how much any account is past its limit, added up.
- leaked: what is billed and not spent, what is spent and neither billed nor unknown, what is still set aside.

Both must be 0. Run: python bench/torture.py [--json] [--store sqlite|redis] [--processes N] [--agents N] [--calls N]
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from itertools import cycle
from pathlib import Path
from typing import NamedTuple, cast

from _redis_server import redis_program
from rich.console import Console
from rich.table import Table

from leanloop.budgets.books import Held
from leanloop.budgets.move import StoreWithBooks
from leanloop.budgets.stores import open_store

WORKER = Path(__file__).parents[1] / "tests" / "workers" / "ledger_agents.py"
USERS = 4
CHILD = {"tokens": 2_500, "usd": 700_000}
PARENT = {"tokens": 6_000, "usd": 1_500_000}
USER = {"tokens": 160, "usd": 70_000}
"""Limits of a sub-task, of the task it is a part of, and of a user's day (for each call tried); usd in nano-dollars."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--store", choices=["sqlite", "redis"], help="only this one")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--agents", type=int, default=20, help="at once in each process")
    parser.add_argument("--calls", type=int, default=100, help="of each agent")
    parser.add_argument("--kills", type=int, default=4, help="workers that are killed and replaced")
    options = parser.parse_args()
    size = Size(options.processes, options.agents, options.calls, options.kills)
    results: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.store != "redis":
            results["sqlite"] = torture(f"sqlite:///{folder / 'ledger.db'}?timeout=60", folder / "sqlite", size, None)
        if options.store != "sqlite" and (program := redis_program()):
            with closing(Redis(program, folder)) as server:
                results["redis"] = torture(f"redis://127.0.0.1:{server.port}/0", folder / "redis", size, server)
    columns = ("calls", "billed", "booked", "killed", "restarts", "overshoot", "leaked", "seconds")
    table = Table("store", *columns, title=f"{size.processes} processes x {size.agents} agents over one ledger")
    for name, one in results.items():
        table.add_row(name, *(f"{one[column]:,}" for column in columns))
    Console(width=100).print(table)
    if options.json:
        print(json.dumps(results))
    if any(one["overshoot"] or one["leaked"] for one in results.values()):
        sys.exit("A limit gave way.")


class Size(NamedTuple):
    processes: int
    agents: int
    calls: int
    kills: int

    @property
    def tries(self) -> int:
        """Calls of all agents, those of replaced workers left out."""
        return self.processes * self.agents * self.calls

    @property
    def user(self) -> dict[str, int]:
        """What one user may spend in a day: less than the calls would cost."""
        return {resource: amount * self.tries // USERS for resource, amount in USER.items()}


def torture(url: str, bills: Path, size: Size, server: Redis | None) -> dict[str, int]:
    """Run it; and hold the ledger against the bills."""
    begun, killed, restarts = time.monotonic(), 0, 0
    bills.touch()
    numbers = iter(range(10_000))

    def start() -> subprocess.Popen[bytes]:
        order = {"url": url, "bills": str(bills), "number": next(numbers), "agents": size.agents, "calls": size.calls}
        order |= {"child": CHILD, "parent": PARENT, "user": size.user}
        return subprocess.Popen([sys.executable, "-W", "error", str(WORKER), json.dumps(order)])  # noqa: S603

    workers = [start() for _ in range(size.processes)]
    turns = cycle(range(size.processes))
    try:
        for step in range(1, size.kills + 1):
            while bills.read_bytes().count(b"try\n") < size.tries * step // (size.kills + 2):
                assert any(worker.poll() is None for worker in workers), "they ended early"
                time.sleep(0.05)
            place = next(place for place in turns if workers[place].poll() is None)
            workers[place].kill()
            killed += workers[place].wait() == -signal.SIGKILL
            workers[place] = start()
            if server is not None and step == (size.kills + 1) // 2:
                server.restart()
                restarts += 1
        assert [worker.wait() for worker in workers] == [0] * size.processes
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    with closing(cast("StoreWithBooks", open_store(url))) as store:
        found = audit(store, Bills.read(bills), size)
    return {**found, "killed": killed, "restarts": restarts, "seconds": round(time.monotonic() - begun)}


Key = tuple[str, str]
"""Account and resource."""
Call = tuple[str, int, int]
"""Task, tokens, nano-dollars."""


class Bills(NamedTuple):
    """What the workers' file says."""

    tried: int
    levels: dict[str, tuple[str, str, str]]
    """The accounts of a sub-task's calls: its own, that of the task it is a part of, the user's."""
    calls: Counter[Call]

    @classmethod
    def read(cls, path: Path) -> Bills:
        bills = cls(path.read_bytes().count(b"try\n"), {}, Counter())
        for line in path.read_text(encoding="utf-8").splitlines():
            match line.split():
                case ["open", child, parent, user]:
                    bills.levels[child] = f"task:{child}", f"task:{parent}", f"user={user}:day"
                case ["bill", child, tokens, usd]:
                    bills.calls[child, int(tokens), int(usd)] += 1
                case _:
                    pass
        return bills

    def by_account(self) -> Counter[Key]:
        billed = Counter[Key]()
        for (child, tokens, usd), times in self.calls.items():
            for account in self.levels[child]:
                billed.update({(account, "tokens"): tokens * times, (account, "usd"): usd * times})
        return billed

    def limits(self, size: Size) -> dict[Key, int]:
        levels = (CHILD, PARENT, size.user)
        return {
            (account, resource): amount
            for accounts in self.levels.values()
            for account, amounts in zip(accounts, levels, strict=True)
            for resource, amount in amounts.items()
        }


def audit(store: StoreWithBooks, bills: Bills, size: Size) -> dict[str, int]:
    """Hold the ledger against the bills, every lease having ended."""
    store.renew([one.reservation for one in store.export() if isinstance(one, Held) and not one.ended], 0)
    spent, booked, calls = Counter[Key](), Counter[Key](), Counter[Call]()
    reserved = 0
    for account, resource, balance, _ in store.accounts():
        spent[window_of(account), resource] += balance.spent
        reserved += balance.reserved
    for row in store.history():
        if row.kind == "call":
            calls[row.task, row.amounts["tokens"], row.amounts["usd"]] += 1
        for account in bills.levels[row.task]:
            booked.update({(account, resource): row.amounts.get(resource, 0) for resource in ("tokens", "usd")})
    limits, billed = bills.limits(size), bills.by_account()
    leaks = {
        "still set aside": reserved,
        "billed and not spent": sum(max(0, amount - spent[key]) for key, amount in billed.items()),
        "spent and not in the history, or the reverse": sum(abs(spent[key] - booked[key]) for key in limits),
        "booked and never billed": sum((calls - bills.calls).values()),
    }
    for what, amount in leaks.items():
        if amount:
            print(f"leaked, {what}: {amount}", file=sys.stderr)
    return {
        "overshoot": sum(max(0, spent[key] - limit) for key, limit in limits.items()),
        "leaked": sum(leaks.values()),
        "calls": bills.tried,
        "billed": sum(bills.calls.values()),
        "booked": sum(calls.values()),
    }


def window_of(account: str) -> str:
    """Without the day, which may turn meanwhile: ``user=u1:day:2026-11-22`` is ``user=u1:day``."""
    return account if account.startswith("task:") else ":".join(account.split(":")[:2])


class Redis:
    """A server that writes every step to disk before it answers."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.socket() as line:
            line.bind(("127.0.0.1", 0))
            self.port: int = line.getsockname()[1]
        place = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        self._command = [program, *place, "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning"]
        self._process = self._start()

    def restart(self) -> None:
        """As after a crash: killed, and started on what it has written."""
        self.close()
        self._process = self._start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)  # noqa: S603
        while process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                    line.sendall(b"PING\r\n")
                    if line.recv(64).startswith(b"+PONG"):
                        return process
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError("The Redis server ended as soon as it was started.")


if __name__ == "__main__":
    main()

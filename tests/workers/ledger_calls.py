"""A process of tests/test_ledger_torture.py: makes calls against one ledger, and writes down what was billed.

Arguments: the store's address, the file to write to, this worker's number, calls per thread or task.
Each line of the file is one write: ``ID reserving``, then ``ID AMOUNT`` before it is settled at that amount (0: it is
released), then ``ID done``. What a killed process has written stays.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import threading

from leanloop.budgets.store import Demand, Grant, Line, Refusal
from leanloop.budgets.stores import open_store
from leanloop.errors import StoreError

LEVELS = (("global:day:1", 50_000), ("user=u:day:1", 37_500), ("agent=a:day:1", 20_000))
"""Limits for each call a thread makes."""
TASK = 10_000
AT_ONCE = 5


class Worker:
    def __init__(self, url: str, path: str, number: int, calls: int) -> None:
        self.store = open_store(url)
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.number = number
        self.calls = calls

    def note(self, name: str, word: object) -> None:
        os.write(self.file, f"{name} {word}\n".encode())

    def demand(self, lane: int, chance: random.Random) -> Demand:
        fixed, slope = chance.randrange(500, 5_000), chance.randrange(1, 20)
        levels = ((f"task:{self.number}-{lane}", TASK), *LEVELS)
        lines = tuple(Line(account, "usd", limit * self.calls, fixed, slope) for account, limit in levels)
        return Demand(lines, chance.randrange(50, 400), 20)

    def spent(self, demand: Demand, units: int, chance: random.Random) -> int:
        """What the call came to: nothing for one in five, all of it for one cancelled after it was sent."""
        worst = demand.lines[0].fixed + demand.lines[0].slope * units
        return chance.choice((0, worst, *(chance.randrange(worst) for _ in range(4))))

    def thread(self, lane: int) -> None:
        chance = random.Random(self.number * 100 + lane)
        for call in range(self.calls):
            name, demand = f"{self.number}-{lane}-{call}", self.demand(lane, chance)
            self.note(name, "reserving")
            grant: Grant | Refusal | None = None
            while grant is None:
                try:
                    grant = self.store.reserve(name, demand)
                except StoreError:  # while the storage is away; it may have been made all the same
                    threading.Event().wait(0.01)
            if isinstance(grant, Grant):
                spent = self.spent(demand, grant.units, chance)
                self.note(name, spent)
                while True:
                    try:
                        self.store.settle(name, {"usd": spent}) if spent else self.store.release(name)
                        break
                    except StoreError:
                        threading.Event().wait(0.01)
            self.note(name, "done")

    async def task(self, lane: int) -> None:
        chance = random.Random(self.number * 100 + lane)
        for call in range(self.calls):
            name, demand = f"{self.number}-{lane}-{call}", self.demand(lane, chance)
            self.note(name, "reserving")
            grant = await self.areserve(name, demand, cancel=chance.random() < 0.2)
            if not isinstance(grant, Refusal):
                spent = self.spent(demand, grant.units, chance) if grant else 0
                self.note(name, spent)
                while True:
                    try:
                        await (self.store.asettle(name, {"usd": spent}) if spent else self.store.arelease(name))
                        break
                    except StoreError:
                        await asyncio.sleep(0.01)
            self.note(name, "done")

    async def areserve(self, name: str, demand: Demand, *, cancel: bool) -> Grant | Refusal | None:
        """None where the call was cancelled while it was being reserved."""
        while True:
            waiting = asyncio.ensure_future(self.store.areserve(name, demand))
            try:
                if cancel:
                    for _ in range(3):
                        await asyncio.sleep(0)
                    waiting.cancel()
                return await waiting
            except asyncio.CancelledError:
                return None
            except StoreError:
                await asyncio.sleep(0.01)

    def run(self) -> None:
        if self.number % 2:
            asyncio.run(self.tasks())
            return
        threads = [threading.Thread(target=self.thread, args=(lane,)) for lane in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    async def tasks(self) -> None:
        await asyncio.gather(*(self.task(lane) for lane in range(AT_ONCE)))


if __name__ == "__main__":
    Worker(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])).run()

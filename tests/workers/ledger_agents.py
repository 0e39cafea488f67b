"""A process of bench/torture.py: agents whose calls go through the whole stack, against one ledger.

Its argument is an `Order` as JSON. Workers of even number are threads, the others asyncio tasks. Every line of the file
is one write, so that a killed process leaves whole lines: ``open CHILD PARENT USER``, ``try`` before each call, and
``bill CHILD TOKENS USD`` by the model before its answer leaves: from then on the call is billed, whatever becomes of
the one who asked.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import TypedDict

from leanloop import Budget, Limit, Message, ModelCall, ModelReply, Task, Usage
from leanloop.budgets.store import Demand, LedgerStore
from leanloop.budgets.stores import open_store
from leanloop.budgets.tokens import counter_for
from leanloop.errors import BudgetExceeded, StoreError, TaskStopped
from leanloop.plugins import reservation
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.drive_async import arun
from leanloop.plugins.drive_sync import run
from leanloop.plugins.leases import leases

MODEL = "gpt-4o-mini"
USERS = 4
GUARD = BudgetGuard()
LEASE = 4.0
"""Seconds. So short that leases of the killed end while others go on, and now and then one of the living, too."""
LONGEST_WAIT = 0.5
"""Seconds a call waits for those in flight; a minute would be spent waiting for the killed."""


class Order(TypedDict):
    """What a worker is to do; limits by resource as in the ledger, usd in nano-dollars."""

    url: str
    bills: str
    number: int
    agents: int
    calls: int
    child: dict[str, int]
    parent: dict[str, int]
    user: dict[str, int]


def limit(amounts: dict[str, int], **more: str) -> Limit:
    return Limit.model_validate({**amounts, "usd": Decimal(amounts["usd"]) / 10**9, **more})


class Overloaded(Exception):
    """As a provider's client raises it: answered 429, nothing billed."""

    status_code = 429


def on_a_short_lease(_store: LedgerStore, demand: Demand) -> Demand:
    return demand._replace(lease=LEASE)


class Worker:
    def __init__(self, order: Order) -> None:
        self.store = open_store(order["url"])
        self.file = os.open(order["bills"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.number = order["number"]
        self.agents = order["agents"]
        self.calls = order["calls"]
        common = {"at_limit": "raise", "max_output": 300}
        outer = [limit(order["parent"]), limit(order["user"], per="day", scope="user")]
        self.outer = Budget.model_validate({"agent": "outer", "limits": outer, **common})
        self.inner = Budget.model_validate({"agent": "inner", "limits": [limit(order["child"])], **common})

    def note(self, *words: object) -> None:
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())

    def tasks(self, agent: int, chance: random.Random) -> Iterator[Task]:
        """The task of each call: children of one parent, until one of them has no room any more."""
        parent = child = None
        for _ in range(self.calls):
            if parent is None or parent.stopped or chance.random() < 0.1:
                parent = Task(self.outer, tags={"user": f"u{agent % USERS}"}, store=self.store)
                child = None
            if child is None or child.stopped or chance.random() < 0.3:
                child = Task(self.inner, parent=parent)
                self.note("open", child.id, parent.id, parent.tags["user"])
            self.note("try")
            yield child

    def call(self, chance: random.Random) -> ModelCall:
        text = "word " * chance.randrange(5, 200)
        return ModelCall(MODEL, (Message("system", "Be brief."), Message("user", text)))

    def answer(self, task: Task, chance: random.Random, call: ModelCall) -> ModelReply:
        """The model: one call in ten is turned away unbilled, one in twenty billed and its answer lost."""
        fate = chance.random()
        if fate < 0.1:
            raise Overloaded
        written = chance.randrange(1, (call.max_output or 1) + 1)
        usage = Usage(counter_for(MODEL).prompt(call.messages, ()), written)
        self.note("bill", task.id, usage.total, task.prices.price(MODEL).cost(usage))
        if fate < 0.15:
            raise TimeoutError
        return ModelReply(Message("assistant", "done"), usage)

    def thread(self, agent: int) -> None:
        chance = random.Random(1_000 * self.number + agent)
        for task in self.tasks(agent, chance):
            try:
                run(GUARD.on_model(self.call(chance), task), partial(self.answer, task, chance))
            except (Overloaded, TimeoutError, BudgetExceeded, TaskStopped):
                pass
            except StoreError:  # while the storage is away
                threading.Event().wait(0.02)

    async def task(self, agent: int) -> None:
        chance = random.Random(1_000 * self.number + agent)
        for task in self.tasks(agent, chance):

            async def send(call: ModelCall, task: Task = task) -> ModelReply:
                await asyncio.sleep(0)
                reply = self.answer(task, chance, call)
                await asyncio.sleep(0)  # where a cancellation arrives: billed, and nobody sees the answer
                return reply

            calling = asyncio.ensure_future(arun(GUARD.on_model(self.call(chance), task), send))
            if chance.random() < 0.1:
                asyncio.get_running_loop().call_later(chance.random() / 50, calling.cancel)
            try:
                await calling
            except (Overloaded, TimeoutError, BudgetExceeded, TaskStopped, asyncio.CancelledError):
                pass
            except StoreError:
                await asyncio.sleep(0.02)

    def run(self) -> None:
        if self.number % 2:
            asyncio.run(self.all_tasks())
            return
        threads = [threading.Thread(target=self.thread, args=(agent,)) for agent in range(self.agents)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    async def all_tasks(self) -> None:
        await asyncio.gather(*(self.task(agent) for agent in range(self.agents)))


if __name__ == "__main__":
    setattr(leases, "of", on_a_short_lease)  # noqa: B010 no setting, on purpose
    setattr(reservation, "_LONGEST_WAIT", LONGEST_WAIT)  # noqa: B010
    logging.disable()  # alerts, and storage that is away, are what this is about
    Worker(json.loads(sys.argv[1])).run()

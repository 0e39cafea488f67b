"""A program that ends with a stream nobody read to its end in a global: Python closes it when it takes itself apart.

Its argument is the address of the ledger.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence

from leanloop import Budget, Limit, Message, ModelCall, ModelReply, Task
from leanloop.budgets.stores import open_store
from leanloop.plugins.drive_stream import stream
from leanloop.plugins.stack import Stack


class Words:
    def join(self, chunks: Sequence[ModelReply]) -> ModelReply:
        return chunks[-1] if chunks else ModelReply(Message("assistant", ""))

    def split(self, reply: ModelReply) -> Iterable[ModelReply]:
        return [reply]


def send(_call: ModelCall) -> Generator[ModelReply, None, None]:
    yield ModelReply(Message("assistant", "one"))
    yield ModelReply(Message("assistant", "two"))


BUDGET = Budget(agent="a", limits=(Limit(tokens=100_000), Limit(per="day", tokens=100_000)))
CALL = ModelCall("gpt-4o-mini", (Message("user", "hello"),))
TASK = Task(BUDGET, store=open_store(sys.argv[1]))
OPEN = stream(Stack().model_flow(CALL, TASK), send, Words())
next(OPEN)

"""Embeddings under a budget: their tokens against `embedding_tokens`, their cost against `usd`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from leanloop.budgets.demand import Need
from leanloop.budgets.history import Kind
from leanloop.budgets.prices import Price
from leanloop.budgets.store import Refusal
from leanloop.budgets.tokens import counter_for
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown
from leanloop.plugins.billing import known_unbilled
from leanloop.plugins.cache.embedder import Embedder, Vectors
from leanloop.plugins.call import EmbedCall
from leanloop.plugins.entry import entry_of
from leanloop.plugins.events.booked import telling_of_embeddings
from leanloop.plugins.flow import Flow, Io
from leanloop.plugins.refusal import check_time, refused
from leanloop.plugins.reservation import Reservation
from leanloop.plugins.routing.privacy import refuse_leaving
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["embed", "embedded"]


def embed(call: EmbedCall, task: Task, *, stops: bool = True) -> Flow[EmbedCall, object]:
    """Reserve, make the embeddings, settle.

    They have no output to be capped, and few frameworks pass on what is reported of them: the counted tokens are
    reserved at their upper bound and booked as expected. A refusal stops the task, as that of a model call does; with
    `stops` false, for work that can do without, it is only raised.

    Raises:
        TaskStopped: a limit has no room, or the task was stopped before.
        PriceUnknown: a limit in usd is in force and the model has no price.
        ModelUnavailable: the task may go to local models alone, and this is none.
    """
    refuse_leaving(call.model, task)
    if task.stopped is not None:
        raise task.stopped
    check_time(task)
    counter = counter_for(call.model)
    counted = sum(counter.text(text) for text in call.texts)
    bound = counter.bound(counted)
    price = _price(call, task)
    needs = {"embedding_tokens": Need(bound), "usd": Need(price.worst_case(bound)[0] if price else 0)}
    demand, owners = task.table.demand(needs)
    held = Reservation(task, demand, owners)
    grant = yield from held.reserve_in_turn()
    if isinstance(grant, Refusal):
        raise refused(task, grant, owners[grant.place], sticky=stops and not grant.passing(0))
    tell = telling_of_embeddings(call, task, bound, needs["usd"].fixed if price else None)
    try:
        made: object = yield call
    except BaseException as error:
        if known_unbilled(error):
            tell(Usage(), 0, error=error)
            yield from held.release()
        else:
            yield from _book(held, call, price, bound, partial(tell, error=error), kind="unknown")
        raise
    yield from _book(held, call, price, counter.expected(counted), tell)
    return made


def embedded(embedder: Embedder, text: str, task: Task) -> Steps[Vectors]:
    """The vector of one text, as a table of one row; where the embedder costs something, under the task's budget.

    Raises:
        TaskStopped: a limit has no room. The task is not stopped by that.
        Exception: what the embedder raises.
    """
    if embedder.model is None:  # one that costs nothing
        rows: Vectors = yield Io(embedder.embed, embedder.aembed, [text])
        return rows
    flow = embed(EmbedCall(embedder.model, (text,), embedder.provider), task, stops=False)
    value: Any = None
    failure: BaseException | None = None
    while True:
        try:
            step = flow.send(value) if failure is None else flow.throw(failure)
        except StopIteration as end:
            made: Vectors = end.value
            return made
        value, failure = None, None
        try:
            value = yield Io(embedder.embed, embedder.aembed, [text]) if isinstance(step, EmbedCall) else step
        except BaseException as error:  # noqa: BLE001 the flow of the budget decides
            failure = error


def _price(call: EmbedCall, task: Task) -> Price | None:
    try:
        return task.prices.price(call.model, call.provider)
    except PriceUnknown:
        if "usd" in task.limited:
            raise
        return None


def _book(
    held: Reservation,
    call: EmbedCall,
    price: Price | None,
    tokens: int,
    tell: Callable[[Usage, int | None], None],
    *,
    kind: Kind = "call",
) -> Generator[Io[Any], Any, None]:
    task, usage = held.task, Usage(input=tokens, estimated=True)
    cost, version = (price.cost(usage), price.version) if price else (None, "no price")
    actual = {"embedding_tokens": tokens, "usd": cost or 0}
    # Before it is settled: what is cancelled while it waits for the ledger was billed all the same.
    for member in task.lineage:
        member.tally.embed_call(call.model, usage, cost, version)
    told = {name: amount for name, amount in actual.items() if amount}
    try:
        yield from held.settle(actual, entry_of(task, kind, call.model, version, told))
    finally:
        tell(usage, cost)

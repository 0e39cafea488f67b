"""The landing reserve: what is kept back for a task's last answer."""

from __future__ import annotations

from leanloop.budgets.demand import Need
from leanloop.budgets.reservation import new_reservation
from leanloop.budgets.store import Grant
from leanloop.errors import StoreError
from leanloop.plugins.flow import Io, ModelFlow
from leanloop.plugins.leases import leases
from leanloop.plugins.quote import Quote
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["SHARE", "set_aside", "without_hold"]

SHARE = 4
"""No more than a quarter of a limit is kept back, so that a small budget is for the work first."""


def set_aside(quote: Quote, task: Task, min_output: int) -> Steps[None]:
    """Before a task's first call: one call, one cycle, and the landing's output, as much as there is room for.

    The input of a landing is the history, which grows; each call therefore also leaves room for one
    more that reads it again (`Quote.needs`). `min_output` is what a call cannot do without.
    """
    budget = task.budget
    if task.landed or budget.at_limit == "raise" or not budget.landing.tokens or not task.limited:
        return
    hold = new_reservation()
    if not task.hold.keep(hold):
        return
    needs = {
        "model_calls": Need(1),
        "cycles": Need(1),
        "tokens": Need(0, 1),
        "output_tokens": Need(0, 1),
        "usd": Need(0, quote.output_cost),
    }
    try:
        demand, _ = task.table.demand(needs, most=budget.landing.tokens + min_output)
        most = min([demand.most, *(line.limit // (SHARE * line.slope) for line in demand.lines if line.slope)])
        demand = leases.of(task.store, demand._replace(most=most, idle=True))
        grant: object = yield Io(task.store.reserve, task.store.areserve, hold, demand)
    except BaseException as error:  # it may have been made and only the answer lost
        task.hold.take(hold)
        yield from task.hold.release(hold, in_doubt=True)
        if isinstance(error, StoreError) and budget.on_store_error == "allow":
            return
        raise
    if not isinstance(grant, Grant):
        task.hold.take(hold)
    elif task.hold.name != hold:  # given back meanwhile, by another call of this task
        yield from task.hold.release(hold)
    else:
        leases.keep(task.store, hold, demand.lease, task)


def without_hold(flow: ModelFlow, task: Task) -> ModelFlow:
    """The flow of the last call of a task, or of one that nobody knows to be the last: nothing stays set aside."""
    reply = yield from flow
    yield from task.hold.give_back()
    return reply

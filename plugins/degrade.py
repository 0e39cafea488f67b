"""Calls made cheaper when a share of a limit is spent: another model, less reasoning effort."""

from __future__ import annotations

import logging
from dataclasses import replace

from leanloop.budgets.amount import format_amount, format_scope
from leanloop.budgets.budget import Budget
from leanloop.budgets.degrade_step import EFFORTS, Effort
from leanloop.budgets.usage import Usage
from leanloop.errors import BudgetExceeded, ModelUnavailable, PriceUnknown
from leanloop.plugins.alerts import Alert
from leanloop.plugins.billing import http_status
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.first_look import first_look
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.quote import Quote
from leanloop.plugins.receipt import Saving
from leanloop.plugins.tally import Standing
from leanloop.plugins.task import Task

__all__ = ["Degrade"]

_NOT_SERVED = frozenset({400, 403, 404, 422})
"""HTTP statuses by which a provider says that it will not serve this request to this model: unknown, not allowed, too
long for it, a parameter it lacks. The model asked before may."""


class Degrade(Plugin):
    """From the shares on that the file names (`degrade`), calls go to its cheaper model and ask for its effort.

    Shares are those of any limit of the task and of the tasks it is a part of. A call that a limit in usd has no room
    for takes the next step at once, before the task lands. A task that was degraded stays so, to its landing: each
    change of model loses the prompt prefix its provider has cached. What a later step does not name stays as an
    earlier one has it.

    A model is left alone, which is said once, and the call made as it was asked for, where the adapter or the provider
    has no such model, or where it is dearer than the one asked for. A landing goes to it where the latest call did,
    which left room for that; else only where it needs no more than its own, by its way of counting.
    """

    def idle(self, budget: Budget) -> bool:
        """Where the file names no step."""
        return not budget.degrade

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Look how the limits stand, and make the call as cheap as that asks for."""
        yield from first_look(task)
        _take_steps(task)
        final = False
        while True:
            taken, cheaper = task.degraded, _cheaper(call, task)
            final = final or not _may_go_on(task)
            try:
                reply: ModelReply = yield cheaper if final else replace(cheaper, final=False)
            except BudgetExceeded as error:
                if final or task.stopped is not None:
                    raise
                final = error.resource != "usd"  # then a cheaper model is of no help: let it be refused for good
                if not final and task.degraded == taken:  # else another call has, meanwhile
                    _take_next(task, taken, error)
            except Exception as error:
                if cheaper.model == call.model or not _not_served(error):
                    raise
                _leave_alone(task, cheaper.model, call.model, _reason(error))
            else:
                task.latest_model = cheaper.model
                if cheaper.model != call.model:
                    _save(call, cheaper, reply, task)
                return reply


def _may_go_on(task: Task) -> bool:
    """Whether there is a step not taken yet that a call refused for its price can take."""
    waiting = task.budget.degrade[task.degraded :]
    return "usd" in task.limited and any(step.to is not None and step.to not in task.left_alone for step in waiting)


def _take_steps(task: Task) -> None:
    """The steps whose share is reached by now, of the limit that is spent the most."""
    taken = task.degraded
    waiting = task.budget.degrade[taken:]
    if not waiting:
        return
    uses = [use for member in task.lineage if (use := member.tally.fullest(waiting[0].at)) is not None]
    if uses:
        fullest = max(uses, key=lambda use: use.share)
        if task.degrade_to(taken + sum(step.at <= fullest.share for step in waiting)):
            _tell(task, fullest, format_scope(fullest.account))


def _take_next(task: Task, taken: int, error: BudgetExceeded) -> None:
    """The steps up to the next that names a model."""
    waiting = task.budget.degrade[taken:]
    if task.degrade_to(taken + next(n for n, step in enumerate(waiting, start=1) if step.to is not None)):
        _tell(task, Standing(f"task:{task.id}", error.resource, error.limit, error.spent), error.scope)


def _tell(task: Task, of: Standing, scope: str) -> None:
    if task.alerts.first(task.store, of.account, of.resource, "degraded", task.agent, task.degraded):
        model, effort = _asked(task)
        what = " and ".join([f"go to {model}"] * bool(model) + [f"ask for the effort {effort}"] * bool(effort))
        spent, limit = format_amount(of.resource, of.spent), format_amount(of.resource, of.limit)
        place = task.budget.origin.place("degrade", task.degraded - 1)
        asked = f" ({place})" if place else ""
        message = f"Agent {task.agent}: calls {what}{asked}, since {spent} of {limit} are spent for {scope}."
        share = task.budget.degrade[task.degraded - 1].at
        alert = Alert("degraded", message, task.agent, task.id, scope, of.resource, of.limit, of.spent, share)
        task.alerts.tell(alert, logging.INFO if of.account.startswith("task:") else logging.WARNING)


def _asked(task: Task) -> tuple[str | None, Effort | None]:
    """The model and the effort of the steps taken, the latest of each."""
    taken = task.budget.degrade[: task.degraded][::-1]
    model = next((step.to for step in taken if step.to is not None and step.to not in task.left_alone), None)
    return model, next((step.effort for step in taken if step.effort is not None), None)


def _cheaper(call: ModelCall, task: Task) -> ModelCall:
    model, effort = _asked(task)
    if effort is not None and (call.effort is None or EFFORTS.index(effort) < EFFORTS.index(call.effort)):
        call = replace(call, effort=effort)
    if model is None or model == call.model:
        return call
    other = replace(call, model=model)
    own, new = Quote.of(call, task), Quote.of(other, task)
    if own.price and new.price:
        # At the same number of tokens: that another tokenizer needs some more is no reason not to save.
        before, after = own.price.worst_case(own.bound), new.price.worst_case(own.bound)
        if after[0] > before[0] or after[1] > before[1]:
            _leave_alone(task, model, call.model, f"it costs more than {call.model}")
            return _cheaper(call, task)  # the model of an earlier step, if there is one
    needs_more = new.bound > own.bound or new.input_cost > own.input_cost
    return call if call.purpose == "landing" and task.latest_model != model and needs_more else other


def _not_served(error: Exception) -> bool:
    return isinstance(error, ModelUnavailable) or http_status(error) in _NOT_SERVED


def _reason(error: Exception) -> str:
    """In words of ours: a provider's may repeat what was sent."""
    if isinstance(error, ModelUnavailable):
        return error.why
    return f"its provider answered with HTTP status {http_status(error)}"


def _leave_alone(task: Task, model: str, own: str, why: str) -> None:
    task.left_alone.add(model)
    if task.alerts.first(task.store, f"agent={task.agent}", "unavailable", model, own):
        message = f"Agent {task.agent}: {model} does not take over from {own}: {why.rstrip('.')}."
        task.alerts.tell(Alert("unavailable", message, task.agent, task.id))


def _save(call: ModelCall, cheaper: ModelCall, reply: ModelReply, task: Task) -> None:
    """What the same tokens would have cost with the model that was asked for."""
    if reply.usage is None or not reply.usage.plausible:
        return
    own, new = (_cost(made, reply.usage, task) for made in (call, cheaper))
    if own is not None and new is not None and own > new:
        how = f"the same tokens at the price of {call.model}"
        task.save(Saving("degrade", f"calls made with {cheaper.model}", how, calls=1, cost=own - new))


def _cost(call: ModelCall, usage: Usage, task: Task) -> int | None:
    try:
        return task.prices.price(call.model, call.provider).cost(usage)
    except PriceUnknown:
        return None

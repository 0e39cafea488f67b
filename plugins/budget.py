"""The budget, at the innermost place of the stack: it sees exactly what is sent, and every attempt."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import Any

from leanloop.budgets.demand import Need
from leanloop.budgets.history import Kind
from leanloop.budgets.store import Refusal
from leanloop.budgets.usage import Usage
from leanloop.errors import TaskStopped
from leanloop.plugins.billing import known_unbilled
from leanloop.plugins.call import ModelCall, ModelReply, ToolCall, ToolResult
from leanloop.plugins.cut_off import note_cut_off
from leanloop.plugins.drive_stream import StreamClosed
from leanloop.plugins.entry import entry_of
from leanloop.plugins.events.booked import telling
from leanloop.plugins.flow import Io, ModelFlow, Paused, Plugin, ToolFlow
from leanloop.plugins.landing_reserve import set_aside
from leanloop.plugins.quote import PER_OUTPUT_TOKEN, Quote
from leanloop.plugins.refusal import check_time, refused
from leanloop.plugins.reservation import Reservation
from leanloop.plugins.routing.privacy import refuse_leaving
from leanloop.plugins.task import Task

__all__ = ["NOT_DONE", "BudgetGuard", "pay_cycles"]

_NOT_RUN, _CUT_OFF = NOT_DONE = "Not run.", "Stopped before it was done."
"""How results begin that a limit gave in place of the tool."""


class BudgetGuard(Plugin):
    """Reserves the worst case of each call before it is made, and settles it by what was reported.

    The output cap is lowered to what fits before a call is refused. A refusal is sticky: it stops the
    task whose limit it is, and every task below it. Where only calls in flight stand in the way, it waits
    for them; `waits` is False where they could not end meanwhile (in a plain callback on the thread of an event
    loop). Such a refusal is not sticky.
    """

    def __init__(self, *, waits: bool = True) -> None:
        self._waits = waits

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Reserve, call, settle; release what is known to be unbilled. What may not leave the house is not sent."""
        refuse_leaving(call.model, task)
        landing = call.purpose == "landing"
        if not landing:
            if task.stopped is not None:
                raise task.stopped
            check_time(task)
        quote = Quote.of(call, task)
        if not landing and task.hold.name is None:
            yield from set_aside(quote, task, call.min_output)
        cycles = task.cycles.take()
        needs = _needs(quote, cycles, leave_room=task.hold.name is not None and not landing)
        hold = task.hold.name if landing else None
        try:
            demand, owners = task.table.demand(needs, most=quote.most, least=quote.least)
            held = Reservation(task, demand, owners)
            grant = yield from (held.reserve_in_turn if self._waits else held.reserve)(replaces=hold)
            if isinstance(grant, Refusal):
                sticky = call.final and not grant.passing(quote.least)
                raise refused(task, grant, owners[grant.place], least=quote.least, sticky=sticky)
        except BaseException:
            task.cycles.give_back(cycles)
            raise
        if hold is not None:
            task.hold.take(hold)
        tell = telling(call, task, quote, grant.units)
        sent = _capped(call, grant.units, task)
        try:
            reply: ModelReply = yield sent
        except BaseException as error:
            if known_unbilled(error):
                tell(Usage(), 0, error=error)
                yield from held.release()
                task.cycles.give_back(cycles)
            else:
                told = _reported(error, quote)
                usage = told or quote.worst_usage(grant.units)
                kind: Kind = "call" if told else "unknown"
                yield from _book(held, quote, usage, call, cycles, tell=partial(tell, error=error), kind=kind)
            raise
        usage = quote.usage_of(reply)
        if not usage.estimated and usage.input:
            quote.counter.learn(quote.counted, usage.input)
        yield from _book(held, quote, usage, call, cycles, tell=partial(tell, reply=reply))
        note_cut_off(reply, call, sent, task)
        return reply

    def on_tool(self, call: ToolCall, task: Task) -> ToolFlow:
        """Count the call against the limits on tool calls; one too many is answered, not made.

        One of a tool the agent does not have runs nothing, so it is not counted; some frameworks do not even show it.
        """
        stop = task.stopped
        if stop is not None and not task.landed:
            if task.budget.at_limit == "raise":
                raise stop
            return ToolResult(f"{_NOT_RUN} {stop.reason} Answer with what you have.", is_error=True)
        if not call.known:
            unknown: ToolResult = yield call
            return unknown
        actual = {"tool_calls": 1, f"tool_calls:{call.name}": 1}
        demand, owners = task.table.demand({name: Need(1) for name in actual})
        held = Reservation(task, demand, owners)
        grant = yield from held.reserve()
        if isinstance(grant, Refusal):
            whole = grant.line.resource == "tool_calls"
            error = refused(task, grant, owners[grant.place], sticky=whole)
            if task.budget.at_limit == "raise":
                raise error
            return ToolResult(
                f"{_NOT_RUN} {error.reason} {'Answer with what you have.' if whole else 'Go on without it.'}",
                is_error=True,
            )
        try:
            result: ToolResult = yield call
        except Paused:
            yield from held.release()
            yield from task.hold.give_back()
            raise
        except BaseException as error:
            yield from _book_tool(held, actual, call)
            if isinstance(error, TaskStopped) and task.budget.at_limit == "land":
                return ToolResult(f"{_CUT_OFF} {error.reason}", is_error=True)
            yield from task.hold.give_back()
            raise
        yield from _book_tool(held, actual, call)
        return result


def pay_cycles(task: Task) -> Generator[Io[Any], Any, None]:
    """Count the cycle of a step that was answered without a call: it was one all the same, and a cap on them holds.

    Where no call has set a landing's cycle aside yet, room for that is left.

    Raises:
        BudgetExceeded: there is no room for it.
    """
    cycles = task.cycles.take()
    if not cycles:
        return
    lands = task.hold.name is None and task.budget.at_limit == "land" and task.budget.landing.tokens > 0
    demand, owners = task.table.demand({"cycles": Need(cycles + lands)})
    held = Reservation(task, demand, owners)
    try:
        grant = yield from held.reserve_in_turn()
        if isinstance(grant, Refusal):
            raise refused(task, grant, owners[grant.place])
    except BaseException:
        task.cycles.give_back(cycles)
        raise
    yield from held.settle({"cycles": cycles})


def _needs(quote: Quote, cycles: int, *, leave_room: bool) -> dict[str, Need]:
    """The worst case of a call; with `leave_room`, that of a landing that reads all of it again, too."""
    needs = quote.needs(reread=leave_room)
    if cycles:
        needs["cycles"] = Need(cycles)
    return needs


def _reported(error: BaseException, quote: Quote) -> Usage | None:
    """The usage a stream closed early had reported, where it covers what had arrived.

    Some providers report the input with the first chunk and the output with the last (Anthropic's message_start
    and message_delta, https://docs.anthropic.com/en/docs/build-with-claude/streaming).
    """
    if not isinstance(error, StreamClosed):
        return None
    usage = error.reply.usage
    if usage is None or not usage.of_one_call or not usage.output:
        return None
    arrived = quote.counter.expected(quote.counter.reply(error.reply.message))
    return usage if usage.output >= arrived else None


def _capped(call: ModelCall, units: int, task: Task) -> ModelCall:
    """The call with its cap sent along, where a limit relies on it or the file names one."""
    if not task.limited.isdisjoint(PER_OUTPUT_TOKEN) or task.budget.max_output is not None:
        return call.but(max_output=units)
    return call


def _book(
    held: Reservation,
    quote: Quote,
    usage: Usage,
    call: ModelCall,
    cycles: int,
    *,
    tell: Callable[[Usage, int | None], None],
    kind: Kind = "call",
) -> Generator[Io[Any], Any, None]:
    task, cost = held.task, quote.cost(usage)
    version = quote.price.version if quote.price else "no price"
    actual = quote.actual(usage, cost, cycles)
    # Before it is settled: what is cancelled while it waits for the ledger was billed all the same.
    for member in task.lineage:
        member.tally.model_call(call.model, usage, cost, version)
    try:
        yield from held.settle(actual, entry_of(task, kind, call.model, version, _told(actual, usage)))
    finally:
        tell(usage, cost)


def _told(actual: Mapping[str, int], usage: Usage) -> dict[str, int]:
    """What the history says of a call: what was booked, and the parts of it that no limit is about."""
    told = {name: amount for name, amount in actual.items() if amount}
    if usage.cached_input:
        told["cached_input"] = usage.cached_input
    if usage.cache_write:
        told["cache_write"] = usage.cache_write
    if usage.reasoning:
        told["reasoning"] = usage.reasoning
    return told


def _book_tool(held: Reservation, actual: Mapping[str, int], call: ToolCall) -> Generator[Io[Any], Any, None]:
    for member in held.task.lineage:
        member.tally.tool_call(call.name)
    yield from held.settle(actual)

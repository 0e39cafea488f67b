"""Cognitive tools for models that do not reason by themselves, within a step of an agent."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from leanloop.budgets.budget import Budget
from leanloop.budgets.message import Message
from leanloop.errors import BudgetExceeded
from leanloop.plugins.cache.answer_cache import AnswerCache
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.difficulty.learning import Learning
from leanloop.plugins.flow import Io, ModelFlow, Plugin, compose
from leanloop.plugins.scaffold.catalogue import all_tools
from leanloop.plugins.scaffold.exchanges import Exchanges
from leanloop.plugins.scaffold.forms import AsText, AsTools, Form
from leanloop.plugins.scaffold.offer import Offer, judge, offered_to, tools_named
from leanloop.plugins.scaffold.protocol import without_protocol
from leanloop.plugins.scaffold.record import Bill, record
from leanloop.plugins.scaffold.thought import Asks
from leanloop.plugins.scaffold.uses import Uses
from leanloop.plugins.supplied import Supplied
from leanloop.plugins.task import Task

__all__ = ["Scaffold"]

_FUTILE = 2
"""Steps of a task that may end with calls of tools that are used up, before the tools are taken away for good."""


class _Thinking:
    """What a task has thought so far."""

    def __init__(self) -> None:
        self.uses = Uses()
        self.exchanges = Exchanges()
        self.offers: dict[tuple[str, str], tuple[Offer, Form]] = {}
        self.futile = 0


class Scaffold(Plugin):
    """Offers cognitive tools (Ebouky, Bartezzaghi, Rigotti 2025, arXiv 2506.12115) to the models that the file names.

    The model calls them as it calls tools. Each call is answered by a separate call of the same model, which sees the
    tool's prompt and its inputs alone, and is reserved, settled and capped like any other; then the model is asked
    again. The framework sees the last reply of a step only. A reply that asks for other tools as well goes to the
    framework with those, and its thoughts are given to the model together with their results.

    What was decided for an agent at its first call holds for its task: tools stand before everything in the prompt, and
    each change of them costs the prefix that the provider has cached. For the same reason they stay offered when they
    are used up: a call is then answered with that. Asked for all the same, they are taken away. A step that the budget
    has no room for with the tools is made without them.

    Args:
        supplied: what the user brings.
        learning: what is known of how calls end with them and without.
        answers: the cache that separate calls go through as well.

    Raises:
        UsageError: two cognitive tools of the user's have one name.
    """

    def __init__(self, supplied: Supplied, learning: Learning, answers: AnswerCache) -> None:
        if supplied.cognitive_tools:
            all_tools(supplied.cognitive_tools)
        self._supplied = supplied
        self._learning = learning
        self._answers = answers
        self._lock = threading.RLock()
        self._tasks: WeakKeyDictionary[Task, _Thinking] = WeakKeyDictionary()

    def idle(self, budget: Budget) -> bool:
        """Where the file names no model for them."""
        return budget.scaffold is None or not budget.scaffold.models

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Make the call, and what it thinks in between."""
        rules = task.budget.scaffold
        if rules is None or call.apart or not call.messages:
            reply: ModelReply = yield call
            return reply
        with self._lock:
            thinking = self._tasks.setdefault(task, _Thinking())
        known = thinking.offers.get((call.agent, call.model)) if call.agent else None
        if not offered_to(call, rules):
            return (yield from _as_it_was_sent(call, thinking, known))
        first = known is None
        if known is None:
            offer = yield from judge(call, task, rules, tools_named(rules, self._supplied), self._learning)
            known = offer, AsText(offer.tools) if offer.form == "text" else AsTools(offer.tools)
            if call.agent:
                known = thinking.offers.setdefault((call.agent, call.model), known)
        bill = Bill(call, task)
        if not known[0].tools:
            reply = yield call
            bill.add(call, reply)
        else:
            reply = yield from self._step(call, task, thinking, known, bill)
        if first or bill.calls > 1:  # a task's outcome counts once, however many steps it has
            yield from record(known[0], bill, task, self._learning)
        return reply

    def _step(
        self, call: ModelCall, task: Task, thinking: _Thinking, known: tuple[Offer, Form], bill: Bill
    ) -> ModelFlow:
        """Ask, think, ask again, until the reply asks for no cognitive tool."""
        offer, form = known
        messages, exchanged = _with_exchanges(call, thinking), list[Message]()
        uses = thinking.uses.of_step(offer.tools, task, self._asks(task, bill), self._supplied.run_code)
        withdrawn = thinking.futile >= _FUTILE
        while True:
            sent, reply, withdrawn = yield from _made(form, call, messages, task, withdrawn=withdrawn)
            bill.add(sent, reply)
            asked = form.read(reply, call)
            if withdrawn or not asked.wanted:
                return bill.whole(_with_words(form.cleaned(reply), exchanged))
            ran, answers = 0, list[Message]()
            for request in asked.wanted:
                result, real = yield from uses.use(request, sent)
                ran += real
                answers.append(form.answer(request, result))
            if asked.rest is not None:
                if call.agent:
                    thinking.exchanges.replied(call.agent, call.messages, asked.said, tuple(answers))
                return bill.whole(ModelReply(asked.rest, reply.usage, reply.finish))
            said = (asked.said, *answers)
            messages = (*messages, *said)
            exchanged += said
            if call.agent:
                thinking.exchanges.add(call.agent, call.messages, said)
            if not ran:
                withdrawn = True
                thinking.futile += 1
                if thinking.futile == _FUTILE:
                    task.note("Cognitive tools were asked for when they were used up, and were taken away.")

    def _asks(self, task: Task, bill: Bill) -> Asks:
        """Makes separate calls, through the cache of answers where there is one, and puts them on the bill."""

        def asks(thought: ModelCall) -> ModelFlow:
            if self._answers.idle(task.budget):
                reply: ModelReply = yield thought
            else:
                reply = yield from compose((self._answers.on_model,), thought, task)
            bill.add(thought, reply)
            return reply

        return asks


def _with_exchanges(call: ModelCall, thinking: _Thinking) -> tuple[Message, ...]:
    return thinking.exchanges.apply(call.agent, call.messages) if call.agent else call.messages


def _made(
    form: Form, call: ModelCall, messages: tuple[Message, ...], task: Task, *, withdrawn: bool
) -> Generator[Io[Any] | ModelCall, Any, tuple[ModelCall, ModelReply, bool]]:
    """What was sent, its reply, and whether it went without the tools: they are no reason to end a task."""
    if withdrawn:
        sent = form.withdrawn(call, messages)
        return sent, (yield sent), True
    sent = form.offered(call, messages)
    try:
        return sent, (yield replace(sent, final=False)), False
    except BudgetExceeded:
        if task.stopped is not None:
            raise
    task.note("Cognitive tools were not offered in a step: the budget has no room for them beside it.")
    sent = call if messages is call.messages else form.withdrawn(call, messages)
    return sent, (yield sent), True


def _as_it_was_sent(call: ModelCall, thinking: _Thinking, known: tuple[Offer, Form] | None) -> ModelFlow:
    """A call without the tools, of an agent that had them: a landing begins as the calls before it did."""
    if known is None or not known[0].tools:
        reply: ModelReply = yield call
        return reply
    form, messages = known[1], _with_exchanges(call, thinking)
    if call.purpose == "landing":
        reply = yield form.offered(call, messages)
    else:
        reply = yield form.withdrawn(call, messages)
    return form.cleaned(reply)


def _with_words(reply: ModelReply, exchanged: Sequence[Message]) -> ModelReply:
    """The reply; where nothing is left of it but what nobody may see, what the model said before it in this step."""
    message = reply.message
    if message.text.strip() or message.tool_calls or not exchanged:
        return reply
    said = [without_protocol(one.text).strip() for one in exchanged if one.role == "assistant"]
    text = "\n\n".join(filter(None, said)) or "No answer was given; the model only asked for tools to think with."
    return ModelReply(replace(message, text=text, raw=None), reply.usage, reply.finish)

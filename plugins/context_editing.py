"""Context editing: old tool results are no longer sent, where that saves more than it costs."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from leanloop.budgets.budget import Budget
from leanloop.budgets.context_rules import ContextRules
from leanloop.budgets.message import Changed, Message
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.rate import MILLION
from leanloop.budgets.result_rules import ResultRules
from leanloop.budgets.tokens import TokenCounter, counter_for
from leanloop.errors import PriceUnknown, StoreError
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.clear_summary import summary_cost, summary_of
from leanloop.plugins.cleared_line import also_line, batch_text, cleared_line, same_line
from leanloop.plugins.clearing import CallRates, to_clear
from leanloop.plugins.flow import Io, ModelFlow, Plugin
from leanloop.plugins.needs import Needs
from leanloop.plugins.receipt import Saving
from leanloop.plugins.remaining_steps import UNKNOWN, Later, RemainingSteps
from leanloop.plugins.results.handle import scope_of
from leanloop.plugins.results.keep import keep
from leanloop.plugins.results.stores import results_of
from leanloop.plugins.sent_history import SentHistory, ToolAnswer, Totals
from leanloop.plugins.shorten.shorten import kind_of
from leanloop.plugins.steps import Steps
from leanloop.plugins.task import Task

__all__ = ["ContextEditing"]

_WORTH = 12
"""Tokens. Less is not saved one by one: a line in its place would cost the model more to wonder at than to read."""

_AFTER_FAILURE = 10
"""Calls in which nothing is cleared after a result could not be kept."""

_UNCACHED = 2
"""So many calls in a row that found no cached prefix where there should be one tell of a provider that caches none."""

_ALWAYS_CACHED = 2_048
"""Tokens of a known prefix that is long enough to be cached by nearly every provider."""

_UNPRICED = CallRates(read=10, fresh=125, plain=100, least=1_024, output=500)
"""Of a model without a known price: only what is dearer than what matters, and that is much alike everywhere."""


@dataclass(slots=True)
class _Run:
    """One task's history, and how far it is."""

    history: SentHistory
    lock: threading.Lock = field(default_factory=threading.Lock)
    step: int = 0
    later: Later = UNKNOWN
    ended_at: int | None = None
    waits_until: int = 0
    uncached: int = 0


class _Turn(NamedTuple):
    """One call on its way; `front` is the size of its tools."""

    call: ModelCall
    task: Task
    rules: ContextRules
    run: _Run
    counter: TokenCounter
    front: int
    rates: CallRates


class ContextEditing(Plugin):
    """Sends a line in the place of old tool results (the file's `context`). What the framework stores stays whole.

    - A result that says what an earlier one, still in sight, says already is sent as a line that points there.
    - Old results are cleared in batches, at the moment `leanloop.plugins.clearing` finds that it pays, or before the
      prompt grows over `at_tokens`. Each is kept first, and its line says how to read it back; where it cannot be
      kept it stays. Only an agent that can call `read_result` has results cleared.
    - The last `keep` results and those of the tools in `exclude` stay. So do all messages, tool calls, ids, errors as
      errors, pictures and thinking: nothing but the text of a result changes.
    - What is cleared stays so in all later calls of the task, the landing included, byte for byte.
    """

    def __init__(self) -> None:
        self._runs: WeakKeyDictionary[Task, _Run] = WeakKeyDictionary()
        self._steps = RemainingSteps()
        self._needs = Needs()

    def idle(self, budget: Budget) -> bool:
        """Nothing to do where the file names no `context`."""
        return budget.context is None

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Decide what to clear, and send the history without it."""
        rules = task.budget.context
        if rules is None or call.purpose == "summary":
            reply: ModelReply = yield call
            return reply
        counter = counter_for(call.model)
        run = self._runs.get(task) or self._runs.setdefault(task, _Run(SentHistory(task.cleared, counter.message)))
        turn = _Turn(call, task, rules, run, counter, counter.prompt((), call.tools), _rates(call, task, run, counter))
        chosen: list[ToolAnswer] = []
        with run.lock:
            new = run.history.follow(call.messages)
            if call.purpose == "step":
                self._look(turn, new)
                chosen = self._chosen(turn)
        broken_at = (yield from self._clear(turn, chosen)) if chosen else None
        with run.lock:
            run.history.follow(call.messages)
            messages = tuple(run.history.sent) if len(task.cleared) else call.messages
            totals = run.history.totals(turn.front, broken_at)
        reply = yield replace(call, messages=messages) if messages is not call.messages else call
        with run.lock:
            run.history.made = len(call.messages)
            if call.purpose == "step" and all(one.name in call.answer_tools for one in reply.message.tool_calls):
                self._steps.end(task.agent, run.step)
                run.ended_at = run.step
            _note_caching(turn, reply, totals)
        _save(turn, totals)
        return reply

    def _look(self, turn: _Turn, new: list[ToolAnswer]) -> None:
        """Count the step, and look at what is new: what says nothing new is sent as a line from the first."""
        run, task, counter = turn.run, turn.task, turn.counter
        run.step += 1
        run.later = self._steps.step(task.agent, run.step, ended_at=run.ended_at)
        run.ended_at = None
        self._needs.note(task.agent, run.history.seen)
        run.history.seen.clear()
        for answer in new:
            message, request = answer.message, answer.request
            size = counter.text(message.text)
            if size <= _WORTH:
                continue
            original = run.history.same_as(answer)
            if original is not None and size - counter.text(line := same_line(original.request)) > _WORTH:
                run.history.replace(answer, _with(message, line), original)
            elif request.name not in turn.rules.exclude:
                answer.saved = size - counter.text(also_line(failed=message.is_error))

    def _chosen(self, turn: _Turn) -> list[ToolAnswer]:
        """What is to be cleared in this call."""
        run, task, rules = turn.run, turn.task, turn.rules
        clearable = run.history.clearable(rules.keep, _WORTH, run.step)
        if not clearable or not turn.call.readable or run.step < run.waits_until:
            return []
        left = task.left("cycles", "model_calls")
        later, doubt = run.later
        later = later if left is None else min(later, max(0, left - 1))
        prompt = run.history.prompt(turn.front, clearable, run.step, self._needs.chances(task.agent), later)
        size = prompt.before + sum(part.tokens for part in prompt.parts)
        places = to_clear(
            prompt,
            turn.rates,
            later,
            doubt=doubt,
            part=(task.budget.results or ResultRules()).read_tokens,
            fixed=summary_cost(rules.summary, turn.call, task, sum(answer.saved for answer in clearable)),
            forced=rules.at_tokens is not None and size > rules.at_tokens,
        )
        by_place = {answer.place: answer for answer in clearable}
        return [by_place[clearable[0].place + place] for place in places]

    def _clear(self, turn: _Turn, chosen: Sequence[ToolAnswer]) -> Generator[Io[Any] | ModelCall, Any, int | None]:
        """Keep the results, then send lines in their places; gives where the first one stands, None where none does."""
        run, task = turn.run, turn.task
        batches: list[tuple[str, list[ToolAnswer]]] = []
        waiting: list[ToolAnswer] = []
        for answer in (*chosen, None):
            named = (yield from _named(answer, task)) if answer is not None else None
            # A handle ends a batch: a line without one is about the nearest above.
            apart = answer is not None and waiting and run.history.names_handle(waiting[-1].place, answer.place)
            if answer is not None and named is None and not apart:
                waiting.append(answer)
                continue
            if waiting:
                text = batch_text([(one.request, one.message.text) for one in waiting])
                handle = yield from keep(text, waiting[0].request.name, kind_of(text), task)
                if handle is None:
                    run.waits_until = run.step + _AFTER_FAILURE
                    return None
                batches.append((handle, waiting))
                waiting = []
            if answer is not None and named is None:
                waiting.append(answer)
            elif answer is not None and named is not None:
                batches.append((named, [answer]))
        summary = None
        if turn.rules.summary is not None:
            texts = [(answer.request.name, answer.message.text) for answer in chosen]
            summary = yield from summary_of(texts, turn.rules.summary, turn.call, task)
        with run.lock:
            for handle, answers in batches:
                _replace(turn, handle, answers, chosen[0], summary)
        return chosen[0].place


def _replace(turn: _Turn, handle: str, answers: Sequence[ToolAnswer], first: ToolAnswer, summary: str | None) -> None:
    """Send lines in the places of results that are read back by one handle: the first names it."""
    history = turn.run.history
    head = answers[0]
    for answer in answers:
        message, failed = answer.message, answer.message.is_error
        alone = cleared_line(handle, failed=failed)
        if answer is not head:
            history.replace(answer, _with(message, also_line(failed=failed)), head, _with(message, alone))
            continue
        line = cleared_line(handle, others=len(answers) - 1, failed=failed)
        if summary is not None and answer is first:
            line = f"{line}\n[summary of what was cleared]\n{summary}"
        history.replace(answer, _with(message, line))


def _named(answer: ToolAnswer, task: Task) -> Steps[str | None]:
    """The handle of the whole, where what was sent is a part of a result that is kept already."""
    named = task.shown_parts.handle_of(answer.message.text)
    if named is None:
        return None
    store, scope = results_of(task), scope_of(task, task.budget.results or ResultRules())
    try:
        kept = yield Io(store.get, store.aget, scope, named)
    except StoreError:
        return None  # it will hardly keep this one either, and then nothing is cleared
    return named if kept is not None else None


def _with(message: Message, text: str) -> Message:
    return replace(message, text=text, raw=Changed.of(message.raw))


def _rates(call: ModelCall, task: Task, run: _Run, counter: TokenCounter) -> CallRates:
    try:
        price = task.prices.price(call.model, call.provider)
    except PriceUnknown:
        return _UNPRICED
    rule = rule_for(call.model)
    # Sizes are counted here; the provider's limit is in its own tokens.
    rule = rule._replace(least=round(rule.least * 1_000 / max(1, counter.expected(1_000))))
    return CallRates.of(price, rule, sum(run.history.totals(0)[:1]), caching=run.uncached < _UNCACHED)


def _note_caching(turn: _Turn, reply: ModelReply, totals: Totals) -> None:
    """Whether the provider caches prefixes at all, by what it reports."""
    usage = reply.usage
    if usage is None or usage.estimated or totals.sent_known < max(turn.rates.least, _ALWAYS_CACHED):
        return
    turn.run.uncached = 0 if usage.cached_input else turn.run.uncached + 1


def _save(turn: _Turn, totals: Totals) -> None:
    """What this call did not send, and what it would have cost more; less where a prefix was broken for it."""
    tokens = totals.bare - totals.sent
    if tokens <= 0:
        return
    rates, expected = turn.rates, turn.counter.expected
    more = rates.cost(totals.bare, totals.bare_known) - rates.cost(totals.sent, totals.sent_known)
    cost = 0 if rates is _UNPRICED else expected(more) // MILLION
    how = "counted; priced as the provider's prefix caching would have it, less what was written anew"
    turn.task.save(Saving("context editing", "old tool results not sent", how, 1, expected(tokens), cost))

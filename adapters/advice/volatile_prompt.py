"""A system prompt that changes on the way: what it costs that the provider's prefix cache ends where it does.

A date that is written anew in every call makes a trace fall into runs of one call each. The calls of such a trace are
priced in their order as they were sent, with what leads both prompts read from the cache up to the character that
differs; and once more as ``prefix: {volatile: behind}`` would have sent them, by the very plugin.
"""

from __future__ import annotations

import os.path
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from leanloop.adapters.advice.bare import bare_budget
from leanloop.adapters.advice.case import Case
from leanloop.adapters.advice.change import Change, Unmeasured
from leanloop.adapters.advice.effect import Effect
from leanloop.adapters.advice.prefix_caching import is_cached
from leanloop.adapters.advice.runs import Runs
from leanloop.adapters.traces.trace import asked, succeeded
from leanloop.budgets.context_rules import PrefixRules
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message
from leanloop.budgets.prefix_cache import common_prefix, rule_for, split
from leanloop.budgets.price_book import price_book
from leanloop.budgets.prices import Price
from leanloop.budgets.tokens import TokenCounter, counter_for
from leanloop.budgets.usage import Usage
from leanloop.plugins import drive_sync
from leanloop.plugins.alerts import Alert, Alerts
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.prefix import Prefix
from leanloop.plugins.task import Task
from leanloop.plugins.volatile import alike, difference
from leanloop.plugins.volatile import split as without_dates

__all__ = ["FEATURE", "volatile_prompt"]

FEATURE = "volatile text behind"

_HOW = (
    "The calls of a trace were priced in their order, as they were sent and with what changes in the system prompt "
    "behind the history. Taken for granted: they follow each other within five minutes, and the model heeds a date at "
    "the end as it does one at the top."
)


class _Sent(NamedTuple):
    prompt: tuple[Message, ...]
    reply: Message


class _Unheard(Alerts):
    """What a recorded agent did to its prefix is told as advice, not as it is replayed."""

    def tell(self, alert: Alert, level: int = 0) -> None:
        """Tell nobody."""


def volatile_prompt(runs: Runs) -> Change | Unmeasured:
    """Try to send behind the history what changes in the system prompt of a trace (`leanloop.plugins.volatile`)."""
    cases, terms = runs.cases, runs.terms
    if terms.budget.prefix.volatile == "behind":
        return Unmeasured(FEATURE, "the budget file has it on")
    prices = price_book(terms.budget)
    effects: list[Effect] = []
    where = ""
    whole = same = 0
    for parts in _traces(cases):
        price, sent = prices.price(parts[0].model), _sent(parts)
        caches = is_cached(parts[0], terms.budget)
        before = after = _bill(sent, parts[0].model, price, caches=caches)
        found = _change(sent)
        if found:
            where = where or found
            after = _bill(_behind(sent, parts[0].model), parts[0].model, price, caches=caches)
        whole += before
        same += _bill(_unchanged(sent), parts[0].model, price, caches=caches) if found else before
        effects.append(Effect(parts[0].group, before, after, success=succeeded(parts[0].trace)))
    notes = _between(cases)
    if not where:
        return Unmeasured(FEATURE, "no trace in these runs has a system prompt that changes on its way", notes)
    notes = (f"The first that changes: {where}.", *notes)
    if same < whole <= sum(effect.after for effect in effects):
        why = (
            f"the file cannot move what changes, which has to stand in a line of its own; were the system prompt the "
            f"same in every call, {1 - same / whole:.1%} of the bill would be saved"
        )
        return Unmeasured(FEATURE, why, notes)
    return Change(FEATURE, {"prefix": {"volatile": "behind"}}, effects, _HOW, notes)


def _traces(cases: Sequence[Case]) -> Iterator[list[Case]]:
    """The runs of each trace of one model together; a run that names no trace is one."""
    traces: dict[tuple[str, str] | int, list[Case]] = defaultdict(list)
    for case in cases:
        traces[id(case) if case.trace.of is None else (case.trace.of, case.model)].append(case)
    yield from traces.values()


def _sent(parts: Sequence[Case]) -> list[_Sent]:
    return [
        _Sent(case.trace.messages[:place], case.trace.messages[place]) for case in parts for place in asked(case.trace)
    ]


def _change(sent: Sequence[_Sent]) -> str:
    """Where two calls that go on from each other have another version of the system prompt; empty where none have."""
    for before, now in pairwise(sent):
        if not _has_system(before) or not _has_system(now):
            continue
        old, new = before.prompt[0], now.prompt[0]
        goes_on = now.prompt[1 : len(before.prompt)] == before.prompt[1:]
        if old != new and goes_on and alike(old.text, new.text):
            return str(difference(old.text, new.text))
    return ""


def _unchanged(sent: Sequence[_Sent]) -> list[_Sent]:
    """The calls with the first one's system prompt in place of its later versions."""
    first = next(one.prompt[0] for one in sent if _has_system(one))
    return [
        one._replace(prompt=(first, *one.prompt[1:]))
        if _has_system(one) and alike(first.text, one.prompt[0].text)
        else one
        for one in sent
    ]


def _has_system(sent: _Sent) -> bool:
    return bool(sent.prompt) and sent.prompt[0].role == "system"


def _behind(sent: Sequence[_Sent], model: str) -> list[_Sent]:
    """The calls as they would have been sent."""
    budget = bare_budget("advice").model_copy(update={"prefix": PrefixRules(breakpoints=False, volatile="behind")})
    plugin, changed = Prefix(), list[_Sent]()
    task = Task(budget, store=MemoryStore())
    task.alerts = _Unheard()
    for one in sent:

        def send(call: ModelCall, reply: Message = one.reply) -> ModelReply:
            changed.append(_Sent(tuple(call.messages), reply))
            return ModelReply(reply, None)

        drive_sync.run(plugin.on_model(ModelCall(model, one.prompt), task), send)
    task.close()
    return changed


def _bill(sent: Sequence[_Sent], model: str, price: Price, *, caches: bool) -> int:
    counter, rule = counter_for(model), rule_for(model)
    before: tuple[Message, ...] = ()
    cost = 0
    for prompt, reply in sent:
        tokens = counter.expected(counter.prompt(prompt))
        read, written = split(tokens, counter.expected(_shared(counter, before, prompt)), rule) if caches else (0, 0)
        cost += price.cost(Usage(tokens, counter.expected(counter.reply(reply)), read, written))
        before = prompt
    return cost


def _shared(counter: TokenCounter, before: Sequence[Message], now: Sequence[Message]) -> int:
    """Tokens that lead both prompts, those of the first message that differs up to where it does."""
    same = common_prefix(before, now)
    shared = sum(map(counter.message, now[:same]))
    if same < min(len(before), len(now)) and before[same].role == now[same].role:
        old, new = before[same].text, now[same].text
        shared += counter.text(os.path.commonprefix((old, new)))  # noqa: RUF071 - of characters, as is meant
    return shared


def _between(cases: Sequence[Case]) -> tuple[str, ...]:
    """Whether system prompts differ from run to run in dates, times or ids alone."""
    prompts: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        first = case.trace.messages[0]
        if first.role == "system":
            prompts[without_dates(first.text).stable].add(first.text)
    moved = sum(len(texts) for texts in prompts.values() if len(texts) > 1)
    if not moved:
        return ()
    found = (
        f"{moved:,} system prompts differ from others in a date, a time or an id alone, which ends the cached prefix "
        "between tasks too. What that costs depends on how closely tasks follow each other, and was not measured."
    )
    return (found,)

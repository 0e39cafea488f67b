"""Recorded runs through a cache of answers, one after the other, the model played from the recording.

Only what was asked before can be given again: a call is served first and learned from afterwards. A recording cannot
react, so a run goes on as recorded whatever it was served. A call that was answered is not sent, so the provider has
not read its prompt: the next one that is sent shares its prefix with the last one that was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from leanloop.adapters.traces.bill import Bill, Meter
from leanloop.adapters.traces.trace import Trace, asked
from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message
from leanloop.budgets.prefix_cache import rule_for
from leanloop.budgets.prices import Price
from leanloop.budgets.tokens import counter_for
from leanloop.plugins import drive_sync
from leanloop.plugins.cache.answer_cache import AnswerCache
from leanloop.plugins.cache.ground import Grounds
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.same_answer import says_the_same
from leanloop.plugins.call import ModelCall, ModelReply, Tier
from leanloop.plugins.flow import compose
from leanloop.plugins.repeats import same_arguments
from leanloop.plugins.task import Task

__all__ = ["CachedRun", "CachedRuns", "WrongHit"]


@dataclass(frozen=True, slots=True)
class WrongHit:
    """An answer to another question, and what the model had said to this one."""

    question: str
    served: str
    recorded: str


@dataclass(slots=True)
class CachedRun:
    """What a cache did for one run.

    Attributes:
        calls: model calls.
        hits: those that were answered, by tier.
        other: hits whose answer is not the recorded one. A model that was asked the very same thing twice may have
            answered in two ways; a cache gives the first one again, which is no wrong answer.
        wrong: hits of another question whose answer does not say what the recorded one does, as
            `leanloop.plugins.cache.same_answer` takes it, which is on the safe side.
        before, after: all calls, and those that were still made.
    """

    calls: int = 0
    hits: Counter[Tier] = field(default_factory=Counter[Tier])
    other: int = 0
    wrong: list[WrongHit] = field(default_factory=list[WrongHit])
    before: Bill = field(default_factory=Bill)
    after: Bill = field(default_factory=Bill)

    @property
    def repeats(self) -> bool:
        """Whether an earlier run was the same from its beginning to its end."""
        return 0 < self.calls == self.hits["exact"] and not self.other


class CachedRuns:
    """Runs over one cache, in the order they come.

    Calls are taken to be made at temperature 0. Where a record says when a call was made, answers older than the rules
    allow are not given again; where it does not, no time passes.

    Args:
        rules: which answers may be given again. There is no embedder, so none is by meaning.
    """

    def __init__(self, rules: CacheRules) -> None:
        self._now = 0.0
        store = MemoryCache(clock=self._time)
        self._cache = AnswerCache(Grounds(store=store), chance=_never, clock=self._time)
        self._budget = Budget(agent="recorded", limits=(), loop=None, results=None, cache=rules)

    def play(self, trace: Trace, model: str, price: Price | None) -> CachedRun:
        """Serve a run what it asks for, and learn the rest of its answers; `model` where the record names none."""
        counter, rule = counter_for(model), rule_for(model)
        before, after = Meter(counter, price, rule), Meter(counter, price, rule)
        found = CachedRun()
        recorded = {call.place: call for call in trace.calls}
        task = Task(self._budget, store=MemoryStore(), tags=dict(trace.tags))
        for place in asked(trace):
            prompt, reply = trace.messages[:place], trace.messages[place]
            output = counter.expected(counter.reply(reply))
            its = recorded.get(place)
            if its is not None and its.began is not None:
                self._now = max(self._now, its.began)
            before.call(prompt, output)
            call = ModelCall((its and its.model) or model, prompt, settings=_settings)

            def made(sent: ModelCall, reply: Message = reply, output: int = output) -> ModelReply:
                return ModelReply(reply, after.call(sent.messages, output), "stop")

            given = drive_sync.run(compose((self._cache.on_model,), call, task), made)
            found.calls += 1
            if given.hit is not None:
                _count(found, given.hit, given.message, reply, prompt)
        task.close()
        found.before, found.after = before.bill, after.bill
        return found

    def _time(self) -> float:
        return self._now


def _count(found: CachedRun, tier: Tier, served: Message, recorded: Message, prompt: tuple[Message, ...]) -> None:
    found.hits[tier] += 1
    found.other += _said(served) != _said(recorded)
    if tier != "exact" and not says_the_same(served, recorded):
        found.wrong.append(WrongHit(prompt[-1].text, served.text, recorded.text))


def _said(message: Message) -> tuple[str, list[tuple[str, str]]]:
    return message.text, [(call.name, same_arguments(call.arguments)) for call in message.tool_calls]


def _settings() -> dict[str, object]:
    return {"temperature": 0}


def _never() -> float:
    """No hit is picked to be checked against a fresh answer: each is compared with the recorded one."""
    return 1.0

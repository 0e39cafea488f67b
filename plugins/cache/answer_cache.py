"""Answers of models given again: to the very same call, to one in other spelling, to one that means the same."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from leanloop.budgets.budget import Budget
from leanloop.budgets.usage import Usage
from leanloop.errors import PriceUnknown, StoreError
from leanloop.plugins.budget import pay_cycles
from leanloop.plugins.cache.alike import Alike, alike, judged, vector_of
from leanloop.plugins.cache.cacheable import exact_only, may_be_kept, spelling_only
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.ground import Ground, Grounds
from leanloop.plugins.cache.keep import kept, unreadable
from leanloop.plugins.cache.key import CacheKey
from leanloop.plugins.cache.replay import Replayed, kept_reply, replayed_reply
from leanloop.plugins.cache.same_answer import says_the_same
from leanloop.plugins.cache.single_flight import Turn
from leanloop.plugins.cache.store import Found
from leanloop.plugins.cache.vector import Vector
from leanloop.plugins.call import ModelCall, ModelReply, Tier
from leanloop.plugins.events.event import Hit
from leanloop.plugins.flow import Io, ModelFlow, Plugin
from leanloop.plugins.receipt import Saving
from leanloop.plugins.refusal import check_time
from leanloop.plugins.routing.choice import is_valuable
from leanloop.plugins.task import Task

__all__ = ["AnswerCache"]


class AnswerCache(Plugin):
    """Looks for the answer before the model is asked, and keeps the model's.

    Of calls that are the same and made at one time, in this process or another one, one is made and the others wait
    for its answer. A hit costs nothing, is a cycle all the same, and has ids of its own. Trouble with the cache is a
    miss. Nothing is looked up for a landing, or once the loop guard has told the model of a loop; nothing is kept that
    was answered under a note or by another model than the call names.

    Args:
        grounds: makes what it stands on.
        chance: a number from 0 to 1, by which hits are picked to be checked.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        grounds: Grounds,
        *,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._grounds = grounds
        self.chance = chance
        self.clock = clock

    def idle(self, budget: Budget) -> bool:
        """Whether the budget has no cache of answers."""
        return budget.cache is None or not budget.cache.models

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        """Give the answer again, or have it made and keep it."""
        ground = self._grounds.of(task.rules)
        looks = call.purpose in {"step", "thought"} and task.stopped is None and not task.notes.any("loop:")
        key = ground.keys.of(call, task.tags, _worthy(task)) if ground is not None and looks else None
        if ground is None or key is None:
            reply: ModelReply = yield call
            return reply
        try:
            found: Found | None = yield Io(ground.store.find, ground.store.afind, key.tiers())
        except StoreError as error:
            ground.tell(error)
            reply = yield call
            return reply
        check_time(task)
        one = _Lookup(self, call, task, ground, key)
        return (yield from one.answer(found))


class _Lookup:
    """One call on its way through the tiers."""

    def __init__(self, cache: AnswerCache, call: ModelCall, task: Task, ground: Ground, key: CacheKey) -> None:
        self._chance = cache.chance
        self._clock = cache.clock
        self._call = call
        self._task = task
        self._ground = ground
        self._key = key
        self._vector: Vector | None = None
        self._shadow: Replayed | None = None

    def answer(self, found: Found | None) -> ModelFlow:
        if found is not None and found.entry.key == self._key.exact:
            if not found.fresh:
                return (yield from self._anew(found))
            reply = yield from self._served(found.entry, "exact")
            if reply is not None:
                return reply
            found = None
        try:
            reply = yield from self._other_words(found)
        except StoreError as error:
            self._ground.tell(error)
            reply = None
        return reply if reply is not None else (yield from self._in_turn())

    def _other_words(self, found: Found | None) -> Generator[Io[Any] | ModelCall, Any, ModelReply | None]:
        """The answer to a question in other words, where one serves and is not picked to be checked."""
        ground, rules = self._ground, self._ground.rules
        if self._call.apart or self._key.text is None or exact_only(self._key, any_temperature=rules.any_temperature):
            return None
        record = yield from ground.live.record()
        if record.breaks(rules.max_false_hits):
            self._task.note(
                "The cache of this agent gave wrong answers more often than its budget file allows, "
                f"{record.wrong:,} of {record.checked:,} checked, and answers only the very same calls now. "
                "See leanloop cache stats."
            )
            return None
        if found is not None and found.fresh:
            reply = yield from self._served(found.entry, "normal")
            if reply is not None:
                return reply
        if rules.semantic == "off" or spelling_only(self._key, any_temperature=rules.any_temperature):
            return None
        self._vector = yield from vector_of(self._key.text, ground, self._task)
        if self._vector is None:
            return None
        other: Alike | None = yield from alike(self._key, self._vector, ground)
        if other is None or not other.near.fresh or not (yield from self._judged(other)):
            return None
        if other.serves:
            return (yield from self._served(other.near.entry, "alike"))
        self._shadow = replayed_reply(other.near.entry.reply)
        self._task.cached(shadow=1)
        return None

    def _judged(self, other: Alike) -> Generator[ModelCall, Any, bool]:
        model, known, asked = self._ground.rules.judge, other.near.entry.text, self._key.text
        if model is None or known is None or asked is None:
            return True
        try:
            return (yield from judged(asked, known, self._call, model))
        except Exception as error:  # noqa: BLE001 a miss, whatever the provider's client raises
            self._task.note(f"The judge {model} of the cache could not be asked: {type(error).__name__}.")
            return False

    def _served(self, entry: Entry, tier: Tier) -> Generator[Io[Any] | ModelCall, Any, ModelReply | None]:
        """The answer in an entry; None where it cannot be given, or is to be checked against a fresh one."""
        replayed = replayed_reply(entry.reply)
        if replayed is None:
            yield from unreadable(entry, self._ground)
            return None
        if tier != "exact" and not self._only_reads(replayed.reply):
            return None
        if tier != "exact" and self._chance() < self._ground.rules.sample:
            self._shadow = replayed
            return None
        yield from pay_cycles(self._task)
        self._task.cached(**{tier: 1})
        self._task.save(
            Saving(
                "cache",
                "an answer was given again",
                "what it cost when it was made",
                calls=1,
                tokens=replayed.spared.total,
                cost=entry.worth if replayed.spared.total else 0,
            )
        )
        return replace(replayed.reply, hit=tier)

    def _only_reads(self, reply: ModelReply) -> bool:
        """Whether all the tools that an answer asks for are known to change nothing."""
        return all(request.name in self._ground.rules.tools for request in reply.message.tool_calls)

    def _anew(self, found: Found) -> ModelFlow:
        """An answer past its time: one caller makes it anew, the others are given the old one meanwhile."""
        flight = self._ground.flight
        turn: Turn = yield Io(flight.join, flight.ajoin, (self._key.exact,), wait=False)
        if not turn.leads:
            entry = found.entry if turn.found is None else turn.found.entry
            reply = yield from self._served(entry, "exact")
            if reply is not None:
                return reply
        return (yield from self._made(turn))

    def _in_turn(self) -> ModelFlow:
        """The answer of whoever is making it, or made here."""
        flight = self._ground.flight
        turn: Turn = yield Io(flight.join, flight.ajoin, (self._key.exact,))
        if turn.found is not None:
            reply = yield from self._served(turn.found.entry, "exact")
            if reply is not None:
                return reply
        return (yield from self._made(turn))

    def _made(self, turn: Turn) -> ModelFlow:
        """Ask the model, and keep what it says for those who wait and those to come."""
        ground, task, entry, failed = self._ground, self._task, None, True
        try:
            reply: ModelReply = yield self._call
            failed = False
            if not (task.degraded or task.notes.any()) and may_be_kept(reply, self._call):
                entry = yield from kept(self._entry(reply), turn, ground, shared_anyway=True)
        finally:
            yield Io(ground.flight.leave, ground.flight.aleave, turn, entry, failed=failed)
        task.cached(misses=1)
        if self._shadow is not None:
            yield from self._compare(self._shadow, reply)
        return reply

    def _compare(self, known: Replayed, reply: ModelReply) -> Generator[Io[Any], Any, None]:
        """A hit that is checked, against the fresh answer, which is the one that is given."""
        ground = self._ground
        try:
            if ground.same_answer is not None:
                same = ground.same_answer(known.reply.message.text, reply.message.text)
            else:
                same = says_the_same(known.reply.message, reply.message)
        except Exception as error:  # noqa: BLE001 the user's own function; the answer is made, and is given
            self._task.note(f"A checked hit of the cache could not be compared: {type(error).__name__}.")
            return
        try:
            record = yield from ground.live.add(wrong=not same)
        except StoreError as error:
            ground.tell(error)
            return
        self._task.tally.cached(checked=record.checked, wrong=record.wrong, bound=record.bound)
        if self._task.events:
            self._task.events.tell(Hit(self._task.events.of, time.time(), "checked", wrong=not same))

    def _entry(self, reply: ModelReply) -> Entry:
        rules, usage = self._ground.rules, reply.usage or Usage()
        entry = Entry(
            self._key.exact,
            kept_reply(reply, usage),
            self._clock(),
            rules.ttl,
            stale=rules.stale or 0.0,
            worth=_worth(self._call, usage, self._task),
            label=f"{self._task.agent}: {self._call.model}",
            tags=(f"agent:{self._task.agent}", f"model:{self._call.model}"),
        )
        if self._key.text is None:
            return entry
        normal, context = self._key.normal, self._key.context
        return replace(entry, normal=normal, context=context, text=self._key.text, vector=self._vector)


def _worthy(task: Task) -> str | None:
    """A task of value is given no answer that a cheaper tier may have made for another one."""
    routes = task.rules.routes
    return "valuable" if routes is not None and is_valuable(task, routes) else None


def _worth(call: ModelCall, usage: Usage, task: Task) -> int:
    """Nano-dollars; where no price is known, as if a token cost as many as it does with a small model."""
    try:
        return max(1, task.prices.price(call.model, call.provider).cost(usage))
    except PriceUnknown:
        return max(1, 150 * usage.total)

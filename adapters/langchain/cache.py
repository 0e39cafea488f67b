"""The cache behind LangChain's own door: ``set_llm_cache(LeanLoopCache(...))``."""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from langchain_core.caches import BaseCache
from langchain_core.embeddings import Embeddings
from langchain_core.outputs import Generation

from leanloop.adapters.langchain.embedder import embedder_of
from leanloop.adapters.langchain.generations import kept_generations, replayed_generations, reply_of_generation
from leanloop.adapters.langchain.prompt import asked_of
from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.file import load_budget
from leanloop.errors import StoreError, TaskStopped, UsageError
from leanloop.plugins.cache.alike import alike, vector_of
from leanloop.plugins.cache.cacheable import exact_only, may_be_kept, spelling_only
from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent, log_event
from leanloop.plugins.cache.ground import Ground, Grounds, SameAnswer
from leanloop.plugins.cache.key import CacheKey
from leanloop.plugins.cache.same_answer import says_the_same
from leanloop.plugins.cache.store import CacheStore, Found
from leanloop.plugins.cache.vector import Vector
from leanloop.plugins.call import ModelCall, ModelReply, Tier
from leanloop.plugins.current import current_task
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps, aperform, perform
from leanloop.plugins.task import Task

__all__ = ["LeanLoopCache"]

_REMEMBERED = 256
"""Questions that were asked and not answered yet."""


@dataclass(slots=True)
class _Asked:
    """A call, and what was found out about it when it was looked up."""

    call: ModelCall
    key: CacheKey
    vector: Vector | None = None
    shadow: ModelReply | None = None


class LeanLoopCache(BaseCache):
    """LeanLoop's cache for models that nothing else of leanloop is around.

    The rules are those of the middleware: the same tiers, thresholds and checks, nothing kept that is cut off, refused
    or more than text. LangChain asks for an answer and brings one in two calls that know nothing of each other, hence
    what the middleware can do and this cannot: of identical calls at one time each one is made (nobody would know that
    the first has failed), an entry past its time is a miss (nobody is to make it anew), and no `judge` is asked: where
    the rules name one, only the same words are answered. Streams of a model LangChain looks up nowhere.

    Whose answers they are is known inside ``with leanloop.task(budget, tags={"tenant": ...})`` and inside agents with
    LeanLoop; elsewhere all callers are one. Trouble with the cache is a miss, and told to `on_event`.

    Args:
        budget: a budget or its file, of which the key `cache` holds; or `CacheRules`. By default answers are kept in
            this process, for an hour.
        embedder: as for `LeanLoop`.
        store: where answers are kept instead of where the budget says.
        same_answer: as for `LeanLoop`.
        on_event: told of entries that could not be used; by default a line in the log.
        chance: a number from 0 to 1, by which hits are picked to be checked.
        clock: seconds since the epoch.

    Raises:
        UsageError: the budget caches no answers.
        BudgetFileError: the file cannot be read or does not hold a budget.
    """

    def __init__(
        self,
        budget: Budget | CacheRules | str | Path | None = None,
        *,
        embedder: Embeddings | Embedder | None = None,
        store: CacheStore | None = None,
        same_answer: SameAnswer | None = None,
        on_event: OnCacheEvent = log_event,
        chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._budget = _budget(budget)
        known = None if embedder is None else embedder_of(embedder)
        ground = Grounds(known, store=store, on_event=on_event, same_answer=same_answer).of(self._budget)
        if ground is None or not ground.rules.models:
            raise UsageError("The budget caches no answers: put cache: on into its file, or pass CacheRules().")
        self._ground: Ground = ground
        self._chance = chance
        self._clock = clock
        self._tag = f"set_llm_cache:{self._budget.agent}"
        # Each step on it is one of the interpreter's: a lock could be left taken for ever by a fork.
        self._open: OrderedDict[bytes, _Asked] = OrderedDict()

    def lookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """The answer, with ids of its own and no usage; None where there is none."""
        with self._told():
            return perform(self._found(prompt, llm_string))
        return None

    async def alookup(self, prompt: str, llm_string: str) -> list[Generation] | None:
        """`lookup`, awaited."""
        with self._told():
            return await aperform(self._found(prompt, llm_string))
        return None

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """Keep an answer, where it may be given again."""
        with self._told():
            perform(self._kept(prompt, llm_string, return_val))

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        """`update`, awaited."""
        with self._told():
            await aperform(self._kept(prompt, llm_string, return_val))

    def clear(self, **kwargs: Any) -> None:
        """Forget all that was kept this way under the budget's name."""
        with self._told():
            self._ground.store.forget(tag=self._tag)

    async def aclear(self, **kwargs: Any) -> None:
        """`clear`, awaited."""
        with self._told():
            await self._ground.store.aforget(tag=self._tag)

    @contextmanager
    def _told(self) -> Generator[None, None, None]:
        """What goes wrong is said, and no more: a miss, or an answer that is not kept."""
        try:
            yield
        except StoreError as error:
            self._ground.tell(error)
        except Exception as error:  # noqa: BLE001 whatever it is
            self._ground.on_event(CacheEvent("store", "", f"The cache failed: {type(error).__name__}."))

    def _found(self, prompt: str, llm_string: str) -> Steps[list[Generation] | None]:
        asked = self._asked(prompt, llm_string)
        if asked is None:
            return None
        store = self._ground.store
        found: Found | None = yield Io(store.find, store.afind, asked.key.tiers())
        if found is not None and found.entry.key == asked.key.exact:
            known = self._read(found.entry, "exact") if found.fresh else None
        else:
            known = yield from self._in_other_words(asked, found)
        if known is None:
            self._remember(prompt, llm_string, asked)
        return known

    def _in_other_words(self, asked: _Asked, found: Found | None) -> Steps[list[Generation] | None]:
        """The answer to a question in other words, as `AnswerCache` has it."""
        ground, rules, text = self._ground, self._ground.rules, asked.key.text
        if text is None or exact_only(asked.key, any_temperature=rules.any_temperature):
            return None
        if (yield from ground.live.record()).breaks(rules.max_false_hits):
            return None
        if found is not None and found.fresh:
            known = self._served(found.entry, asked, "normal")
            if known is not None:
                return known
        if rules.semantic == "off" or rules.judge or spelling_only(asked.key, any_temperature=rules.any_temperature):
            return None
        asked.vector = yield from self._vector(text)
        other = None if asked.vector is None else (yield from alike(asked.key, asked.vector, ground))
        if other is None or not other.near.fresh:
            return None
        if other.serves:
            return self._served(other.near.entry, asked, "alike")
        asked.shadow = _first(self._read(other.near.entry, "alike"))
        return None

    def _read(self, entry: Entry, tier: Tier) -> list[Generation] | None:
        known = replayed_generations(entry.reply, tier)
        if known is None:
            self._ground.on_event(CacheEvent("damaged", entry.key, "An entry holds no answer of LangChain's."))
        return known

    def _served(self, entry: Entry, asked: _Asked, tier: Tier) -> list[Generation] | None:
        known = self._read(entry, tier)
        reply = _first(known)
        if reply is None or any(call.name not in self._ground.rules.tools for call in reply.message.tool_calls):
            return None
        if self._chance() < self._ground.rules.sample:
            asked.shadow = reply
            return None
        return known

    def _vector(self, text: str) -> Steps[Vector | None]:
        """The embedding is charged to the current task, else to the budget."""
        task = current_task() or Task(self._budget.model_copy(update={"at_limit": "raise"}))
        try:
            return (yield from vector_of(text, self._ground, task))
        except TaskStopped:
            return None

    def _kept(self, prompt: str, llm_string: str, generations: Sequence[Generation]) -> Steps[None]:
        asked = self._recalled(prompt, llm_string) or self._asked(prompt, llm_string)
        if asked is None or not generations:
            return
        replies = [reply_of_generation(one) for one in generations]
        text = kept_generations(generations)
        if text is not None and all(may_be_kept(reply, asked.call) for reply in replies):
            store = self._ground.store
            entry = self._entry(asked, text, sum(reply.usage.total for reply in replies if reply.usage))
            yield Io(store.put, store.aput, entry, max_bytes=self._ground.rules.max_bytes)
        if asked.shadow is not None:
            yield from self._compared(asked.shadow, replies[0])

    def _compared(self, known: ModelReply, fresh: ModelReply) -> Steps[None]:
        same = self._ground.same_answer
        alike = (
            says_the_same(known.message, fresh.message)
            if same is None
            else same(known.message.text, fresh.message.text)
        )
        yield from self._ground.live.add(wrong=not alike)

    def _entry(self, asked: _Asked, text: str, tokens: int) -> Entry:
        agent = self._budget.agent
        entry = Entry(
            asked.key.exact,
            text,
            self._clock(),
            self._ground.rules.ttl,
            worth=max(1, 150 * tokens),  # as a small model's cost; which model it is LangChain does not say
            label=f"{agent}: set_llm_cache",
            tags=(f"agent:{agent}", self._tag),
        )
        if asked.key.text is None:
            return entry
        key = asked.key
        return replace(entry, normal=key.normal, context=key.context, text=key.text, vector=asked.vector)

    def _asked(self, prompt: str, llm_string: str) -> _Asked | None:
        call, task = asked_of(prompt, llm_string), current_task()
        key = self._ground.keys.of(call, {} if task is None else task.tags)
        return None if key is None else _Asked(call, key)

    def _remember(self, prompt: str, llm_string: str, asked: _Asked) -> None:
        self._open[_digest(prompt, llm_string)] = asked
        while len(self._open) > _REMEMBERED:
            self._open.popitem(last=False)

    def _recalled(self, prompt: str, llm_string: str) -> _Asked | None:
        return self._open.pop(_digest(prompt, llm_string), None)


def _digest(prompt: str, llm_string: str) -> bytes:
    task = current_task()
    parts = (prompt, llm_string, "" if task is None else task.id)
    return blake2b("\0".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")).digest()


def _first(generations: list[Generation] | None) -> ModelReply | None:
    return reply_of_generation(generations[0]) if generations else None


def _budget(given: Budget | CacheRules | str | Path | None) -> Budget:
    if isinstance(given, str | Path):
        return load_budget(given)
    if isinstance(given, Budget):
        return given
    return Budget(agent="langchain", cache=given or CacheRules())

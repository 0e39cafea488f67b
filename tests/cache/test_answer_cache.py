"""Answers of models given again: by which tier, when not, what is kept, and what the receipt says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message, ToolRequest, ToolSpec
from leanloop.budgets.usage import Usage
from leanloop.errors import BudgetExceeded, ModelUnavailable, StoreError
from leanloop.plugins import drive_async, drive_sync
from leanloop.plugins.budget import BudgetGuard
from leanloop.plugins.cache.answer_cache import AnswerCache
from leanloop.plugins.cache.calibration import Calibration, calibration_key
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.ground import Grounds
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.verify import POLICY
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.flow import ModelFlow, compose
from leanloop.plugins.receipt import CacheUse
from leanloop.plugins.task import Task

USED = Usage(100, 20)
SYSTEM = Message("system", "You answer.")


def asks(text: str, **changes: object) -> ModelCall:
    """A call with one question, at temperature 0."""
    settings: Callable[[], Mapping[str, object]] = lambda: {"temperature": 0}  # noqa: E731
    call = ModelCall("gpt-4o-mini", (SYSTEM, Message("user", text)), provider="openai", settings=settings)
    return replace(call, **changes)  # type: ignore[arg-type]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Agent:
    """An agent with a cache, whose model gives one answer after the other and counts."""

    def __init__(
        self,
        rules: CacheRules | None = None,
        *,
        answers: Sequence[ModelReply | Exception] = (),
        embedder: CallableEmbedder | None = None,
        chance: float = 1.0,
        limits: Sequence[Limit] = (),
        same_answer: Callable[[str, str], bool] | None = None,
    ) -> None:
        self.clock = Clock()
        self.events: list[CacheEvent] = []
        self.store = MemoryCache(clock=self.clock, on_event=self.events.append)
        self.embedder = embedder
        self.grounds = Grounds(embedder, store=self.store, on_event=self.events.append, same_answer=same_answer)
        self.plugin = AnswerCache(self.grounds, chance=lambda: chance, clock=self.clock)
        self.budget = Budget(agent="a", cache=rules or CacheRules(), limits=tuple(limits) or (Limit(cycles=100),))
        self.ledger = MemoryStore()
        self.sent: list[ModelCall] = []
        self._answers = iter(answers)
        self.task = self.new_task()

    def new_task(self, **tags: str) -> Task:
        self.task = Task(self.budget, store=self.ledger, tags=tags)
        return self.task

    def flow(self, call: ModelCall, task: Task | None = None) -> ModelFlow:
        within = task or self.task
        within.cycles.begin()
        return compose((self.plugin.on_model, BudgetGuard().on_model), call, within)

    def send(self, call: ModelCall) -> ModelReply:
        self.sent.append(call)
        answer = next(self._answers, None) or says(f"answer {len(self.sent)}")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, call: ModelCall) -> ModelReply:
        return drive_sync.run(self.flow(call), self.send)

    @property
    def cache(self) -> CacheUse:
        use = self.task.receipt().cache
        assert use is not None
        return use


def says(text: str, *calls: ToolRequest, **changes: object) -> ModelReply:
    return replace(ModelReply(Message("assistant", text, calls), USED), **changes)  # type: ignore[arg-type]


def test_the_same_call_is_answered_once() -> None:
    agent = Agent()
    first, again = agent.ask(asks("What is a lemur?")), agent.ask(asks("What is a lemur?"))
    assert first.message.text == again.message.text == "answer 1"
    assert len(agent.sent) == 1
    assert agent.cache == CacheUse(exact=1, misses=1)


def test_a_hit_costs_nothing_and_says_what_it_spared() -> None:
    agent = Agent()
    agent.ask(asks("What is a lemur?"))
    spent = agent.task.receipt()
    hit = agent.ask(asks("What is a lemur?"))
    receipt = agent.task.receipt()
    assert hit.usage == Usage()
    assert (receipt.cost, receipt.usage, receipt.model_calls) == (spent.cost, spent.usage, 1)
    (saving,) = receipt.savings
    assert (saving.plugin, saving.calls, saving.tokens, saving.cost) == ("cache", 1, 120, spent.cost)
    assert "cache: 1 exact, 1 misses" in str(receipt)
    assert receipt.as_dict()["cache"] == {
        "exact": 1,
        "normal": 0,
        "alike": 0,
        "results": 0,
        "shadow": 0,
        "misses": 1,
        "checked": 0,
        "wrong": 0,
        "bound": None,
    }


def test_tool_calls_come_back_with_ids_of_their_own() -> None:
    agent = Agent(answers=[says("", ToolRequest("call_1", "search", '{"q":"x"}'))])
    agent.ask(asks("Find x"))
    one, two = agent.ask(asks("Find x")), agent.ask(asks("Find x"))
    ids = {reply.message.tool_calls[0].id for reply in (one, two)}
    assert len(ids | {"call_1"}) == 3
    assert one.message.tool_calls[0].name == "search"
    assert one.message.tool_calls[0].arguments == '{"q":"x"}'


@pytest.mark.parametrize(
    "other",
    [
        asks("What is a lemming?"),
        asks("What is a lemur?", model="gpt-4o"),
        asks("What is a lemur?", provider="azure"),
        asks("What is a lemur?", tools=(ToolSpec("search"),)),
        asks("What is a lemur?", max_output=5),
        asks("What is a lemur?", effort="low"),
        asks("What is a lemur?", settings=lambda: {"temperature": 0.5}),
        asks("What is a lemur?", messages=(Message("system", "You joke."), Message("user", "What is a lemur?"))),
    ],
)
def test_another_call_is_made(other: ModelCall) -> None:
    agent = Agent()
    agent.ask(asks("What is a lemur?"))
    agent.ask(other)
    assert len(agent.sent) == 2


def test_another_tenant_asks_for_himself() -> None:
    agent = Agent()
    for tenant in ("one", "two", "one"):
        agent.new_task(tenant=tenant)
        agent.ask(asks("What is my balance?"))
    assert len(agent.sent) == 2


def test_the_same_question_in_other_spelling_is_answered() -> None:
    agent = Agent()
    agent.ask(asks("What is a lemur?"))
    assert agent.ask(asks("what is a LEMUR")).message.text == "answer 1"
    assert agent.cache == CacheUse(normal=1, misses=1)


@pytest.mark.parametrize(
    ("question", "settings"),
    [
        ("What is a lemur?", {"temperature": 0.5}),
        ("What is the weather in Oslo today?", {"temperature": 0}),
        ("Delete the file a.txt", {"temperature": 0}),
    ],
)
def test_other_spelling_is_another_question_where_only_the_very_same_counts(
    question: str, settings: Mapping[str, object]
) -> None:
    agent = Agent()
    agent.ask(asks(question, settings=lambda: settings))
    assert agent.ask(asks(question.upper(), settings=lambda: settings)).message.text == "answer 2"
    assert agent.ask(asks(question, settings=lambda: settings)).message.text == "answer 1"


def test_other_spelling_counts_where_nobody_set_a_temperature() -> None:
    agent = Agent()
    agent.ask(asks("What is a lemur?", settings=dict))
    assert agent.ask(asks("what is a lemur", settings=dict)).message.text == "answer 1"


def test_a_call_that_does_not_say_its_settings_is_not_cached() -> None:
    agent = Agent()
    for _ in range(2):
        agent.ask(asks("What is a lemur?", settings=None))
    assert len(agent.sent) == 2
    assert agent.task.receipt().cache is None


@pytest.mark.parametrize(
    "reply",
    [
        says(""),
        says("   "),
        says("cut of", finish="length"),
        says("No.", finish="refused"),
        says("I'm sorry, but I can't help with that."),
        says("Es tut mir leid, dabei kann ich nicht helfen."),
        says("with a picture", plain=False),
        says("as long as it may be", usage=Usage(10, 50)),
    ],
)
def test_what_is_no_whole_answer_is_not_kept(reply: ModelReply) -> None:
    agent = Agent(answers=[reply])
    call = asks("What is a lemur?", max_output=50)
    agent.ask(call)
    assert agent.ask(call).message.text == "answer 2"


def test_a_long_answer_that_mentions_a_refusal_is_kept() -> None:
    agent = Agent(answers=[says("I cannot stress enough how small lemurs are. " * 20)])
    agent.ask(asks("What is a lemur?"))
    agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 1


def test_a_landing_is_neither_looked_up_nor_kept() -> None:
    agent = Agent()
    for _ in range(2):
        agent.ask(asks("What is a lemur?", purpose="landing"))
    agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 3


def test_after_a_note_of_a_loop_nothing_is_looked_up() -> None:
    agent = Agent()
    call = asks("What is a lemur?")
    agent.ask(call)
    agent.task.notes.add("loop:x", "[loop] again", call.messages)
    agent.ask(call)
    assert len(agent.sent) == 2


def test_what_is_answered_under_a_note_is_not_kept_but_hits_go_on() -> None:
    agent = Agent()
    known, new = asks("What is a lemur?"), asks("What is a newt?")
    agent.ask(known)
    agent.task.notes.add("budget:x", "[budget] nearly out", known.messages)
    assert agent.ask(known).message.text == "answer 1"
    agent.ask(new)
    agent.ask(new)
    assert len(agent.sent) == 3


def test_a_degraded_task_keeps_nothing() -> None:
    agent = Agent()
    agent.task.degrade_to(1)
    agent.ask(asks("What is a lemur?"))
    agent.new_task()
    agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 2


def test_a_hit_is_a_cycle_and_leaves_one_for_the_landing() -> None:
    agent = Agent(limits=[Limit(cycles=3)])
    for _ in range(2):
        agent.ask(asks("What is a lemur?"))
    with pytest.raises(BudgetExceeded, match="3 cycles"):
        agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 1


def test_of_hits_alone_a_cycle_is_left_for_the_landing_too() -> None:
    agent = Agent(limits=[Limit(cycles=3)])
    agent.ask(asks("What is a lemur?"))
    agent.new_task()
    for _ in range(2):
        agent.ask(asks("What is a lemur?"))
    with pytest.raises(BudgetExceeded, match="3 cycles"):
        agent.ask(asks("What is a lemur?"))
    assert agent.task.receipt().model_calls == 0


def test_a_stopped_task_gets_no_hit() -> None:
    agent = Agent(limits=[Limit(cycles=2)])
    agent.ask(asks("What is a lemur?"))
    for _ in range(2):
        with pytest.raises(BudgetExceeded):
            agent.ask(asks("What is a lemur?"))


def test_a_failed_call_is_raised_and_the_next_one_made() -> None:
    agent = Agent(answers=[RuntimeError("down")])
    with pytest.raises(RuntimeError, match="down"):
        agent.ask(asks("What is a lemur?"))
    assert agent.ask(asks("What is a lemur?")).message.text == "answer 2"
    agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 2


def test_an_answer_has_its_time() -> None:
    agent = Agent(CacheRules(ttl=60))
    agent.ask(asks("What is a lemur?"))
    agent.clock.now += 59
    agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 1
    agent.clock.now += 2
    agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 2


def test_a_stale_answer_is_made_anew_by_one_and_given_to_the_others_meanwhile() -> None:
    agent = Agent(CacheRules(ttl=60, stale=60))
    agent.ask(asks("What is a lemur?"))
    agent.clock.now += 61
    flow = agent.flow(asks("What is a lemur?"))
    making: list[ModelReply] = []

    def send(call: ModelCall) -> ModelReply:
        making.append(agent.ask(asks("What is a lemur?")))  # another one asks while it is made
        return agent.send(call)

    assert drive_sync.run(flow, send).message.text == "answer 2"
    assert [reply.message.text for reply in making] == ["answer 1"]
    assert agent.ask(asks("What is a lemur?")).message.text == "answer 2"


def test_ten_at_once_make_one_call() -> None:
    agent = Agent()
    gate = asyncio.Event()

    async def send(call: ModelCall) -> ModelReply:
        await gate.wait()
        return agent.send(call)

    async def all_of_them() -> list[ModelReply]:
        flows = [drive_async.arun(agent.flow(asks("What is a lemur?"), agent.new_task()), send) for _ in range(10)]
        running = [asyncio.ensure_future(flow) for flow in flows]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*running)

    replies = asyncio.run(all_of_them())
    assert {reply.message.text for reply in replies} == {"answer 1"}
    assert len(agent.sent) == 1


def test_ten_threads_at_once_make_one_call() -> None:
    agent = Agent()
    barrier = threading.Barrier(10)
    replies: list[ModelReply] = []
    tasks = [agent.new_task() for _ in range(10)]

    def run(task: Task) -> None:
        barrier.wait()
        replies.append(drive_sync.run(agent.flow(asks("What is a lemur?"), task), agent.send))

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 10
    assert len(agent.sent) == 1


def test_a_poisoned_entry_is_a_miss() -> None:
    agent = Agent()
    call = asks("What is a lemur?")
    ground = agent.grounds.of(agent.budget)
    assert ground is not None
    key = ground.keys.of(call, {})
    assert key is not None
    for reply in ("", "{", "[]", '{"text": 1, "calls": [], "used": [1, 2]}', '{"text":"","calls":[[1]],"used":[1,2]}'):
        agent.store.put(Entry(key.exact, reply, agent.clock(), 60), max_bytes=10_000)
        assert agent.ask(call).message.text.startswith("answer")
    assert len(agent.sent) == 5
    assert [event.problem for event in agent.events] == ["damaged"] * 5
    agent.ask(call)
    assert len(agent.sent) == 5, "what was made anew is kept"


class _Gone(MemoryCache):
    def find(self, keys: object) -> None:
        raise StoreError("it is gone")


def test_a_store_that_is_gone_is_a_miss_and_an_event() -> None:
    agent = Agent()
    agent.grounds = Grounds(store=_Gone(), on_event=agent.events.append)
    agent.plugin = AnswerCache(agent.grounds)
    for _ in range(2):
        agent.ask(asks("What is a lemur?"))
    assert len(agent.sent) == 2
    assert [event.problem for event in agent.events] == ["store", "store"]


# What means the same.


def embedder(**vectors: Sequence[float]) -> CallableEmbedder:
    """Questions about lemurs are alike, those with newt are not."""

    def embed(texts: list[str]) -> np.ndarray:
        return np.array([[1.0, 0.1 * len(text) / 100] if "lemur" in text else [0.0, 1.0] for text in texts])

    return CallableEmbedder(embed, name="lemurs")


@pytest.fixture
def on() -> Iterator[Agent]:
    """One whose cache is known to be right often enough."""
    agent = Agent(CacheRules(semantic="on"), embedder=embedder())
    calibrate(agent, Calibration(0.9, 0.001, 0.0009, 4_000, 500, 0, 4_000))
    yield agent
    assert not agent.events


def calibrate(agent: Agent, found: Calibration) -> None:
    assert agent.embedder is not None
    key = calibration_key("a", agent.embedder.fingerprint, POLICY)
    agent.store.put(Entry(key, found.text(), agent.clock(), 1e9), max_bytes=10_000)


FIRST, SECOND = "How do I feed a lemur?", "How can I feed a lemur?"


def test_a_question_that_means_the_same_is_answered(on: Agent) -> None:
    on.ask(asks(FIRST))
    assert on.ask(asks(SECOND)).message.text == "answer 1"
    assert on.cache == CacheUse(alike=1, misses=1)


@pytest.mark.parametrize(
    "other",
    [
        asks("How do I not feed a lemur?"),
        asks("How do I feed a lemur today?"),
        asks("How do I feed two lemurs?"),
        asks("How can I feed a newt?"),
        asks(SECOND, settings=lambda: {"temperature": 1}),
        asks(SECOND, settings=dict),
        asks(SECOND, messages=(SYSTEM, Message("user", "Hello"), Message("assistant", "Hi"), Message("user", SECOND))),
        asks(f"{SECOND} {'It is small. ' * 200}"),
    ],
)
def test_a_question_that_may_mean_something_else_is_not(on: Agent, other: ModelCall) -> None:
    on.ask(asks(FIRST))
    on.ask(replace(other, messages=other.messages))
    assert len(on.sent) == 2


def test_a_budget_may_allow_any_temperature(on: Agent) -> None:
    on.budget = Budget(agent="a", cache=CacheRules(semantic="on", any_temperature=True))
    on.new_task()
    warm: Callable[[], Mapping[str, object]] = lambda: {"temperature": 1}  # noqa: E731
    on.ask(asks(FIRST, settings=warm))
    on.ask(asks(SECOND, settings=warm))
    assert len(on.sent) == 1


def test_an_answer_that_asks_for_a_tool_is_given_to_the_same_question_only() -> None:
    calls = says("", ToolRequest("c", "feed", "{}"))
    agent = Agent(CacheRules(semantic="on"), answers=[calls], embedder=embedder())
    calibrate(agent, Calibration(0.9, 0.001, 0.0009, 4_000, 500, 0, 4_000))
    agent.ask(asks(FIRST))
    agent.ask(asks(SECOND))
    agent.ask(asks("how do I feed a lemur"))
    agent.ask(asks(FIRST))
    assert len(agent.sent) == 3


@pytest.mark.parametrize(
    "found",
    [
        None,
        Calibration(None, 0.001, 0.01, 300, 0, 0, 300),
        Calibration(0.9, 0.01, 0.009, 400, 50, 0, 400),  # made for a promise that is not as strict
    ],
)
def test_until_it_is_known_to_be_right_it_is_only_counted(found: Calibration | None) -> None:
    agent = Agent(CacheRules(semantic="on"), embedder=embedder())
    if found is not None:
        calibrate(agent, found)
    agent.ask(asks(FIRST))
    agent.ask(asks(SECOND))
    assert len(agent.sent) == 2
    assert agent.cache.shadow == 1
    assert (agent.cache.checked, agent.cache.wrong) == (1, 1)  # "answer 1" was not "answer 2"


def test_a_share_of_the_hits_is_checked_and_the_fresh_answer_given() -> None:
    agent = Agent(CacheRules(semantic="on"), embedder=embedder(), chance=0.0, same_answer=lambda one, other: True)
    calibrate(agent, Calibration(0.9, 0.001, 0.0009, 4_000, 500, 0, 4_000))
    agent.ask(asks(FIRST))
    assert agent.ask(asks(SECOND)).message.text == "answer 2"
    assert agent.ask(asks(FIRST)).message.text == "answer 1"  # the very same call needs no check
    assert (agent.cache.checked, agent.cache.wrong) == (1, 0)
    assert agent.cache.bound == pytest.approx(0.95)
    assert "of 1 checked 0 wrong, at most 95 %" in str(agent.task.receipt())


def test_one_that_is_wrong_too_often_drops_to_exact_and_says_so() -> None:
    agent = Agent(CacheRules(semantic="on"), embedder=embedder(), chance=0.0)
    calibrate(agent, Calibration(0.9, 0.001, 0.0009, 4_000, 500, 0, 4_000))
    agent.ask(asks(FIRST))
    agent.ask(asks(SECOND))  # checked, and wrong: "answer 2"
    plugin = AnswerCache(agent.grounds, chance=lambda: 1.0, clock=agent.clock)
    agent.plugin = plugin
    agent.ask(asks("how do i feed a LEMUR"))
    assert len(agent.sent) == 3
    assert agent.ask(asks(FIRST)).message.text == "answer 1"
    (note,) = agent.task.receipt().notes
    assert "1 of 1 checked" in note


def test_without_an_embedder_nothing_is_answered_by_meaning() -> None:
    agent = Agent(CacheRules(semantic="on"))
    agent.ask(asks(FIRST))
    agent.ask(asks(SECOND))
    assert len(agent.sent) == 2


@pytest.mark.parametrize("vector", [[[float("nan"), 1.0]], [[0.0, 0.0]], [], [[1.0], [2.0]]])
def test_an_embedder_that_gives_nonsense_is_a_miss_and_an_event(vector: list[list[float]]) -> None:
    agent = Agent(CacheRules(semantic="on"), embedder=CallableEmbedder(lambda _: vector, name="broken"))
    agent.ask(asks(FIRST))
    assert [event.problem for event in agent.events] == ["not_finite"] or agent.events[0].problem == "dimension"


def test_an_embedder_that_fails_is_a_miss_and_an_event() -> None:
    def fails(texts: list[str]) -> list[list[float]]:
        raise ConnectionError("no key sk-123 is good")

    agent = Agent(CacheRules(semantic="on"), embedder=CallableEmbedder(fails, name="broken"))
    agent.ask(asks(FIRST))
    (event,) = agent.events
    assert event.problem == "embedder"
    assert "sk-123" not in event.detail


@pytest.mark.parametrize("failure", [TimeoutError("slow"), ConnectionError("gone"), ModelUnavailable("m", "no key")])
def test_a_judge_that_cannot_be_asked_is_a_miss(failure: Exception) -> None:
    agent = Agent(
        CacheRules(semantic="on", judge="gpt-4.1-nano"), answers=[says("first"), failure], embedder=embedder()
    )
    calibrate(agent, Calibration(0.9, 0.001, 0.0009, 4_000, 500, 0, 4_000))
    agent.ask(asks(FIRST))
    assert agent.ask(asks(SECOND)).message.text == "answer 3"


def test_a_judge_is_asked_before_an_answer_is_given() -> None:
    judge = [says("first"), says("No."), says("second"), says("Yes")]
    agent = Agent(CacheRules(semantic="on", judge="gpt-4.1-nano"), answers=judge, embedder=embedder())
    calibrate(agent, Calibration(0.9, 0.001, 0.0009, 4_000, 500, 0, 4_000))
    agent.ask(asks(FIRST))
    assert agent.ask(asks(SECOND)).message.text == "second"
    assert [call.model for call in agent.sent] == ["gpt-4o-mini", "gpt-4.1-nano", "gpt-4o-mini"]
    assert agent.sent[1].max_output == 16

"""The cache around streams, parts of larger calls and limits: what is shown, kept, left and charged."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import aclosing

import pytest
from patience import PATIENCE

from leanloop.budgets.budget import Budget
from leanloop.budgets.cache_rules import CacheRules
from leanloop.budgets.limit import Limit
from leanloop.budgets.memory import MemoryStore
from leanloop.budgets.message import Message
from leanloop.budgets.usage import Usage
from leanloop.errors import BudgetExceeded, StoreError
from leanloop.plugins import drive_async, drive_sync
from leanloop.plugins.cache.answer_cache import AnswerCache
from leanloop.plugins.cache.calibration import Calibration, calibration_key
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.ground import Grounds
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.store import Near
from leanloop.plugins.cache.vector import Vector
from leanloop.plugins.cache.verify import POLICY
from leanloop.plugins.call import ModelCall, ModelReply
from leanloop.plugins.drive_stream import astream, stream
from leanloop.plugins.flow import ModelFlow, Plugin
from leanloop.plugins.stack import Stack
from leanloop.plugins.task import Task

FIRST, SECOND = "How do I feed a lemur?", "How can I feed a lemur?"
"""Seconds within which another thread gets on, on the busiest machine."""


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Letters:
    """A stream of one letter a chunk, the usage with the last; an answer that never was a stream is one chunk."""

    def join(self, chunks: Sequence[ModelReply]) -> ModelReply:
        usage = next((chunk.usage for chunk in chunks if chunk.usage), None)
        return ModelReply(Message("assistant", "".join(chunk.message.text for chunk in chunks)), usage)

    def split(self, reply: ModelReply) -> Iterable[ModelReply]:
        return [reply]


def asks(text: str = FIRST) -> ModelCall:
    messages = (Message("system", "You answer."), Message("user", text))
    return ModelCall("gpt-4o-mini", messages, provider="openai", settings=lambda: {"temperature": 0})


def lemurs(texts: list[str]) -> list[list[float]]:
    return [[1.0, len(text) / 1_000] for text in texts]


class World:
    """A store, and the calls that reached a model; each is answered by its number, or as `said` says."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.events: list[CacheEvent] = []
        self.store: MemoryCache = MemoryCache(self.events.append, clock=self.clock)
        self.ledger = MemoryStore()
        self.sent: list[ModelCall] = []
        self.said: list[str] = []

    def agent(self, rules: CacheRules | None = None, **more: object) -> Agent:
        return Agent(self, rules or CacheRules(), **more)  # type: ignore[arg-type]

    def send(self, call: ModelCall) -> ModelReply:
        self.sent.append(call)
        text = self.said.pop(0) if self.said else f"answer {len(self.sent)}"
        return ModelReply(Message("assistant", text), Usage(100, 20))

    def pieces(self, call: ModelCall) -> Generator[ModelReply, None, None]:
        reply = self.send(call)
        for letter in reply.message.text:
            yield ModelReply(Message("assistant", letter))
        yield ModelReply(Message("assistant", ""), reply.usage)

    async def apieces(self, call: ModelCall) -> AsyncGenerator[ModelReply, None]:
        for piece in self.pieces(call):
            await asyncio.sleep(0)
            yield piece


class Agent:
    def __init__(
        self,
        world: World,
        rules: CacheRules,
        *,
        plugins: Sequence[Plugin] = (),
        limits: Sequence[Limit] = (Limit(cycles=100),),
        embedder: CallableEmbedder | None = None,
        chance: float = 1.0,
        same_answer: Callable[[str, str], bool] | None = None,
    ) -> None:
        self.world = world
        self.grounds = Grounds(embedder, store=world.store, on_event=world.events.append, same_answer=same_answer)
        self.stack = Stack(plugins, self.grounds)
        for plugin in self.stack.plugins:
            if isinstance(plugin, AnswerCache):
                plugin.chance, plugin.clock = lambda: chance, world.clock
        self.budget = Budget(agent="a", cache=rules, limits=tuple(limits), at_limit="raise")
        self.task = self.new_task()
        if embedder is not None:
            key = calibration_key("a", embedder.fingerprint, POLICY)
            found = Calibration(0.9, 0.001, 0.0009, 4_000, 500, 0, 4_000)
            world.store.put(Entry(key, found.text(), world.clock(), 1e9), max_bytes=10**6)

    def new_task(self) -> Task:
        self.task = Task(self.budget, store=self.world.ledger)
        return self.task

    def flow(self, call: ModelCall) -> ModelFlow:
        return self.stack.model_flow(call, self.task)

    def ask(self, call: ModelCall) -> str:
        return drive_sync.run(self.flow(call), self.world.send).message.text

    def shown(self, call: ModelCall, way: str, *, held: bool = False) -> list[str]:
        """The chunks that its consumer is given, without empty ones."""
        world = self.world
        if way == "plain":
            pieces = stream(self.flow(call), world.pieces, Letters(), held=held)
            return [chunk.message.text for chunk in pieces if chunk.message.text]

        async def all_of_them() -> list[str]:
            chunks = astream(self.flow(call), world.apieces, Letters(), held=held)
            return [chunk.message.text async for chunk in chunks if chunk.message.text]

        return asyncio.run(all_of_them())

    def probe(self) -> bool:
        """Whether nobody has the turn to answer FIRST; takes it for a moment."""
        ground = self.grounds.of(self.budget)
        assert ground is not None
        key = ground.keys.of(asks(), {})
        assert key is not None
        turn = ground.flight.join((key.exact,), wait=False)
        ground.flight.leave(turn, failed=True)
        return turn.leads or turn.found is not None


def on(
    world: World,
    *,
    judge: str | None = None,
    chance: float = 1.0,
    same_answer: Callable[[str, str], bool] | None = None,
) -> Agent:
    embedder = CallableEmbedder(lemurs, name="lemurs")
    return world.agent(
        CacheRules(semantic="on", judge=judge), embedder=embedder, chance=chance, same_answer=same_answer
    )


@pytest.fixture
def world() -> World:
    return World()


STREAMING = pytest.mark.parametrize("way", ["plain", "awaited"])


@STREAMING
@pytest.mark.parametrize(("verdict", "shown"), [("yes", ["first"]), ("no", list("fresh"))])
def test_what_a_judge_says_is_shown_to_nobody(world: World, way: str, verdict: str, shown: list[str]) -> None:
    agent = on(world, judge="gpt-4.1-nano")
    world.said = ["first", verdict, "fresh"]
    assert agent.shown(asks(FIRST), way) == list("first")
    assert agent.shown(asks(SECOND), way) == shown
    assert world.sent[1].model == "gpt-4.1-nano"


@STREAMING
def test_a_hit_that_is_checked_shows_the_fresh_answer_as_it_arrives(world: World, way: str) -> None:
    agent = on(world, chance=0.0)
    world.said = ["first", "fresh"]
    agent.ask(asks(FIRST))
    assert agent.shown(asks(SECOND), way) == list("fresh")
    use = agent.task.receipt().cache
    assert use is not None
    assert (use.checked, use.alike) == (1, 0)


@STREAMING
@pytest.mark.parametrize("held", [False, True])
def test_a_hit_is_streamed_and_what_was_streamed_is_a_hit(world: World, way: str, held: bool) -> None:
    agent = world.agent()
    assert agent.shown(asks(), way, held=held) == list("answer 1")
    assert agent.shown(asks(), way, held=held) == ["answer 1"]
    assert agent.ask(asks()) == "answer 1"
    assert len(world.sent) == 1


class Twice(Plugin):
    """Asks for every answer again."""

    holds_stream = True

    def on_model(self, call: ModelCall, task: Task) -> ModelFlow:
        yield call
        reply: ModelReply = yield call
        return reply


@STREAMING
def test_a_plugin_that_asks_twice_is_given_the_answer_again_and_nothing_is_shown_twice(world: World, way: str) -> None:
    agent = world.agent(plugins=[Twice()])
    assert agent.shown(asks(), way, held=agent.stack.holds_stream) == ["answer 1"]
    assert len(world.sent) == 1


def test_a_stream_closed_early_keeps_nothing_and_the_next_who_waits_goes_on(world: World) -> None:
    agent, others = world.agent(), [world.agent() for _ in range(3)]
    chunks = stream(agent.flow(asks()), world.pieces, Letters())
    assert next(chunks).message.text == "a"
    given: list[str] = []

    def wait(other: Agent) -> None:
        given.append(other.ask(asks()))

    threads = [threading.Thread(target=wait, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    ground = agent.grounds.of(agent.budget)
    assert ground is not None
    while len(ground.flight._waiters) < len(threads):
        threading.Event().wait(0.001)
    chunks.close()
    for thread in threads:
        thread.join(PATIENCE)
    assert given == ["answer 2"] * 3
    assert len(world.sent) == 2
    assert [entry.reply.count("answer 2") for entry in world.store.scan()] == [1]
    assert agent.probe()


@pytest.mark.parametrize("end", ["closed", "cancelled"])
async def test_an_awaited_stream_that_ends_early_lets_the_next_who_waits_go_on(world: World, end: str) -> None:
    agent, others = world.agent(), [world.agent() for _ in range(3)]
    began, never = asyncio.Event(), asyncio.Event()

    async def pieces(call: ModelCall) -> AsyncGenerator[ModelReply, None]:
        world.send(call)
        yield ModelReply(Message("assistant", "a"))
        await never.wait()

    async def consume() -> None:
        async with aclosing(astream(agent.flow(asks()), pieces, Letters())) as chunks:
            async for _ in chunks:
                began.set()
                if end == "closed":
                    await asyncio.sleep(0.01)  # the others come to wait
                    return

    async def send(call: ModelCall) -> ModelReply:
        return world.send(call)

    consumer = asyncio.ensure_future(consume())
    await began.wait()
    waiting = [asyncio.ensure_future(drive_async.arun(other.flow(asks()), send)) for other in others]
    await asyncio.sleep(0)
    if end == "cancelled":
        consumer.cancel()
    await asyncio.wait([consumer])
    replies = await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
    assert {reply.message.text for reply in replies} == {"answer 2"}
    assert len(world.sent) == 2
    assert agent.probe()


def test_a_part_of_a_larger_call_is_answered_again_and_is_no_cycle(world: World) -> None:
    agent = world.agent(limits=[Limit(cycles=2)])
    for _ in range(5):
        assert drive_sync.run(agent.stack.part_flow(asks(), agent.task), world.send).message.text == "answer 1"
    assert len(world.sent) == 1
    assert agent.task.cycles.begun == 0
    assert agent.task.stopped is None


def test_a_budget_is_given_nothing_older_than_it_allows(world: World) -> None:
    long, short = world.agent(CacheRules(ttl=3_600)), world.agent(CacheRules(ttl=60))
    assert long.ask(asks()) == "answer 1"
    world.clock.now += 61
    assert short.ask(asks()) == "answer 2"
    assert short.ask(asks()) == "answer 2"
    world.clock.now += 61
    assert short.ask(asks()) == "answer 3"
    assert long.ask(asks()).startswith("answer")
    assert len(world.sent) == 3


def test_a_budget_without_stale_is_given_nothing_stale(world: World) -> None:
    lenient, strict = world.agent(CacheRules(ttl=60, stale=600)), world.agent(CacheRules(ttl=60))
    lenient.ask(asks())
    world.clock.now += 61
    assert strict.ask(asks()) == "answer 2"


def test_a_budget_with_a_smaller_cap_keeps_what_fits(world: World) -> None:
    large, small = world.agent(), world.agent(CacheRules(max_bytes=1_000_000))
    world.said = ["x" * 400_000, "y" * 400_000]
    large.ask(asks("What is x?"))
    large.ask(asks("What is y?"))
    small.ask(asks())
    assert world.store.stats().bytes <= 1_000_000
    assert small.ask(asks()) == "answer 3"


def test_a_hit_is_given_where_no_dollar_is_left_and_a_stopped_task_gets_none(world: World) -> None:
    world.agent().ask(asks())
    poor = world.agent(limits=[Limit(usd=0)])
    assert poor.ask(asks()) == "answer 1"
    assert poor.task.stopped is None
    with pytest.raises(BudgetExceeded):
        poor.ask(asks("What else?"))
    with pytest.raises(BudgetExceeded):
        poor.ask(asks())
    assert len(world.sent) == 1


def test_a_limit_without_room_for_an_embedding_is_a_miss_and_stops_nothing(world: World) -> None:
    embedder = CallableEmbedder(lemurs, name="lemurs", model="text-embedding-3-small", provider="openai")
    agent = world.agent(CacheRules(semantic="on"), embedder=embedder, limits=[Limit(embedding_tokens=1, cycles=10)])
    for text in (FIRST, SECOND):
        agent.ask(asks(text))
    assert agent.task.stopped is None
    assert len(world.sent) == 2
    (note,) = agent.task.receipt().notes
    assert "embedding_tokens" in note


class Stops(CallableEmbedder):
    """The task is stopped from elsewhere before its question is embedded."""

    task: Task

    def fits(self, text: str) -> bool:
        self.task.stop(
            BudgetExceeded("over", resource="usd", scope="this task", limit=1, spent=1, reserved=0, needed=1)
        )
        return True


def test_a_task_that_was_stopped_meanwhile_embeds_nothing(world: World) -> None:
    embedder = Stops(lemurs, name="lemurs", model="text-embedding-3-small", provider="openai")
    agent = world.agent(CacheRules(semantic="on"), embedder=embedder)
    embedder.task = agent.task
    with pytest.raises(BudgetExceeded, match="over"):
        agent.ask(asks())
    assert not world.sent
    assert not agent.task.receipt().notes


def test_an_embedding_that_costs_is_charged_and_one_that_fails_is_a_miss(world: World) -> None:
    working = [True]

    def embed(texts: list[str]) -> list[list[float]]:
        if not working[0]:
            raise ConnectionError("down")
        return lemurs(texts)

    embedder = CallableEmbedder(embed, name="lemurs", model="text-embedding-3-small", provider="openai")
    agent = world.agent(CacheRules(semantic="on"), embedder=embedder, limits=[Limit(usd=1, cycles=10)])
    agent.ask(asks(FIRST))
    assert agent.ask(asks(SECOND)) == "answer 1"
    (use,) = agent.task.receipt().embeddings
    assert (use.model, use.calls) == ("text-embedding-3-small", 2)
    assert use.cost
    working[0] = False
    assert agent.ask(asks("How should I feed a lemur?")) == "answer 2"
    assert [event.problem for event in world.events] == ["embedder"]


class Breaks(MemoryCache):
    """A store that fails in one of its methods."""

    broken = ""

    def nearest(self, context: str, vector: Vector, *, at_least: float, count: int = 1) -> list[Near]:
        if self.broken == "nearest":
            raise StoreError("gone")
        return super().nearest(context, vector, at_least=at_least, count=count)

    def put(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        if self.broken == "put":
            raise StoreError("gone")
        return super().put(entry, max_bytes=max_bytes, generation=generation)


@pytest.mark.parametrize("broken", ["nearest", "put"])
def test_a_store_that_fails_on_the_way_is_a_miss(world: World, broken: str) -> None:
    world.store = store = Breaks(world.events.append, clock=world.clock)
    agent = on(world, chance=0.0)
    agent.ask(asks(FIRST))
    store.broken = broken
    assert agent.ask(asks(SECOND)) == "answer 2"
    assert {event.problem for event in world.events} == {"store"}


def test_answers_that_cannot_be_compared_are_given_all_the_same(world: World) -> None:
    def same(one: str, other: str) -> bool:
        raise ValueError("no number in here")

    agent = on(world, chance=0.0, same_answer=same)
    agent.ask(asks(FIRST))
    assert agent.ask(asks(SECOND)) == "answer 2"
    use = agent.task.receipt().cache
    assert use is not None
    assert use.checked == 0
    (note,) = agent.task.receipt().notes
    assert "ValueError" in note


def test_an_answer_that_cannot_be_made_anew_is_still_given_meanwhile(world: World) -> None:
    agent = world.agent(CacheRules(ttl=60, stale=60))
    agent.ask(asks())
    world.clock.now += 61
    flow, meanwhile = agent.flow(asks()), list[str]()

    def send(call: ModelCall) -> ModelReply:
        meanwhile.append(agent.ask(asks()))
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        drive_sync.run(flow, send)
    assert meanwhile == ["answer 1"]
    assert agent.probe()
    assert agent.ask(asks()) == "answer 2"
    assert agent.ask(asks()) == "answer 2"

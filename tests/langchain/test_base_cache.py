"""LeanLoopCache behind ``set_llm_cache``: LangChain's own suites, and the wrong hits they do not look for."""

# LangChain's own annotations lack type arguments:
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# and a cache is looked into:
# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.caches import BaseCache
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.embeddings import Embeddings
from langchain_core.globals import set_llm_cache
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langchain_tests.integration_tests.cache import AsyncCacheTestSuite, SyncCacheTestSuite
from pydantic import SecretStr

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.cache import LeanLoopCache
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.budgets.cache_rules import CacheRules
from leanloop.errors import StoreError, UsageError
from leanloop.plugins.cache.calibration import Calibration, calibration_key
from leanloop.plugins.cache.embedder import CallableEmbedder
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.sqlite_cache import SqliteCache
from leanloop.plugins.cache.store import CacheStore
from leanloop.plugins.cache.verify import POLICY

Prompt = list[BaseMessage]
MODEL = "[('_type', 'm'), ('stop', None), ('temperature', 0)]"
ANSWER = [ChatGeneration(message=AIMessage("the answer"))]


class TestSync(SyncCacheTestSuite):
    @pytest.fixture
    def cache(self) -> BaseCache:
        return LeanLoopCache(store=MemoryCache())


class TestAsync(AsyncCacheTestSuite):
    @pytest.fixture
    async def cache(self) -> BaseCache:
        return LeanLoopCache(store=MemoryCache())


class TestSyncInAFile(SyncCacheTestSuite):
    @pytest.fixture
    def cache(self, tmp_path: Path) -> Iterator[BaseCache]:
        store = SqliteCache(tmp_path / "cache.db")
        yield LeanLoopCache(store=store)
        store.close()


class TestAsyncInAFile(AsyncCacheTestSuite):
    @pytest.fixture
    async def cache(self, tmp_path: Path) -> Any:
        store = SqliteCache(tmp_path / "cache.db")
        yield LeanLoopCache(store=store)
        store.close()


def never() -> float:
    """No hit is checked."""
    return 1.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Calls:
    """A cache, called plainly or awaited."""

    def __init__(self, mode: str, cache: LeanLoopCache) -> None:
        self._mode = mode
        self.cache = cache

    def lookup(self, prompt: str | Prompt, model: str = MODEL) -> Any:
        text = prompt if isinstance(prompt, str) else dumps(prompt)
        return self.cache.lookup(text, model) if self._mode == "sync" else asyncio.run(self.cache.alookup(text, model))

    def update(self, prompt: str | Prompt, said: list[Any], model: str = MODEL) -> None:
        text = prompt if isinstance(prompt, str) else dumps(prompt)
        if self._mode == "sync":
            self.cache.update(text, model, said)
        else:
            asyncio.run(self.cache.aupdate(text, model, said))

    def clear(self) -> None:
        if self._mode == "sync":
            self.cache.clear()
        else:
            asyncio.run(self.cache.aclear())


@pytest.fixture(params=["sync", "async"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def calls(mode: str) -> Calls:
    return Calls(mode, LeanLoopCache(store=MemoryCache(), chance=never))


def asks(text: str, *before: BaseMessage) -> Prompt:
    return [SystemMessage("Be brief."), *before, HumanMessage(text)]


def test_an_answer_comes_back_with_an_id_of_its_own_and_no_usage(calls: Calls) -> None:
    usage: Any = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}
    request = {"name": "search", "args": {"q": "a"}, "id": "call-1"}
    said = AIMessage("so", id="m1", tool_calls=[request], usage_metadata=usage, response_metadata={"model_name": "m"})
    calls.update(asks("?"), [ChatGeneration(message=said)])
    (one,), (two,) = calls.lookup(asks("?")), calls.lookup(asks("?"))
    assert (one.message.text, one.message.tool_calls[0]["args"]) == ("so", {"q": "a"})
    assert len({"m1", one.message.id, two.message.id}) == 3
    assert len({"call-1", one.message.tool_calls[0]["id"], two.message.tool_calls[0]["id"]}) == 3
    assert one.message.usage_metadata == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    assert one.message.response_metadata == {"model_name": "m", "leanloop_cache": "exact"}


def test_ids_usage_and_metadata_of_earlier_messages_make_no_other_question(calls: Calls) -> None:
    def history(run: str, tokens: int) -> Prompt:
        usage: Any = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1, "total_cost": 0}
        call = {"name": "search", "args": {"b": 1, "a": run == ""}, "id": f"call-{run}"}
        metadata = {"id": run, "created": tokens}
        said = AIMessage("", id=f"m-{run}", tool_calls=[call], usage_metadata=usage, response_metadata=metadata)
        return [HumanMessage("?", id=f"h-{run}"), said, ToolMessage("found", tool_call_id=f"call-{run}", id=f"t-{run}")]

    calls.update(history("one", 1), ANSWER)
    assert calls.lookup(history("two", 2)) is not None


FALSE_HITS: list[tuple[str, Prompt, str]] = [
    ("question", asks("Who wrote Hamlet?"), MODEL),
    ("model", asks("Wire 100 euros from Ann to Bob"), MODEL.replace("'m'", "'n'")),
    ("stop", asks("Wire 100 euros from Ann to Bob"), MODEL.replace("None", "['x']")),
    ("tools", asks("Wire 100 euros from Ann to Bob"), f"{MODEL[:-1]}, ('tools', [1])]"),
    ("system", [SystemMessage("Be rude."), HumanMessage("Wire 100 euros from Ann to Bob")], MODEL),
    ("history", asks("Wire 100 euros from Ann to Bob", HumanMessage("No."), AIMessage("Well.")), MODEL),
    ("direction", asks("Wire 100 euros from Bob to Ann"), MODEL),
    ("number", asks("Wire 1000 euros from Ann to Bob"), MODEL),
    ("unit", asks("Wire 100 dollars from Ann to Bob"), MODEL),
    ("negation", asks("Do not wire 100 euros from Ann to Bob"), MODEL),
    ("role", [SystemMessage("Be brief."), AIMessage("Wire 100 euros from Ann to Bob")], MODEL),
    ("text", [HumanMessage(dumps(asks("Wire 100 euros from Ann to Bob")))], MODEL),
    ("picture", asks("Wire 100 euros from Ann to Bob", HumanMessage([{"type": "image", "url": "u"}])), MODEL),
]


class Blind(BaseCache):
    """What langchain-tests lets pass: a cache that looks at nothing."""

    def __init__(self) -> None:
        self.kept: Any = None

    def lookup(self, prompt: str, llm_string: str) -> Any:
        return self.kept

    def update(self, prompt: str, llm_string: str, return_val: Any) -> None:
        self.kept = return_val

    def clear(self, **kwargs: Any) -> None:
        self.kept = None


def always(size: int) -> CallableEmbedder:
    """To it all texts are the same."""
    return CallableEmbedder(lambda texts: [[1.0] * size for _ in texts], name="always")


def tuned(store: CacheStore, embedder: CallableEmbedder, agent: str = "langchain") -> None:
    """As if `leanloop cache tune` had found that the embedder may be believed."""
    found = Calibration(threshold=0.5, promised=0.001, bound=0.0009, lookups=5_000, served=50, wrong=0, size=9_000)
    key = calibration_key(agent, embedder.fingerprint, POLICY)
    store.put(Entry(key, found.text(), 0.0, 1e12, worth=2**40), max_bytes=2**40)


@pytest.mark.parametrize(("why", "prompt", "model"), FALSE_HITS, ids=[why for why, *_ in FALSE_HITS])
def test_what_may_change_the_answer_is_no_hit_even_to_an_embedder_that_tells_nothing_apart(
    mode: str, why: str, prompt: Prompt, model: str
) -> None:
    store, embedder = MemoryCache(), always(8)
    tuned(store, embedder)
    calls = Calls(mode, LeanLoopCache(CacheRules(semantic="on"), embedder=embedder, store=store, chance=never))
    known = asks("Wire 100 euros from Ann to Bob")
    assert calls.lookup(known) is None
    calls.update(known, ANSWER)
    assert calls.lookup(known) is not None
    assert calls.lookup(prompt, model) is None
    blind = Calls("sync", Blind())  # type: ignore[arg-type]
    blind.update(known, ANSWER)
    assert blind.lookup(prompt, model) is not None


def test_a_question_in_other_words_is_answered_where_that_is_known_to_be_safe(mode: str) -> None:
    for temperature, hit in ((MODEL, True), (MODEL.replace("0)", "0.7)"), False), ("[('_type', 'm')]", False)):
        store, embedder = MemoryCache(), always(8)
        tuned(store, embedder)
        calls = Calls(mode, LeanLoopCache(CacheRules(semantic="on"), embedder=embedder, store=store, chance=never))
        known, other = asks("How do I reset my password?"), asks("How can I reset my password?")
        assert calls.lookup(known, temperature) is None
        calls.update(known, ANSWER, temperature)
        found = calls.lookup(other, temperature)
        assert (found is not None) is hit
        if found:
            assert found[0].message.response_metadata["leanloop_cache"] == "alike"


def test_a_question_in_other_spelling_is_answered_without_any_embedder(calls: Calls) -> None:
    calls.update(asks("Who painted the ceiling?"), ANSWER)
    (found,) = calls.lookup(asks("hello, who painted the ceiling"))
    assert found.message.response_metadata["leanloop_cache"] == "normal"


def test_an_answer_that_calls_tools_is_for_the_very_same_call_alone(mode: str) -> None:
    said = [ChatGeneration(message=AIMessage("", tool_calls=[{"name": "read", "args": {}, "id": "1"}]))]
    for tools, hit in (({}, False), ({"read": True}, True)):
        rules = CacheRules.model_validate({"tools": tools})
        calls = Calls(mode, LeanLoopCache(rules, store=MemoryCache(), chance=never))
        calls.update(asks("Who painted the ceiling?"), said)
        assert (calls.lookup(asks("who painted the ceiling")) is not None) is hit
        assert calls.lookup(asks("Who painted the ceiling?")) is not None


def test_hits_are_checked_and_a_cache_that_is_wrong_goes_back_to_the_very_same_calls(mode: str) -> None:
    calls = Calls(mode, LeanLoopCache(store=MemoryCache(), chance=lambda: 0.0))
    for number in range(6):
        known, other = (asks(f"{word} painted the ceiling of room {number}?") for word in ("Who", "who"))
        calls.update(known, ANSWER)
        assert calls.lookup(other) is None  # picked to be checked
        calls.update(other, [ChatGeneration(message=AIMessage("something else, 42"))])
    calls.cache._chance = never
    calls.update(asks("Who painted the wall?"), ANSWER)
    assert calls.lookup(asks("who painted the wall")) is None
    assert calls.lookup(asks("Who painted the wall?")) is not None


def test_what_may_not_be_given_again_is_not_kept(calls: Calls) -> None:
    for said in (
        ChatGeneration(message=AIMessage("so", response_metadata={"finish_reason": "length"})),
        ChatGeneration(message=AIMessage("I'm sorry, but I cannot help with that.")),
        ChatGeneration(message=AIMessage([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}])),
        ChatGeneration(message=AIMessage("")),
        Generation(text="so", generation_info={"finish_reason": "length"}),
        Generation(text="so", generation_info={"object": object()}),
    ):
        calls.update(asks("?"), [said])
        assert calls.lookup(asks("?")) is None
    calls.update(asks("?"), [])
    assert calls.lookup(asks("?")) is None


def test_a_text_models_prompt_is_answered_by_the_very_same_text_alone(calls: Calls) -> None:
    calls.update("Answer: who painted the ceiling?", [Generation(text="M.", generation_info={"finish_reason": "stop"})])
    assert calls.lookup("Answer: who painted the ceiling?") == [
        Generation(text="M.", generation_info={"finish_reason": "stop"})
    ]
    assert calls.lookup("answer: who painted the ceiling") is None


def test_an_answer_ends_and_is_forgotten(mode: str) -> None:
    clock = Clock()
    calls = Calls(mode, LeanLoopCache(CacheRules(ttl=60), store=MemoryCache(clock=clock), clock=clock))
    calls.update(asks("?"), ANSWER)
    clock.now += 59
    assert calls.lookup(asks("?")) is not None
    clock.now += 2
    assert calls.lookup(asks("?")) is None
    calls.update(asks("?"), ANSWER)
    calls.clear()
    assert calls.lookup(asks("?")) is None


def test_clearing_one_leaves_what_else_is_in_the_store() -> None:
    store = MemoryCache()
    one, other = (LeanLoopCache(Budget(agent=agent, cache=CacheRules()), store=store) for agent in ("one", "other"))
    one.update("p", MODEL, ANSWER)
    other.clear()
    assert one.lookup("p", MODEL) is not None


def test_tenants_share_nothing(calls: Calls) -> None:
    budget = Budget(agent="a")

    def asked_by(tenant: str) -> Any:
        with leanloop.task(budget, tags={"tenant": tenant}):
            return calls.lookup(asks("?"))

    with leanloop.task(budget, tags={"tenant": "one"}):
        calls.update(asks("?"), ANSWER)
    assert asked_by("one") is not None
    assert asked_by("two") is None
    assert calls.lookup(asks("?")) is None


class Broken(MemoryCache):
    """A store that is down, or worse."""

    error: Exception = StoreError("cannot be reached")

    def find(self, keys: Any) -> Any:
        raise self.error

    async def afind(self, keys: Any) -> Any:
        raise self.error

    def put(self, *args: Any, **kwargs: Any) -> bool:
        raise self.error

    async def aput(self, *args: Any, **kwargs: Any) -> bool:
        raise self.error

    def forget(self, *args: Any, **kwargs: Any) -> None:
        raise self.error

    async def aforget(self, *args: Any, **kwargs: Any) -> None:
        raise self.error


@pytest.mark.parametrize("error", [StoreError("cannot be reached"), ZeroDivisionError()])
def test_trouble_is_a_miss_and_is_said(mode: str, error: Exception) -> None:
    events: list[CacheEvent] = []
    store = Broken()
    store.error = error
    calls = Calls(mode, LeanLoopCache(store=store, on_event=events.append))
    assert calls.lookup(asks("?")) is None
    calls.update(asks("?"), ANSWER)
    calls.clear()
    assert [event.problem for event in events] == ["store"] * 3


@pytest.mark.parametrize(
    "reply",
    ["", "{", "[]", "{}", '{"generations": []}', '{"generations": [1]}', '{"generations": [{"text": 1}]}',
     '{"generations": [{"chat": "{}", "model": ""}]}', '{"generations": [{"chat": 1, "model": ""}]}', "[" * 100_000],
    ids=range(10),
)  # fmt: skip
def test_an_entry_that_is_none_is_a_miss(reply: str) -> None:
    store, events = MemoryCache(), list[CacheEvent]()
    cache = LeanLoopCache(store=store, on_event=events.append)
    cache.update("p", MODEL, ANSWER)
    (entry,) = store.scan()
    store.put(Entry(entry.key, reply, entry.made_at, entry.ttl), max_bytes=2**40)
    assert cache.lookup("p", MODEL) is None
    assert [event.problem for event in events] == ["damaged"]


@given(prompt=st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps), model=st.text())
def test_any_prompt_is_a_prompt(prompt: str, model: str) -> None:
    events: list[CacheEvent] = []
    cache = LeanLoopCache(store=MemoryCache(), on_event=events.append)
    assert cache.lookup(prompt, model) is None
    cache.update(prompt, model, ANSWER)
    assert cache.lookup(prompt, model) is not None
    assert events == []


@pytest.mark.parametrize(
    "prompt",
    [
        "[" * 100_000,
        '[{"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"type": "exec", "content": "x"}}]',
        '[{"lc": 1, "type": "constructor", "id": ["langchain"], "kwargs": {"type": "tool", "content": "x"}}]',
        '[{"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}]',
        "x" * 10**6,
    ],
    ids=["deep", "class", "incomplete", "secret", "long"],
)
def test_a_hostile_prompt_is_text(calls: Calls, prompt: str) -> None:
    assert calls.lookup(prompt, "{" * 50_000) is None
    calls.update(prompt, ANSWER, "{" * 50_000)
    assert calls.lookup(prompt, "{" * 50_000) is not None


@pytest.fixture
def everywhere() -> Iterator[LeanLoopCache]:
    """A cache for all models."""
    cache = LeanLoopCache(store=MemoryCache())
    set_llm_cache(cache)
    yield cache
    set_llm_cache(None)


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def test_a_repeated_agent_hits_in_all_its_steps_at_once_behind_langchains_door_too(
    run: Any, create_agent: Any, ask: Any, everywhere: LeanLoopCache
) -> None:
    def reply(messages: list[BaseMessage], settings: dict[str, Any]) -> AIMessage:
        done = sum(message.type == "tool" for message in messages)
        return ask(("search", {"q": f"{done}"})) if done < 2 else AIMessage("the answer")

    model = ScriptedModel(script=reply)
    agent = create_agent(model, [search])
    counter = UsageMetadataCallbackHandler()
    run(agent, {"messages": [HumanMessage("Find out.")]})
    again = run(agent, {"messages": [HumanMessage("Find out.")]}, {"callbacks": [counter]})
    assert len(model.seen) == 3
    assert again["messages"][-1].text == "the answer"
    assert [usage["total_tokens"] for usage in counter.usage_metadata.values()] == [0]


def test_a_hit_is_free_to_a_budget_around_the_model(
    run: Any, create_agent: Any, store: Any, everywhere: LeanLoopCache
) -> None:
    model = ScriptedModel(script=[AIMessage("the answer")])
    agent = create_agent(
        model, [], middleware=[LeanLoop(Budget(agent="a", limits=(Limit(tokens=9_000),)), store=store)]
    )
    run(agent, {"messages": [HumanMessage("Find out.")]})
    spent = sum(store.spent("tokens"))
    run(agent, {"messages": [HumanMessage("Find out.")]})
    assert (len(model.seen), sum(store.spent("tokens"))) == (1, spent)


def test_text_models_hit(everywhere: LeanLoopCache) -> None:
    model = FakeListLLM(responses=["one", "two"])
    assert [model.invoke("?"), model.invoke("?"), model.invoke("!")] == ["one", "one", "two"]


def test_a_real_client_hits(run: Any, provider: Any, everywhere: LeanLoopCache) -> None:
    def client(**settings: Any) -> ChatOpenAI:
        return ChatOpenAI(
            model="gpt-4o-mini", base_url=f"{provider.url}/v1", api_key=SecretStr("none"), max_retries=0, **settings
        )

    for temperature in (0, 0, 1, 1):
        assert run(client(temperature=temperature), "?").text == "done"
    assert len(provider.payloads) == 2


class Paid(Embeddings):
    """Embeddings that cost something."""

    model = "openai:text-embedding-3-small"

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[1.0, 0.5] for _ in texts]

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


@pytest.mark.parametrize(("limit", "held"), [({"usd": 1}, False), ({"embedding_tokens": 1}, True)])
def test_embeddings_are_charged_to_the_budget(mode: str, limit: Any, held: bool) -> None:
    rules = CacheRules(semantic="shadow")
    budget = Budget(agent="a", cache=rules, limits=(Limit(**limit),))
    store = MemoryCache()
    calls = Calls(mode, LeanLoopCache(budget, embedder=Paid(), store=store))
    assert calls.lookup(asks("Who painted the ceiling of the chapel?")) is None
    calls.update(asks("Who painted the ceiling of the chapel?"), ANSWER)
    (entry,) = store.scan()
    assert (entry.vector is None) is held


def test_a_budget_file_is_read_and_one_without_a_cache_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("agent: a\ncache: {ttl: 5m}\n")
    assert LeanLoopCache(path, store=MemoryCache())._ground.rules.ttl == 300
    with pytest.raises(UsageError, match="caches no answers"):
        LeanLoopCache(Budget(agent="a"))
    with pytest.raises(UsageError, match="caches no answers"):
        LeanLoopCache(CacheRules(models=False))

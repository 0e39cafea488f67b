"""A callback over a ledger that takes its time: awaited on an event loop, plain elsewhere, and settled either way."""

# A callback's open calls are looked into, and create_agent's annotations lack type arguments:
# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatResult
from langchain_core.tools import tool

from leanloop import Budget, BudgetExceeded, Limit, MemoryStore, StoreError
from leanloop.adapters.langchain import LeanLoop, LeanLoopCallback
from leanloop.adapters.langchain.open_calls import open_calls
from leanloop.adapters.langchain.scripted import ScriptedModel
from leanloop.budgets.redis_store import RedisStore
from leanloop.budgets.sqlite import SqliteStore
from leanloop.budgets.store import Balance, LedgerStore

FOUR = Budget(agent="a", limits=(Limit(model_calls=4),))


class OffLoop:
    """A ledger that notes which of its plain methods are called on a thread that runs an event loop."""

    def __init__(self, inner: LedgerStore) -> None:
        self.inner = inner
        self.keys: set[tuple[str, str]] = set()
        self.blocked: list[str] = []
        self.fails: dict[str, BaseException] = {}
        """What the next call of a method, in either form, raises."""

    @property
    def durable(self) -> bool:
        return self.inner.durable

    def __getattr__(self, name: str) -> Any:
        awaited = name.startswith("a")
        method = getattr(self.inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if not awaited and on_a_loop():
                self.blocked.append(name)
            if name.removeprefix("a") == "reserve":
                self.keys |= {(line.account, line.resource) for line in args[1].lines}
            if name.removeprefix("a") in self.fails:
                raise self.fails.pop(name.removeprefix("a"))
            return method(*args, **kwargs)

        return call

    def books(self) -> dict[str, Balance]:
        """The balances asked for so far, by resource; the tests have one account."""
        keys = sorted(self.keys)
        found = zip(keys, self.inner.balances(keys), strict=True)
        return {resource: balance for (_, resource), balance in found}


def on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.fixture(
    params=[
        pytest.param("memory", marks=pytest.mark.memory),
        pytest.param("sqlite", marks=pytest.mark.sqlite),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Any]:
    """Each kind of ledger in turn; at the end nothing may stay set aside, and no event loop may have been blocked."""
    inner: LedgerStore
    if request.param == "memory":
        inner = MemoryStore()
    elif request.param == "sqlite":
        inner = SqliteStore(tmp_path / "ledger.db")
    else:
        inner = RedisStore(request.getfixturevalue("one_redis").url())
    store = OffLoop(inner)
    yield store
    assert all(balance.reserved == 0 for balance in store.books().values()), "set aside for nobody"
    assert store.blocked == []
    inner.close()


class GatedModel(ScriptedModel):
    """Answers when `gate` opens; `begun` says that it was called."""

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        gates: tuple[asyncio.Event, asyncio.Event] = kwargs.pop("gates")
        gates[0].set()
        await gates[1].wait()
        return self._generate(messages, stop, run_manager, **kwargs)


def answering(**settings: Any) -> ScriptedModel:
    return ScriptedModel(script=[AIMessage("a word or two")], **settings)


def test_twenty_calls_at_once_on_a_budget_for_four_bill_four(run: Any, ledger: Any) -> None:
    callback = LeanLoopCallback(FOUR, store=ledger)
    model = answering()
    config = {"callbacks": [callback], "max_concurrency": 20}
    outcomes = run.many(model, ["?"] * 20, config=config, return_exceptions=True)
    assert sum(isinstance(outcome, BudgetExceeded) for outcome in outcomes) == 16
    assert len(model.seen) == ledger.books()["model_calls"].spent == 4


def test_a_call_waits_where_only_calls_in_flight_stand_in_its_way(run: Any, ledger: Any) -> None:
    """Each sets 400 tokens and more aside, of which it spends about ten."""
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tokens=500),)), store=ledger)
    model = answering(max_tokens=400)
    config = {"callbacks": [callback], "max_concurrency": 4}
    outcomes = run.many(model, ["?"] * 4, config=config, return_exceptions=True)
    assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []
    assert 0 < ledger.books()["tokens"].spent <= 100


@pytest.mark.memory
async def test_a_sync_call_on_an_event_loop_does_not_wait_for_what_must_end_there() -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tokens=500),)))
    model = GatedModel(script=[AIMessage("yes")], max_tokens=400)
    config: Any = {"callbacks": [callback]}
    begun, gate = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(model.ainvoke("?", config, gates=(begun, gate)))
    await begun.wait()
    with pytest.raises(BudgetExceeded, match="set aside"):
        answering(max_tokens=400).invoke("?", config)
    gate.set()
    assert (await first).text == "yes"
    assert answering(max_tokens=400).invoke("?", config).text, "the refusal of a moment is no end of the task"


def test_a_sync_call_on_an_event_loop_is_metered_too(ledger: Any) -> None:
    callback = LeanLoopCallback(FOUR, store=ledger)

    async def sync_in_async() -> None:
        assert answering().invoke("?", {"callbacks": [callback]}).text

    asyncio.run(sync_in_async())
    assert ledger.books()["model_calls"].spent == 1
    assert ledger.blocked, "who calls sync on an event loop has asked for it"
    ledger.blocked.clear()


@tool
def search(q: str) -> str:
    """Search."""
    return f"something about {q}"


def test_a_sub_agent_in_a_tool_is_metered_once(run: Any, create_agent: Any, ask: Any, ledger: Any) -> None:
    inner = create_agent(ScriptedModel(script=[ask(("search", {"q": "it"})), AIMessage("found")]), [search])

    @tool
    def research(topic: str) -> str:
        """Let a sub-agent find out."""
        return str(inner.invoke({"messages": [HumanMessage(topic)]})["messages"][-1].text)

    async def aresearch(topic: str) -> str:
        return str((await inner.ainvoke({"messages": [HumanMessage(topic)]}))["messages"][-1].text)

    cast("Any", research).coroutine = aresearch
    budget = Budget(agent="a", limits=(Limit(model_calls=9, tool_calls=9),))
    outer = ScriptedModel(script=[ask(("research", {"topic": "it"})), AIMessage("done")])
    run(create_agent(outer, [research], middleware=[LeanLoop(budget, store=ledger)]), {"messages": [HumanMessage("?")]})
    assert {resource: balance.spent for resource, balance in ledger.books().items()} == {
        "model_calls": 4,
        "tool_calls": 2,
    }


@pytest.mark.parametrize("most", [None, 1], ids=["whole", "closed early"])
def test_a_stream_is_metered(run: Any, ledger: Any, most: int | None) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tokens=1_000, model_calls=2),)), store=ledger)
    parts = run.stream(answering(max_tokens=100), "?", {"callbacks": [callback]}, most=most)
    assert (len(parts) == 1) is (most == 1)
    assert ledger.books()["model_calls"].spent == 1
    assert (ledger.books()["tokens"].spent >= 100) is (most == 1), "what a closed stream cost is not known"


def test_a_cancelled_call_is_settled_at_its_worst_case_and_the_loop_goes_on(ledger: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tokens=1_000),)), store=ledger)
    model = GatedModel(script=[AIMessage("yes")], max_tokens=400)

    async def cancelled() -> Balance:
        begun, gate = asyncio.Event(), asyncio.Event()
        call = asyncio.create_task(model.ainvoke("?", {"callbacks": [callback]}, gates=(begun, gate)))
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.get_running_loop().shutdown_default_executor()
        (balance,) = await ledger.abalances(sorted(ledger.keys))
        return cast("Balance", balance)

    balance = asyncio.run(cancelled())
    assert (balance.spent >= 400, balance.reserved) == (True, 0)


def test_a_call_cut_off_by_the_end_of_its_event_loop_is_settled_all_the_same(ledger: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tokens=1_000),)), store=ledger)
    model = GatedModel(script=[AIMessage("yes")], max_tokens=400)
    calling: list[asyncio.Task[Any]] = []

    async def abandoned() -> None:
        begun, never = asyncio.Event(), asyncio.Event()
        calling.append(asyncio.create_task(model.ainvoke("?", {"callbacks": [callback]}, gates=(begun, never))))
        await begun.wait()

    asyncio.run(abandoned())
    assert calling[0].cancelled()
    assert ledger.books()["tokens"].spent >= 400


def test_what_was_reserved_is_given_back_where_a_call_is_cancelled_while_it_waits_its_turn(ledger: Any) -> None:
    callback = LeanLoopCallback(Budget(agent="a", limits=(Limit(tokens=500),)), store=ledger)
    model = GatedModel(script=[AIMessage("yes")], max_tokens=400)

    async def waits() -> None:
        begun, gate = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(model.ainvoke("?", {"callbacks": [callback]}, gates=(begun, gate)))
        await begun.wait()
        config: Any = {"callbacks": [LeanLoopCallback(FOUR, store=ledger), callback]}
        second = asyncio.create_task(model.ainvoke("?", config, gates=(begun, gate)))
        await another_is_open()
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        gate.set()
        await first

    async def another_is_open() -> None:
        while len(open_calls._flows) < 2:  # noqa: ASYNC110 (the callback under test tells nobody)
            await asyncio.sleep(0)

    asyncio.run(waits())
    assert ledger.books()["model_calls"] == Balance()
    assert len(model.seen) == 1


@pytest.mark.parametrize("on_store_error", ["refuse", "allow"])
def test_a_ledger_that_fails_refuses_or_lets_pass_as_the_budget_says(
    run: Any, ledger: Any, on_store_error: Any
) -> None:
    budget = FOUR.model_copy(update={"on_store_error": on_store_error})
    first = LeanLoopCallback(Budget(agent="first", limits=(Limit(cycles=9, tool_calls=9, tokens=9_000),)), store=ledger)
    failing = LeanLoopCallback(budget, store=(broken := cast("Any", OffLoop(ledger.inner))))
    broken.fails["reserve"] = StoreError("gone")
    model = answering(max_tokens=100)
    config = {"callbacks": [first, failing]}
    if on_store_error == "refuse":
        with pytest.raises(StoreError, match="gone"):
            run(model, "?", config)
    else:
        assert run(model, "?", config).text
    assert len(model.seen) == (on_store_error == "allow")
    assert (ledger.books()["tokens"].spent > 0) is (on_store_error == "allow")


@pytest.mark.parametrize("kind", ["model", "tool"])
def test_what_one_callback_reserved_is_given_back_where_the_next_refuses(run: Any, ledger: Any, kind: str) -> None:
    first = LeanLoopCallback(Budget(agent="first", limits=(Limit(model_calls=9, tool_calls=9),)), store=ledger)
    second = LeanLoopCallback(Budget(agent="second", limits=(Limit(model_calls=0, tool_calls=0),)))
    called: Any = answering() if kind == "model" else search
    with pytest.raises(BudgetExceeded):
        run(called, "?", {"callbacks": [first, second]})
    assert set(ledger.books().values()) == {Balance()}


def test_one_ledger_that_cannot_settle_keeps_no_other_from_it(run: Any, ledger: Any) -> None:
    broken = cast("Any", OffLoop(MemoryStore()))
    config = {"callbacks": [LeanLoopCallback(FOUR, store=broken), LeanLoopCallback(FOUR, store=ledger)]}
    broken.fails["settle"] = ZeroDivisionError("a store of somebody else's")
    with pytest.raises(ZeroDivisionError):
        run(answering(), "?", config)
    assert ledger.books()["model_calls"].spent == 1


@pytest.mark.memory
def test_garbage_collection_may_settle_an_abandoned_stream_in_the_midst_of_anything() -> None:
    store = OffLoop(MemoryStore())
    callback = LeanLoopCallback(FOUR, store=cast("LedgerStore", store))
    stream = answering().stream("?", {"callbacks": [callback]})
    next(stream)
    with open_calls._lock:
        del stream
        gc.collect()
    assert store.books()["model_calls"] == Balance(spent=1)
    assert not open_calls._flows

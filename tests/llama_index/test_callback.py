"""The callback handler: what nothing else guards is counted once, and refused by raising."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import Document, MockEmbedding, Settings, VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.callbacks import CallbackManager, CBEventType
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import CustomQueryEngine

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, MemoryStore
from leanloop.adapters.llama_index import LeanLoop, LeanLoopCallback
from leanloop.adapters.llama_index.scripted import ScriptedLLM
from leanloop.errors import PriceUnknown, StoreError
from leanloop.plugins.receipt import Receipt

HELLO = [ChatMessage(content="hello")]
METER = Budget(agent="metered", limits=(Limit(model_calls=9, tokens=100_000),))


def receipt(meter: LeanLoopCallback) -> Receipt:
    """That of a meter with a task of its own."""
    found = meter.receipt()
    assert found is not None
    return found


async def awaited(llm: Any, name: str, given: Any) -> None:
    response = await getattr(llm, name)(given)
    if "stream" in name:
        async for _ in response:
            pass


@pytest.mark.parametrize(
    "name",
    ["chat", "achat", "stream_chat", "astream_chat", "complete", "acomplete", "stream_complete", "astream_complete"],
)
def test_a_call_is_counted_once_though_a_custom_llm_reports_it_twice(name: str) -> None:
    meter = LeanLoopCallback(METER)
    llm = MockLLM(callback_manager=CallbackManager([meter]))
    given: Any = "hello" if "complete" in name else HELLO

    if name.startswith("a"):
        asyncio.run(awaited(llm, name, given))
    else:
        response = getattr(llm, name)(given)
        if "stream" in name:
            assert len(list(response)) > 0

    assert receipt(meter).model_calls == 1
    assert receipt(meter).usage.input > 0


def test_a_stream_read_between_other_calls_is_no_part_of_them() -> None:
    meter = LeanLoopCallback(METER)
    llm = MockLLM(callback_manager=CallbackManager([meter]))

    stream = llm.stream_chat(HELLO)
    next(stream)
    llm.complete("in between")
    assert receipt(meter).model_calls == 1
    stream.close()

    assert receipt(meter).model_calls == 2


def test_usage_and_caps_are_those_of_the_call() -> None:
    meter = LeanLoopCallback(Budget(agent="a", limits=(Limit(output_tokens=100),)))
    llm = ScriptedLLM(script=["a few words"], callback_manager=CallbackManager([meter]))

    llm.chat(HELLO, max_tokens=60)
    (use,) = receipt(meter).models
    assert (use.model, use.usage.estimated) == ("gpt-4o-mini", False)
    assert 0 < use.usage.output < 60
    with pytest.raises(BudgetExceeded):
        llm.chat(HELLO, max_tokens=100)
    assert len(llm.seen) == 1


def test_a_call_that_does_not_fit_is_never_made() -> None:
    llm = ScriptedLLM(script=["fine"], callback_manager=CallbackManager([LeanLoopCallback(_one_call())]))

    llm.complete("one")
    with pytest.raises(BudgetExceeded, match="limit of 1 model call"):
        llm.complete("two")

    assert len(llm.seen) == 1


def _one_call() -> Budget:
    return Budget(agent="a", limits=(Limit(model_calls=1),))


def test_a_budget_file_will_do(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("agent: a\nlimits: [{per: task, model_calls: 0}]\n", encoding="utf-8")
    llm = MockLLM(callback_manager=CallbackManager([LeanLoopCallback(file, tags={"user": "u1"})]))

    with pytest.raises(BudgetExceeded):
        llm.complete("one")


def test_it_counts_in_the_current_task_what_nothing_else_does(store: MemoryStore) -> None:
    llm = ScriptedLLM(script=["fine"], callback_manager=CallbackManager([LeanLoopCallback(), LeanLoopCallback()]))
    budget = Budget(agent="a", limits=(Limit(model_calls=9),))

    llm.complete("outside of any task")
    with leanloop.task(budget, store=store) as task:
        llm.complete("unguarded")
        assert task.receipt().model_calls == 1
        LeanLoop(budget).llm(llm).complete("guarded")
        assert task.receipt().model_calls == 2

    assert len(llm.seen) == 3
    assert LeanLoopCallback().receipt() is None


def test_a_model_of_settings_counts_in_the_query_that_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    class Own(CustomQueryEngine):
        """Resolves its model where it needs one, as LlamaIndex's own components do."""

        retriever: Any

        def custom_query(self, query_str: str) -> str:
            self.retriever.retrieve(query_str)
            return str(Settings.llm.complete(query_str))

    index = VectorStoreIndex.from_documents([Document(text="a passage")], embed_model=MockEmbedding(embed_dim=2))
    llm = ScriptedLLM(script=["fine"])
    monkeypatch.setattr(Settings, "_llm", llm)
    monkeypatch.setattr(Settings, "_callback_manager", CallbackManager([LeanLoopCallback()]))
    loop = LeanLoop(Budget(agent="a", limits=(Limit(model_calls=2),)), store=store)
    engine = loop.query_engine(Own(retriever=index.as_retriever()))

    response = engine.query("what?")
    assert str(response) == "fine"
    assert (response.metadata or {})["leanloop"]["model_calls"] == len(llm.seen) == 1

    stopped = LeanLoop(Budget(agent="a", limits=(Limit(model_calls=0),)), store=store)
    assert "a passage" in str(stopped.query_engine(Own(retriever=index.as_retriever())).query("what?"))
    assert len(llm.seen) == 1


class Failing(ScriptedLLM):
    """A provider that cannot be reached."""

    def _next(self, messages: Any, kwargs: Any) -> ChatResponse:
        raise ConnectionRefusedError("nobody there")


def test_a_call_that_failed_unbilled_is_given_back() -> None:
    meter = LeanLoopCallback(METER)

    with pytest.raises(ConnectionRefusedError):
        Failing(script=[], callback_manager=CallbackManager([meter])).chat(HELLO)

    assert receipt(meter).model_calls == 0


def test_a_model_without_a_price_is_refused_under_a_limit_in_usd(store: MemoryStore) -> None:
    meter = LeanLoopCallback(Budget.model_validate({"agent": "a", "limits": [{"usd": 1}]}))
    llm = MockLLM(callback_manager=CallbackManager([meter]))

    with pytest.raises(PriceUnknown):
        llm.complete("hello")


def test_what_refuses_in_one_task_unwinds_in_the_others(store: MemoryStore) -> None:
    meter = LeanLoopCallback(METER)
    llm = MockLLM(callback_manager=CallbackManager([meter]))

    none = Budget(agent="a", limits=(Limit(model_calls=0),), at_limit="raise")
    with leanloop.task(none, store=store), pytest.raises(BudgetExceeded):
        llm.complete("hello")

    assert receipt(meter).model_calls == 0
    llm.complete("hello")
    assert receipt(meter).model_calls == 1


def test_other_events_and_ends_without_a_beginning_are_nothing_to_it() -> None:
    meter = LeanLoopCallback(METER)
    meter.start_trace("query")

    for kind in (CBEventType.RETRIEVE, CBEventType.LLM):
        meter.on_event_end(kind, {"response": CompletionResponse(text="late")}, event_id="unknown")
    assert meter.on_event_start(CBEventType.QUERY, None, event_id="e") == "e"
    meter.on_event_start(CBEventType.LLM, None, event_id="bare")
    meter.on_event_end(CBEventType.LLM, None, event_id="bare")
    meter.end_trace("query")

    assert receipt(meter).model_calls == 1


def test_what_the_ledger_raises_at_a_calls_end_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = LeanLoopCallback(METER)
    llm = MockLLM(callback_manager=CallbackManager([meter]))

    def broken(*_: object) -> None:
        raise RuntimeError("the books are wrong")

    monkeypatch.setattr(MemoryStore, "settle", broken)
    with pytest.raises(RuntimeError, match="the books are wrong"):
        llm.complete("hello")


def test_what_one_callback_refuses_another_sets_nothing_aside_for(store: MemoryStore) -> None:
    none = LeanLoopCallback(Budget(agent="none", limits=(Limit(model_calls=0),)))
    llm = MockLLM(callback_manager=CallbackManager([LeanLoopCallback(), none]))

    with leanloop.task(METER, store=store) as task:
        with pytest.raises(BudgetExceeded):
            llm.complete("hello")

        # LlamaIndex reports no end of a call that was refused.
        [balance] = store.balances([(f"task:{task.id}", "model_calls")])
        assert balance.in_flight == 0


def test_a_ledger_that_cannot_be_reached_is_no_reason_to_refuse_where_the_budget_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter = LeanLoopCallback(METER.model_copy(update={"on_store_error": "allow"}))
    llm = MockLLM(callback_manager=CallbackManager([meter]))

    def down(*_: object, **__: object) -> None:
        raise StoreError("no connection")

    monkeypatch.setattr(MemoryStore, "reserve", down)
    assert llm.complete("hello").text
    assert receipt(meter).model_calls == 1

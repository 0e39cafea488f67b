"""What has no twin of its own is guarded by its model: chat engines, and what asks `Settings` in mid query."""

# LlamaIndex leaves out type arguments:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core import Document, Settings, SummaryIndex
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.chat_engine.types import ChatMode
from llama_index.core.evaluation import RelevancyEvaluator
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.query_engine import RetrySourceQueryEngine

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

INDEX = SummaryIndex.from_documents([Document(text="Goods can be sent back within 30 days.")])


def engine_of(kind: str, llm: Any) -> Any:
    memory = ChatMemoryBuffer(token_limit=3_000)
    if kind == "simple":
        return SimpleChatEngine(llm=llm, memory=memory, prefix_messages=[])
    return INDEX.as_chat_engine(chat_mode=ChatMode(kind), llm=llm, memory=memory)


async def whole(engine: Any, question: str) -> str:
    return str(await engine.achat(question))


async def streamed(engine: Any, question: str) -> str:
    response = await engine.astream_chat(question)
    return "".join([part async for part in response.async_response_gen()])


@pytest.mark.parametrize("ask", [whole, streamed], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", ["simple", "condense_question", "context", "condense_plus_context"])
def test_a_chat_in_a_task_is_counted_limited_and_answered(kind: str, ask: Any, store: Any) -> None:
    llm = ScriptedLLM(script=["You have 30 days."])
    loop = LeanLoop(Budget(agent="a", limits=(Limit(model_calls=3),)), store=store)
    engine = engine_of(kind, loop.llm(llm))

    async def talk() -> list[str]:
        return [await ask(engine, question) for question in ("Until when?", "And a gift?", "And a book?", "Why?")]

    with leanloop.task(loop.budget, store=store) as task:
        answers = asyncio.run(talk())
    assert answers[0].strip() == "You have 30 days."
    assert all(answers)
    assert "3 model calls" in answers[-1]
    assert len(llm.seen) == task.receipt().model_calls == 3


def test_a_model_in_settings_is_part_of_the_query_that_asks_for_it(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["first", "NO", "NO", "YES", "second", "YES"])
    llm = ScriptedLLM(script=lambda messages, settings: next(said, "YES"))
    loop = LeanLoop(Budget(agent="a"), store=store)
    monkeypatch.setattr(Settings, "_llm", loop.llm(llm))
    inner: Any = INDEX.as_query_engine(llm=llm)
    engine: Any = RetrySourceQueryEngine(inner, RelevancyEvaluator(llm=llm), llm=llm)
    response = loop.query_engine(engine).query("Until when?")
    assert len(llm.seen) > 4
    assert response.metadata["leanloop"]["model_calls"] == len(llm.seen)

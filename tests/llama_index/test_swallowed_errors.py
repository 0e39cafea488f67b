"""Errors that LlamaIndex would swallow, or turn into others, reach the caller as what they are."""

# LlamaIndex leaves out type arguments:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel

import leanloop
from leanloop import Budget, BudgetExceeded, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM, ScriptedTextLLM
from leanloop.errors import PriceUnknown

QUESTIONS = '```json\n{"items": [{"sub_question": "What?", "tool_name": "docs"}]}\n```'


class Town(BaseModel):
    """A town."""

    name: str


ASKS: dict[str, Callable[[Any], Any]] = {
    "structured_predict": lambda llm: llm.structured_predict(Town, PromptTemplate("Which town?")),
    "astructured_predict": lambda llm: asyncio.run(llm.astructured_predict(Town, PromptTemplate("Which town?"))),
    "structured LLM": lambda llm: llm.as_structured_llm(Town).complete("Which town?"),
    "chat of a structured LLM": lambda llm: asyncio.run(
        llm.as_structured_llm(Town).achat([ChatMessage(role=MessageRole.USER, content="Which town?")])
    ),
    "stream_structured_predict": lambda llm: list(llm.stream_structured_predict(Town, PromptTemplate("Which town?"))),
    "astream_structured_predict": lambda llm: asyncio.run(read_structured(llm)),
}


def answers_with_a_town(messages: list[ChatMessage], settings: dict[str, Any]) -> ChatMessage:
    """As a tool call where it is asked for one, unless its text is what LlamaIndex reads of a stream."""
    said = ChatMessage(role=MessageRole.ASSISTANT, content='{"name": "Bern"}')
    if settings.get("tools"):
        said.blocks.append(ToolCallBlock(tool_call_id="c", tool_name="Town", tool_kwargs={"name": "Bern"}))
    return said


async def read_structured(llm: Any) -> list[Any]:
    parts = await llm.astream_structured_predict(Town, PromptTemplate("Which town?"))
    return [part async for part in parts]


@pytest.mark.parametrize("kind", [ScriptedTextLLM, ScriptedLLM])
@pytest.mark.parametrize("how", ASKS)
def test_a_structured_answer_that_cannot_be_paid_raises_the_limit(how: str, kind: Any, store: Any) -> None:
    llm = kind(script=answers_with_a_town)
    loop = LeanLoop(Budget(agent="a", limits=(Limit(model_calls=1),)), store=store)
    with leanloop.task(loop.budget, store=store):
        ASKS[how](loop.llm(llm))
        with pytest.raises(BudgetExceeded, match="1 model call"):
            ASKS[how](loop.llm(llm))
        assert "1 model call" in str(loop.llm(llm).complete("In words?"))  # the mark is gone
    assert len(llm.seen) == 1


@pytest.mark.parametrize("use_async", [True, False], ids=["async", "sync"])
def test_a_sub_question_under_a_limit_in_usd_says_which_price_is_missing(use_async: bool, store: Any) -> None:
    llm = ScriptedTextLLM(script=[QUESTIONS])
    index = VectorStoreIndex.from_documents(
        [Document(text="text")], embed_model=MockEmbedding(embed_dim=2, model_name="in-house-embedder")
    )
    part = QueryEngineTool.from_defaults(index.as_query_engine(llm=llm), name="docs", description="documents")
    engine = SubQuestionQueryEngine(
        LLMQuestionGenerator.from_defaults(llm=llm),
        get_response_synthesizer(llm=llm),
        [part],
        verbose=False,
        use_async=use_async,
    )
    guarded = LeanLoop(Budget(agent="a", limits=(Limit(usd=Decimal("0.01")),)), store=store).query_engine(engine)
    with pytest.raises(PriceUnknown, match="in-house-embedder"):
        guarded.query("what?")

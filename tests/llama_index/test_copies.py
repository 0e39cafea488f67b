"""Twins that are copied, or sent to another process: guarded there too, by one guard and one budget."""

# LlamaIndex leaves out type arguments:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core import Document, MockEmbedding, SummaryIndex
from llama_index.core.llms import ChatMessage, MockLLM

import leanloop
from leanloop import Budget, BudgetExceeded, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.scripted import ScriptedLLM

COPIES = pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])


def through_pickle(given: Any) -> Any:
    return pickle.loads(pickle.dumps(given))


def under(**limits: Any) -> LeanLoop:
    return LeanLoop(Budget(agent="a", limits=(Limit(**limits),)))


def engine_of(llm: Any) -> Any:
    return SummaryIndex.from_documents([Document(text="goods come back")]).as_query_engine(llm=llm)


def one_that_says_how_to_make_it(self: MockEmbedding) -> tuple[object, ...]:
    return MockEmbedding, (self.embed_dim,)


@COPIES
def test_a_copy_of_an_engine_draws_from_the_same_budget(copied: Callable[[Any], Any]) -> None:
    loop = under(model_calls=3)
    engine = loop.query_engine(engine_of(MockLLM(max_tokens=3)))
    with leanloop.task(loop.budget) as task:
        copied(engine).query("what?")
        engine.query("what?")
    assert task.receipt().model_calls == 2


def test_an_engine_goes_through_pickle_under_one_guard_for_all_its_parts() -> None:
    twin = through_pickle(under(model_calls=1).query_engine(engine_of(MockLLM(max_tokens=3))))
    response = twin.query("what?")
    assert response.metadata["leanloop"]["landed"]
    assert response.metadata["leanloop"]["model_calls"] == 1
    synthesizer = twin._response_synthesizer
    assert twin.leanloop_ is synthesizer.leanloop_ is synthesizer._llm.leanloop_


def test_an_embedding_model_goes_through_pickle_with_its_budget() -> None:
    twin = through_pickle(under(embedding_tokens=20).embedding(MockEmbedding(embed_dim=2)))
    with pytest.raises(BudgetExceeded, match="20 embedding tokens"):
        twin.get_text_embedding("long " * 100)


def test_a_class_with_a_way_of_its_own_through_pickle_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MockEmbedding, "__reduce__", one_that_says_how_to_make_it)
    twin = through_pickle(under(embedding_tokens=20).embedding(MockEmbedding(embed_dim=2)))
    with pytest.raises(BudgetExceeded, match="20 embedding tokens"):
        twin.get_text_embedding("long " * 100)


def test_a_scripted_model_can_be_copied_and_pickled() -> None:
    llm = ScriptedLLM(script=["one"])
    for twin in (copy.deepcopy(llm), through_pickle(llm)):
        assert twin.chat([ChatMessage(content="hi")]).message.content == "one"
    assert not llm.seen

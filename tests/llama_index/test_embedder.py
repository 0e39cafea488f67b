"""LlamaIndex's embedding models as embedders of the cache."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.storage.kvstore import SimpleKVStore
from pydantic import Field

import leanloop
from leanloop import Budget, Limit
from leanloop.adapters.llama_index import LeanLoop
from leanloop.adapters.llama_index.embedder import embedder_of
from leanloop.errors import UsageError
from leanloop.plugins.cache.embedder import CallableEmbedder


class Letters(BaseEmbedding):
    """How often a, b and c are in a text; and the batches it was asked for."""

    batches: list[list[str]] = Field(default_factory=list[list[str]], exclude=True)
    client: object = None

    def _get_query_embedding(self, query: str) -> list[float]:
        raise AssertionError("questions are compared as texts")

    async def _aget_query_embedding(self, query: str) -> list[float]:
        raise AssertionError("questions are compared as texts")

    def _get_text_embedding(self, text: str) -> list[float]:
        return [1.0 + text.count(letter) for letter in "abc"]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        self.batches.append(texts)
        return [self._get_text_embedding(text) for text in texts]

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._get_text_embeddings(texts)


@pytest.mark.parametrize("awaited", [False, True])
def test_texts_are_embedded_in_one_batch_and_remembered(awaited: bool) -> None:
    own = Letters()
    embedder = embedder_of(own)
    for texts in (["aa", "b", "aa"], ["b"], ["c", "b"]):
        rows = asyncio.run(embedder.aembed(texts)) if awaited else embedder.embed(texts)
        assert rows.shape == (len(texts), 3)
        assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert own.batches == [["aa", "b"], ["c"]]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Letters(), Letters(), True),
        (Letters(), Letters(model_name="other"), False),
        (Letters(), Letters(embed_batch_size=3, num_workers=2, embeddings_cache=SimpleKVStore()), True),
        (Letters(), Letters(client=object()), True),
        (MockEmbedding(embed_dim=3), MockEmbedding(embed_dim=4), False),
        (MockEmbedding(embed_dim=3), Letters(), False),
    ],
)
def test_vectors_go_by_what_makes_them(one: BaseEmbedding, other: BaseEmbedding, same: bool) -> None:
    assert (embedder_of(one).fingerprint == embedder_of(other).fingerprint) is same


def test_a_model_with_a_price_has_it_and_one_without_costs_nothing() -> None:
    named = type("OpenAIEmbedding", (Letters,), {"__module__": "llama_index.embeddings.openai.base"})
    known = embedder_of(named(model_name="text-embedding-3-small"))
    assert (known.model, known.provider) == ("text-embedding-3-small", "openai")
    assert (embedder_of(Letters()).model, embedder_of(Letters()).provider) == (None, None)


def test_a_question_is_read_whole_or_not_at_all() -> None:
    class Long(Letters):
        max_length: int = 512

    assert [embedder_of(Letters()).fits("x" * size) for size in (768, 769)] == [True, False]
    assert embedder_of(Long()).fits("x" * 1_500)


def test_a_guarded_model_is_charged_once(store: Any) -> None:
    loop = LeanLoop(Budget(agent="a", limits=(Limit(embedding_tokens=50),)), store=store)
    embedder = embedder_of(loop.embedding(Letters()))
    with leanloop.task(loop.budget, store=store) as task:
        embedder.embed(["a b c"])
        asyncio.run(embedder.aembed(["c b a"]))
    assert task.receipt().embeddings == ()  # the cache asks the budget, around this


def test_an_embedder_of_ours_stays_as_it_is_and_nothing_else_is_one() -> None:
    own = CallableEmbedder(lambda texts: [[1.0]] * len(texts), name="mine")
    assert embedder_of(own) is own
    with pytest.raises(UsageError, match="not str; for a function: CallableEmbedder"):
        LeanLoop(embedder="wordllama")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

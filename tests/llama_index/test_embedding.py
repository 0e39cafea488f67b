"""Embedding models under a budget."""

# What is called by name has no type:
# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
from typing import Any

import pytest
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.storage.kvstore import SimpleKVStore

import leanloop
from leanloop import Budget, BudgetExceeded, Limit, UsageError
from leanloop.adapters.llama_index import LeanLoop


def under(**limits: Any) -> Budget:
    return Budget(agent="a", limits=(Limit(**limits),))


# The ways to have texts embedded, four words each.
CALLS: dict[str, Any] = {
    "query": lambda model: model.get_query_embedding("a b c d"),
    "text": lambda model: model.get_text_embedding("a b c d"),
    "texts": lambda model: model.get_text_embedding_batch(["a b", "c d"]),
    "aquery": lambda model: asyncio.run(model.aget_query_embedding("a b c d")),
    "atext": lambda model: asyncio.run(model.aget_text_embedding("a b c d")),
    "atexts": lambda model: asyncio.run(model.aget_text_embedding_batch(["a b", "c d"])),
}


@pytest.mark.parametrize("how", CALLS)
def test_each_way_is_one_call_however_the_class_nests_it(how: str, store: Any) -> None:
    own = MockEmbedding(embed_dim=3, model_name="text-embedding-3-small")
    loop = LeanLoop(under(embedding_tokens=50, tokens=1), store=store)
    with leanloop.task(loop.budget, store=store) as task:
        assert CALLS[how](loop.embedding(own)) == CALLS[how](own)
    (use,) = task.receipt().embeddings
    assert (use.model, use.calls, use.usage.input) == ("text-embedding-3-small", 1, 4)
    assert store.spent("embedding_tokens") == [4]


@pytest.mark.parametrize("how", CALLS)
def test_what_does_not_fit_raises_and_is_not_sent(how: str, store: Any) -> None:
    loop = LeanLoop(under(embedding_tokens=3), store=store)
    with pytest.raises(BudgetExceeded, match="The limit of 3 embedding tokens"):
        CALLS[how](loop.embedding(MockEmbedding(embed_dim=3, model_name="text-embedding-3-small")))
    assert store.spent("embedding_tokens") == []


def test_what_the_cache_of_embeddings_holds_costs_nothing(store: Any) -> None:
    own = MockEmbedding(embed_dim=3, model_name="text-embedding-3-small", embeddings_cache=SimpleKVStore())
    loop = LeanLoop(under(embedding_tokens=50), store=store)
    with leanloop.task(loop.budget, store=store):
        model = loop.embedding(own)
        for _ in range(3):
            model.get_text_embedding("a b c d")
    assert store.spent("embedding_tokens") == [4]


def test_the_twin_is_of_the_user_s_class_and_guarded_once() -> None:
    own = MockEmbedding(embed_dim=3)
    loop = LeanLoop()
    twin = loop.embedding(own)
    assert isinstance(twin, MockEmbedding)
    assert loop.embedding(twin) is twin
    assert type(own) is MockEmbedding
    with pytest.raises(UsageError, match="takes an embedding model of LlamaIndex, not str"):
        loop.embedding("text-embedding-3-small")  # type: ignore[type-var]

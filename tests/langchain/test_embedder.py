"""LangChain's embedding classes as embedders of the cache."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_openai import OpenAIEmbeddings
from pydantic import SecretStr

from leanloop import Budget
from leanloop.adapters.langchain import LeanLoop
from leanloop.adapters.langchain.embedder import embedder_of
from leanloop.errors import UsageError
from leanloop.plugins.cache.embedder import CallableEmbedder


class Vectors(Embeddings):
    """Notes on which thread it was called."""

    def __init__(self, model: str | None = None) -> None:
        self.model = model
        self.threads: list[int] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.threads.append(threading.get_ident())
        return [[float(len(text)), 1.0] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


class InBothForms(Vectors):
    """One with a form of its own to be awaited."""

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)


def openai(**settings: Any) -> OpenAIEmbeddings:
    return OpenAIEmbeddings(api_key=SecretStr("none"), **settings)


@pytest.mark.parametrize("kind", [Vectors, InBothForms])
def test_its_vectors_are_of_length_one_and_the_same_when_awaited(kind: type[Vectors]) -> None:
    given = kind()
    embedder = embedder_of(given)
    rows = embedder.embed(["a", "abc"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.array_equal(rows, asyncio.run(embedder.aembed(["a", "abc"])))  # remembered
    assert asyncio.run(embedder.aembed(["b"])).shape == (1, 2)
    here = threading.get_ident()
    assert [one == here for one in given.threads] == [True, kind is InBothForms]  # else the event loop would wait


def test_a_fingerprint_is_of_class_model_and_dimensions() -> None:
    prints = [
        embedder_of(one).fingerprint
        for one in (
            openai(model="text-embedding-3-small"),
            openai(model="text-embedding-3-large"),
            openai(model="text-embedding-3-small", dimensions=256),
            openai(model="text-embedding-3-small", base_url="http://localhost/v1"),
            Vectors(),
            Vectors("m"),
            InBothForms(),
            DeterministicFakeEmbedding(size=8),
            DeterministicFakeEmbedding(size=16),
        )
    ]
    assert len(set(prints)) == len(prints)
    assert embedder_of(openai(model="text-embedding-3-small", chunk_size=7)).fingerprint == prints[0]


def test_a_model_that_has_a_price_is_charged_and_no_other() -> None:
    priced = embedder_of(openai(model="text-embedding-3-small"))
    assert (priced.model, priced.provider) == ("text-embedding-3-small", "openai")
    assert embedder_of(Vectors("our-own-model")).model is None
    assert embedder_of(Vectors()).model is None


def test_a_question_beyond_what_it_reads_does_not_fit() -> None:
    assert embedder_of(openai()).fits("x" * 20_000)
    assert embedder_of(Vectors()).fits("x" * 700)
    assert not embedder_of(Vectors()).fits("x" * 1_000)


def test_ours_stays_as_it_is_and_anything_else_is_refused() -> None:
    ours = CallableEmbedder(lambda texts: [[1.0] for _ in texts], name="ours")
    assert embedder_of(ours) is ours
    with pytest.raises(UsageError, match="takes LangChain's Embeddings or a leanloop Embedder, not str"):
        embedder_of("text-embedding-3-small")  # type: ignore[arg-type]


def test_a_loop_takes_one_however_it_is_made(tmp_path: Any) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("agent: a\n")
    budget, given = Budget(agent="a"), Vectors()
    for loop in (
        LeanLoop(budget, embedder=given),
        LeanLoop.from_budget(budget, embedder=given, same_answer=str.__eq__),
        LeanLoop.from_file(path, embedder=given),
    ):
        assert loop.budget.agent == "a"
    with pytest.raises(UsageError, match="embedder takes"):
        LeanLoop(budget, embedder=3)  # type: ignore[arg-type]

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cache.embedder import Embedder
from leanloop.plugins.difficulty.words import WordVectors

WORDS = WordVectors()


def likeness(one: str, other: str) -> float:
    rows = WORDS.embed([one, other])
    return float(rows[0] @ rows[1])


@given(st.lists(st.text(max_size=300), max_size=4))
def test_every_text_has_a_direction(texts: list[str]) -> None:
    rows = WORDS.embed(texts)
    assert rows.shape == (len(texts), 512)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_numbers_and_capitals_make_no_difference() -> None:
    assert likeness("Add 12 and 7.", "add 3 and 99.") == pytest.approx(1)


def test_one_template_is_nearer_than_another_question() -> None:
    same = likeness("How many legs do 3 cows and 2 hens have?", "How many legs do 8 spiders and 5 hens have?")
    assert same > 0.5 > likeness("How many legs do 3 cows have?", "Translate this letter into French, please")


def test_words_without_spaces_are_compared_too() -> None:
    assert likeness("東京の人口は何人ですか", "大阪の人口は何人ですか") > 0.5


def test_it_is_an_embedder_that_costs_nothing_and_is_the_same_awaited() -> None:
    assert isinstance(WORDS, Embedder)
    assert WORDS.model is None
    assert WORDS.provider is None
    assert WORDS.fits("x" * 10**6)
    assert WordVectors(64).fingerprint != WORDS.fingerprint
    assert np.array_equal(asyncio.run(WORDS.aembed(["a b"])), WORDS.embed(["a b"]))


def test_it_is_the_same_in_every_process() -> None:
    assert np.flatnonzero(WORDS.embed(["reason"])[0]).tolist() == [12]

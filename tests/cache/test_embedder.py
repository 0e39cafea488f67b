# pyright: reportPrivateUsage=false
from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any, cast

import numpy as np
import pytest

from leanloop.errors import MissingExtra, UsageError
from leanloop.plugins.cache.embedder import CHARS_PER_TOKEN, CallableEmbedder, Embedder, unit_rows
from leanloop.plugins.cache.embedder_memo import MemoEmbedder
from leanloop.plugins.cache.local_embedder import local_embedder
from leanloop.plugins.cache.vector import BadVectorError


class Letters:
    """Counts letters, and remembers what it was asked for."""

    def __init__(self, width: int = 26) -> None:
        self.width = width
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> list[list[float]]:
        self.asked.append(texts)
        return [[1.0 + text.count(chr(97 + place)) for place in range(self.width)] for text in texts]


def test_a_function_gives_unit_rows_of_float32() -> None:
    embedder = CallableEmbedder(Letters(), name="letters")
    rows = embedder.embed(["abba", "cd"])
    assert isinstance(embedder, Embedder)
    assert rows.shape == (2, 26)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert embedder.model is None


def test_nothing_gives_no_rows() -> None:
    assert CallableEmbedder(Letters(), name="letters").embed([]).shape == (0, 0)
    assert MemoEmbedder(CallableEmbedder(Letters(), name="letters")).embed([]).shape == (0, 0)


def test_texts_go_in_batches() -> None:
    letters = Letters()
    CallableEmbedder(letters, name="letters", batch=2).embed(["a", "b", "c", "d", "e"])
    assert letters.asked == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_plain_function_is_awaited_on_a_thread() -> None:
    embedder = CallableEmbedder(Letters(), name="letters")
    assert np.array_equal(await embedder.aembed(["a", "b"]), embedder.embed(["a", "b"]))


async def test_an_awaited_function_is_used_where_there_is_one() -> None:
    letters, other = Letters(), Letters()

    async def awaited(texts: list[str]) -> list[list[float]]:
        await asyncio.sleep(0)
        return other(texts)

    await CallableEmbedder(letters, name="letters", awaited=awaited).aembed(["a"])
    assert (letters.asked, other.asked) == ([], [["a"]])


def test_a_coroutine_function_serves_plain_code_too() -> None:
    async def awaited(texts: list[str]) -> list[list[float]]:
        return Letters()(texts)

    assert CallableEmbedder(awaited, name="letters").embed(["a"]).shape == (1, 26)


async def test_a_coroutine_function_inside_a_running_loop_is_refused() -> None:
    async def awaited(texts: list[str]) -> list[list[float]]:
        return Letters()(texts)

    embedder = CallableEmbedder(awaited, name="letters")
    with pytest.raises(UsageError, match="ainvoke"):
        embedder.embed(["a"])
    assert (await embedder.aembed(["a"])).shape == (1, 26)


@pytest.mark.parametrize(
    "given",
    [
        [[1.0, float("nan")]],
        [[1.0, float("inf")]],
        [[0.0, 0.0]],
        [1.0, 2.0],
        [[1.0], [2.0]],
        [[]],
        [["a", "b"]],
        None,
        [[1.0, 2.0], [3.0]],
    ],
)
def test_what_is_no_table_of_numbers_is_refused(given: object) -> None:
    with pytest.raises(BadVectorError):
        CallableEmbedder(lambda texts: cast("Any", given), name="broken").embed(["a"])


def test_numbers_of_any_size_have_a_direction() -> None:
    rows = unit_rows([[1e300, 1e300], [1e-300, 0.0]], 2)
    assert np.allclose(rows, [[0.7071068, 0.7071068], [1.0, 0.0]])


def test_another_length_than_before_is_refused() -> None:
    letters = Letters()
    embedder = CallableEmbedder(letters, name="letters")
    embedder.embed(["a"])
    letters.width = 5
    with pytest.raises(BadVectorError, match="5 numbers"):
        embedder.embed(["a"])


def test_a_text_longer_than_it_reads_does_not_fit() -> None:
    embedder = CallableEmbedder(Letters(), name="letters", max_tokens=10)
    assert embedder.fits("x" * 10 * CHARS_PER_TOKEN)
    assert not MemoEmbedder(embedder).fits("x" * (10 * CHARS_PER_TOKEN + 1))


def test_another_name_is_another_fingerprint() -> None:
    one, other = (CallableEmbedder(Letters(), name=name) for name in ("letters 1", "letters 2"))
    assert one.fingerprint != other.fingerprint
    assert MemoEmbedder(one).fingerprint == one.fingerprint


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "a", "batch": 0}, {"name": "a", "max_tokens": 0}])
def test_an_embedder_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        CallableEmbedder(Letters(), **wrong)


def test_what_was_asked_for_is_remembered() -> None:
    letters = Letters()
    embedder = MemoEmbedder(CallableEmbedder(letters, name="letters", model="letters-1"))
    first = embedder.embed(["a", "b", "a"])
    again = embedder.embed(["b", "c", "a"])
    assert letters.asked == [["a", "b"], ["c"]]
    assert np.array_equal(first[0], again[2])
    assert embedder.model == "letters-1"


async def test_what_was_asked_for_is_remembered_when_awaited() -> None:
    letters = Letters()
    embedder = MemoEmbedder(CallableEmbedder(letters, name="letters"))
    await embedder.aembed(["a", "b"])
    await embedder.aembed(["b", "a"])
    assert letters.asked == [["a", "b"]]


def test_the_text_not_asked_for_longest_is_forgotten() -> None:
    letters = Letters()
    one = 4 + 26 * 4 + 200
    embedder = MemoEmbedder(CallableEmbedder(letters, name="letters"), max_bytes=2 * one)
    for text in ("a", "b", "a", "c", "a", "b"):
        embedder.embed([text])
    assert letters.asked == [["a"], ["b"], ["c"], ["b"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_a_forked_child_remembers_and_waits_for_no_thread_of_its_parent() -> None:
    letters = Letters()
    embedder = MemoEmbedder(CallableEmbedder(letters, name="letters"))
    embedder.embed(["a"])
    with embedder._lock:  # as another thread may have it
        child = os.fork()
        if not child:  # no test goes on in here
            signal.alarm(300)
            embedder.embed(["a", "b"])
            os._exit(0 if letters.asked == [["a"], ["b"]] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_local_one_needs_no_network() -> None:
    pytest.importorskip("wordllama")
    embedder = local_embedder()
    rows = embedder.embed(["How do I fix my phone?", "How do I repair my phone?", "Who wrote Hamlet?"])
    assert rows[0] @ rows[1] > 0.8 > rows[0] @ rows[2]
    assert embedder.fits("How do I fix my phone?")


def test_without_its_extra_the_local_one_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordllama", None)
    with pytest.raises(MissingExtra, match="local-embeddings"):
        local_embedder()

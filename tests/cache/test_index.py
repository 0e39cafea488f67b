"""The nearest vectors: what all compared would give, few or many, whatever comes and goes meanwhile."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from patience import PATIENCE

from leanloop.plugins.cache import index as index_module
from leanloop.plugins.cache import rows as rows_module
from leanloop.plugins.cache.index import FLAT, Index
from leanloop.plugins.cache.partitions import Partitions
from leanloop.plugins.cache.signs import BITS, distances, farthest, signs
from leanloop.plugins.cache.vector import BadVectorError, packed_vector, unit, unpacked_vector

Floats = NDArray[np.float32]


def clustered(count: int, dimension: int, centres: int, seed: int = 0) -> Floats:
    """Vectors in groups, away from the origin, as embedders give them."""
    random = np.random.default_rng(seed)
    middle = random.standard_normal((centres, dimension)) + random.standard_normal(dimension)
    made = middle[random.integers(0, centres, count)] + 0.7 * random.standard_normal((count, dimension))
    lengths: NDArray[np.float64] = np.linalg.norm(made, axis=1, keepdims=True)
    return np.asarray(made / lengths, np.float32)


def filled(vectors: Floats) -> Index:
    index = Index()
    for number, vector in enumerate(vectors):
        index.add(str(number), vector)
    return index


@given(
    st.lists(
        st.tuples(st.sampled_from("aaar"), st.integers(0, 30), st.lists(st.integers(-3, 3), min_size=3, max_size=3)),
        max_size=60,
    ),
    st.lists(st.integers(-3, 3), min_size=3, max_size=3).filter(any),
    st.integers(1, 4),
    st.sampled_from([-1.0, 0.0, 0.9]),
)
def test_any_comings_and_goings_leave_what_a_plain_list_would_hold(
    steps: list[tuple[str, int, list[int]]], asked: list[int], count: int, at_least: float
) -> None:
    index = Index()
    plain: dict[str, Floats] = {}
    for step, number, values in steps:
        key = str(number)
        if step == "r":
            assert index.remove(key) == (plain.pop(key, None) is not None)
        elif any(values):
            index.add(key, values)
            plain[key] = unit(values)
    assert len(index) == len(plain)
    assert set(index.keys()) == set(plain)
    found = index.nearest(asked, count=count, at_least=at_least)
    scores = sorted((float(vector @ unit(asked)) for vector in plain.values()), reverse=True)
    expected = [score for score in scores if score >= at_least + 1e-6][
        :count
    ]  # rounding may decide at the floor itself
    assert [score for _, score in found][: len(expected)] == pytest.approx(expected, abs=1e-6)
    assert all(score >= at_least for _, score in found)
    for key, score in found:
        assert float(plain[key] @ unit(asked)) == pytest.approx(score, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([8, 64, 100, 384]), st.sampled_from([1, 20, 500]))
def test_many_give_the_same_as_all_compared(seed: int, dimension: int, centres: int) -> None:
    vectors = clustered(FLAT + 200, dimension, centres, seed)
    index = filled(vectors)
    random = np.random.default_rng(seed)
    gone = set(random.choice(len(vectors), 300, replace=False).tolist())
    for number in gone:
        assert index.remove(str(number))
    left = np.array([n for n in range(len(vectors)) if n not in gone])
    for at_least in (-1.0, 0.7):
        for number in random.integers(0, len(vectors), 10):
            asked = unit(vectors[number] + 0.3 * random.standard_normal(dimension) / math.sqrt(dimension))
            best = float(np.max(vectors[left] @ asked))
            found = index.nearest(asked, at_least=at_least)
            if best >= at_least + 1e-5:
                assert found[0][1] == pytest.approx(best, abs=1e-5)


def test_what_is_unlike_all_is_compared_with_all() -> None:
    random = np.random.default_rng(1)
    vectors = random.standard_normal((FLAT + 100, 384)).astype(np.float32)
    index = filled(vectors)
    normal = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for _ in range(20):
        asked = unit(random.standard_normal(384))
        assert index.nearest(asked)[0][1] == pytest.approx(float(np.max(normal @ asked)), abs=1e-5)
        assert index.nearest(asked, at_least=0.8) == []


def test_thousands_of_equal_vectors_are_compared_with_all() -> None:
    index = filled(np.ones((FLAT + 50, 8), np.float32))
    assert index.nearest(np.ones(8))[0][1] == pytest.approx(1.0)
    assert len(index.nearest(np.ones(8), count=5)) == 5


def test_vectors_go_on_in_further_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rows_module, index_module):
        monkeypatch.setattr(module, "BLOCK", 64)
    monkeypatch.setattr(index_module, "FLAT", 300)
    vectors = clustered(1_000, 16, 40)
    index = filled(vectors)
    for number in (0, 63, 64, 500, 999):
        assert index.nearest(vectors[number])[0][1] == pytest.approx(1.0, abs=1e-5)
        assert index.vector(str(number)) == pytest.approx(vectors[number], abs=1e-6)
    for number in range(900):
        index.remove(str(number))
    assert len(index) == 100
    rows = index._rows
    assert rows is not None
    assert len(rows.keys) < 400  # what is no more in use was let go of
    assert index.nearest(vectors[950])[0][1] == pytest.approx(1.0, abs=1e-5)
    for number in range(900):
        index.add(str(number), vectors[number])
    assert index.nearest(vectors[5])[0][0] == "5"


def test_a_large_index_stays_large_when_it_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "FLAT", 100)
    vectors = clustered(1_000, 16, 40)
    index = filled(vectors)
    for number in range(800):
        index.remove(str(number))
    assert index.nearest(vectors[900])[0][1] == pytest.approx(1.0, abs=1e-5)


def test_rows_that_come_while_others_look_are_never_lost_or_mixed() -> None:
    vectors = clustered(6_000, 32, 300)
    index = filled(vectors[:1_000])
    wrong: list[object] = []
    ended = threading.Event()

    def look(first: int) -> None:
        number = first
        while not ended.is_set():
            number = (number + 7) % 1_000
            key, score = index.nearest(vectors[number])[0]
            if score < 0.99 or float(vectors[int(key) % 6_000] @ vectors[number]) < 0.99:
                wrong.append((number, key, score))

    lookers = [threading.Thread(target=look, args=(first,)) for first in range(2)]
    for looker in lookers:
        looker.start()
    for number in range(1_000, 6_000):
        index.add(str(number), vectors[number])
        if number % 3 == 0:
            index.remove(str(number))
    ended.set()
    for looker in lookers:
        looker.join(PATIENCE)
    assert not wrong
    assert len(index) == 1_000 + 5_000 - len(range(1_002, 6_000, 3))
    for number in range(1_000, 6_000, 50):
        assert (str(number) in index) == (number % 3 != 0)


@pytest.mark.parametrize(
    "vector", [[math.nan, 1.0], [math.inf, 1.0], [0.0, 0.0], [], ["x"], 5.0, [[1.0]], [10**400, 1], None]
)
def test_what_has_no_direction_is_refused(vector: object) -> None:
    index = Index()
    with pytest.raises(BadVectorError) as refusal:
        index.add("k", vector)  # type: ignore[arg-type]
    assert refusal.value.problem == "not_finite"
    assert len(index) == 0


def test_another_length_is_refused_while_there_is_anything_to_compare_with() -> None:
    index = Index()
    assert index.dimension is None
    assert index.nearest([1, 2]) == []
    assert not index.remove("k")
    assert index.vector("k") is None
    assert list(index.keys()) == []
    assert "k" not in index
    index.add("k", [1, 2])
    with pytest.raises(BadVectorError) as refusal:
        index.add("j", [1, 2, 3])
    assert (refusal.value.problem, str(refusal.value)) == (
        "dimension",
        "a vector of 3 numbers stands beside others of 2",
    )
    with pytest.raises(BadVectorError):
        index.nearest([1, 2, 3])
    index.remove("k")
    index.add("j", [1, 2, 3])
    assert index.dimension == 3


def test_any_numbers_become_float32_of_length_one() -> None:
    for values in ([3, 4], np.array([3e200, 4e200]), np.array([3e-200, 4e-200]), np.array([3, 4], np.float16)):
        vector = unit(values)
        assert vector.dtype == np.float32
        assert vector == pytest.approx([0.6, 0.8], abs=1e-3)
    assert unpacked_vector(packed_vector(unit([3, 4]))) == pytest.approx([0.6, 0.8], abs=1e-3)
    for damaged in (b"x", b"", np.array([np.nan, 1], "<f2").tobytes()):
        with pytest.raises(BadVectorError):
            unpacked_vector(damaged)


@pytest.mark.parametrize("cosine", [0.3, 0.6, 0.9, 0.99])
def test_bits_tell_an_angle_as_closely_as_is_said(cosine: float) -> None:
    random = np.random.default_rng(7)
    one = unit(random.standard_normal(128))
    others = random.standard_normal((20_000, 128))
    others -= np.outer(others @ one, one)
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    near = (cosine * one + math.sqrt(1 - cosine**2) * others).astype(np.float32)
    away = np.empty(len(near), np.uint16)
    distances(signs(near), signs(one[np.newaxis]), away)
    assert np.mean(away > farthest(cosine)) <= 1 / 1_000
    assert farthest(1.0) == 0
    assert farthest(-1.0) == BITS


def test_partitions_are_small_and_apart() -> None:
    partitions = Partitions()
    for number in range(100):
        partitions.add(f"c{number}", f"k{number}", unit([1.0, number]))
    assert partitions.nearest("c7", unit([1, 0]), count=9, at_least=-1.0)[0][0] == "k7"
    partitions.add("c7", "k8", unit([1.0, 0.0]))  # it moves
    assert partitions.nearest("c8", unit([1, 0]), count=9, at_least=-1.0) == []
    assert len(partitions) == 100
    for number in range(100):
        partitions.remove(f"k{number}")
        partitions.remove(f"k{number}")
    assert len(partitions) == 0
    assert partitions.vector("k7") is None


async def test_a_large_context_is_searched_on_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leanloop.plugins.cache.partitions._LARGE", 2)
    partitions = Partitions()
    for number in range(3):
        partitions.add("c", f"k{number}", unit([1.0, number]))
    assert (await partitions.anearest("c", unit([1, 0]), count=1, at_least=0.0))[0][0] == "k0"

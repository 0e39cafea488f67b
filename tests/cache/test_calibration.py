"""Thresholds that hold a promise, and what is known of hits while they are served."""

from __future__ import annotations

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cache.calibration import (
    Calibration,
    Trial,
    calibrated,
    calibration_key,
    least_lookups,
    lower,
    upper,
)
from leanloop.plugins.cache.live import Live, Record
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.steps import perform


def at_most(wrong: int, of: int, share: float) -> float:
    return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(wrong + 1))


@given(st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_bounds_are_those_of_the_binomial_distribution(counted: tuple[int, int]) -> None:
    wrong, of = counted
    high, low = upper(wrong, of), lower(wrong, of)
    assert 0 <= low <= wrong / of <= high <= 1
    if wrong < of:
        assert at_most(wrong, of, high) == pytest.approx(0.05, rel=1e-6)
    if wrong:
        assert 1 - at_most(wrong - 1, of, low) == pytest.approx(0.05, rel=1e-6)


def test_a_bound_breaks_its_promise_as_seldom_as_it_says() -> None:
    chance = random.Random(7)
    truth = 0.02
    broken = sum(upper(sum(chance.random() < truth for _ in range(300)), 300) < truth for _ in range(2_000))
    assert broken / 2_000 <= 0.06


def test_no_wrong_one_of_300_says_one_percent() -> None:
    assert upper(0, 300) == pytest.approx(0.00994, abs=1e-5)
    assert upper(0, least_lookups(0.001)) <= 0.001 < upper(0, least_lookups(0.001) - 1)


def test_the_lowest_threshold_that_holds_is_taken() -> None:
    right = [Trial(0.80 + n / 10_000, right=True) for n in range(1_000)]
    wrong = [Trial(0.70 + n / 10_000, right=False) for n in range(100)]
    found = calibrated([*right, *wrong, *[Trial(None, right=False)] * 3_000], promised=0.001, size=5_000)
    assert found.threshold is not None
    assert 0.709 < found.threshold < 0.801
    assert (found.served, found.wrong, found.lookups) == (1_000, 0, 4_100)
    assert found.bound <= 0.001


def test_a_few_wrong_ones_are_let_in_where_the_promise_allows() -> None:
    trials = [Trial(0.9, right=True)] * 500 + [Trial(0.8, right=False)] * 3 + [Trial(0.7, right=False)] * 900
    found = calibrated(trials, promised=0.01, size=10)
    assert (found.wrong, found.served) == (3, 503)
    assert found.threshold == pytest.approx(0.75)


def test_too_few_pairs_find_no_threshold() -> None:
    found = calibrated([Trial(0.9, right=True)] * 300, promised=0.001, size=300)
    assert found.threshold is None
    assert found.bound == pytest.approx(upper(0, 300))


@given(st.lists(st.tuples(st.sampled_from([None, 0.5, 0.6, 0.7, 0.8, 0.9]), st.booleans()), min_size=1, max_size=60))
def test_a_threshold_serves_what_was_counted(rows: list[tuple[float | None, bool]]) -> None:
    found = calibrated([Trial(score, right) for score, right in rows], promised=0.2, size=5)
    if found.threshold is None:
        assert found.served == 0
        return
    served = [right for score, right in rows if score is not None and score >= found.threshold]
    assert (len(served), served.count(False)) == (found.served, found.wrong)
    assert upper(found.wrong, len(rows)) <= 0.2


def test_it_is_kept_as_text() -> None:
    for found in (Calibration(0.9, 0.001, 0.0009, 4_000, 50, 0, 9), Calibration(None, 0.001, 0.01, 300, 0, 0, 9)):
        assert Calibration.read(found.text()) == found


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"threshold": 2}', '{"threshold": "0.9"}', "[" * 100_000])
def test_nonsense_is_no_calibration(text: str) -> None:
    assert Calibration.read(text) is None


def test_each_agent_embedder_and_policy_has_its_own() -> None:
    keys = {calibration_key(*names) for names in (("a", "e", "1"), ("b", "e", "1"), ("a", "f", "1"), ("a", "e", "2"))}
    assert len(keys) == 4


def test_a_promise_is_broken_when_it_is_sure() -> None:
    assert not Record().breaks(0.001)
    assert Record(1, 1).breaks(0.001)
    assert not Record(2_000, 1).breaks(0.001)
    assert Record(1_000, 5).breaks(0.001)


def test_what_one_process_finds_another_knows() -> None:
    store = MemoryCache()
    one, other = (Live(store, "a", "e", "1") for _ in range(2))
    perform(one.add(wrong=False))
    perform(other.add(wrong=True))
    assert perform(one.add(wrong=False)) == Record(3, 1)
    assert perform(Live(store, "a", "e", "1").record()) == Record(3, 1)
    assert perform(Live(store, "b", "e", "1").record()) == Record()


def test_a_damaged_record_counts_anew() -> None:
    store = MemoryCache()
    perform(Live(store, "a", "e", "1").add(wrong=True))
    (entry,) = store.scan()
    for reply in ("{", '{"checked": 1, "wrong": 2}', '{"checked": "1", "wrong": 0}'):
        store.put(type(entry)(entry.key, reply, entry.made_at, 60), max_bytes=10_000)
        assert perform(Live(store, "a", "e", "1").record()) == Record()

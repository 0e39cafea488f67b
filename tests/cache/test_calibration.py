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
    tried,
    upper,
)
from leanloop.plugins.cache.live import Live, Record, new_record, read_record
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
    right = [Trial(right=0.80 + n / 10_000, repeats=True) for n in range(1_000)]
    wrong = [Trial(wrong=0.70 + n / 10_000) for n in range(100)]
    found = calibrated([*right, *wrong, *[Trial()] * 3_000], promised=0.001, size=5_000)
    assert found.threshold is not None
    assert 0.709 < found.threshold < 0.801
    assert (found.served, found.repeats, found.wrong, found.lookups, found.size) == (1_000, 1_000, 0, 4_100, 5_000)
    assert found.bound == upper(0, 4_100)


def test_a_few_wrong_ones_are_let_in_where_the_promise_allows() -> None:
    trials = [Trial(right=0.9, repeats=True)] * 500 + [Trial(wrong=0.8)] * 3 + [Trial(wrong=0.7)] * 900
    found = calibrated(trials, promised=0.01, size=10)
    assert (found.wrong, found.served) == (3, 500)
    assert found.threshold == pytest.approx(0.75)


def test_of_wrong_ones_that_are_as_alike_all_are_let_in_or_none() -> None:
    trials = [Trial(right=0.9, repeats=True)] * 500 + [Trial(wrong=0.8)] * 50
    found = calibrated(trials, promised=0.02, size=10)
    assert (found.wrong, found.served) == (0, 500)
    assert found.threshold == pytest.approx(0.85)


def test_where_nothing_is_wrong_the_threshold_is_just_below_what_was_seen() -> None:
    found = calibrated([Trial(right=0.9, repeats=True), *[Trial()] * 400], promised=0.01, size=10)
    assert found.threshold is not None
    assert 0.9 - 1e-5 < found.threshold < 0.9


def test_too_few_pairs_find_no_threshold() -> None:
    found = calibrated([Trial(right=0.9, repeats=True)] * 300, promised=0.001, size=300)
    assert found.threshold is None
    assert found.bound == pytest.approx(upper(0, 300))
    assert calibrated([], promised=0.1, size=0).bound == 1


def test_where_the_most_alike_is_wrong_there_is_no_threshold() -> None:
    trials = [Trial(wrong=1.0)] * 10 + [Trial(right=0.9, repeats=True)] * 490
    assert calibrated(trials, promised=0.01, size=10).threshold is None
    assert calibrated([Trial()] * 1_000, promised=0.01, size=10).threshold is None


SCORES = st.sampled_from([None, 0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])


@given(st.lists(st.builds(Trial, SCORES, SCORES, st.just(True)), min_size=1, max_size=60), st.floats(0.05, 0.9))
def test_it_is_the_last_before_the_first_that_fails(trials: list[Trial], promised: float) -> None:
    found = calibrated(trials, promised=promised, size=5)
    scores = sorted({s for trial in trials for s in (trial.wrong, trial.right) if s is not None}, reverse=True)
    holding = None
    for score in scores:
        if tried(trials, score, promised=promised, size=5).bound > promised:
            break
        holding = score
    assert (found.threshold is None) == (holding is None)
    if holding is not None and found.threshold is not None:
        assert max((score for score in scores if score < holding), default=-1) < found.threshold <= holding
        expected = tried(trials, holding, promised=promised, size=5)
        assert (found.wrong, found.served, found.bound) == (expected.wrong, expected.served, expected.bound)


def test_the_promise_is_broken_by_one_set_of_pairs_in_twenty_at_most() -> None:
    """Where the truth is known: a question is answered wrongly at a threshold with the chance (1 - threshold) / 4."""
    chance = random.Random(11)
    broken = 0
    for _ in range(1_500):
        scores = [chance.random() if chance.random() < 0.25 else None for _ in range(300)]
        trials = [Trial(wrong=score) for score in scores] + [Trial(right=chance.random(), repeats=True)]
        found = calibrated(trials, promised=0.05, size=10)
        assert found.threshold is not None
        truth = (1 - found.threshold) / 4
        assert (truth > 0.05) <= (truth > found.bound)
        broken += truth > found.bound
    assert 0.02 < broken / 1_500 <= 0.06


def test_how_many_lookups_it_takes_with_some_wrong() -> None:
    for wrong in range(6):
        least = least_lookups(0.01, wrong)
        assert upper(wrong, least) <= 0.01 < upper(wrong, least - 1)


def test_it_is_kept_as_text() -> None:
    full = Calibration(0.9, 0.001, 0.0009, 4_000, 50, 0, 9, 60, "support", "wordllama", "ab12")
    for found in (full, Calibration(None, 0.001, 0.01, 300, 0, 0, 9)):
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
    assert perform(one.add(wrong=False)) == Record(3, 1, agent="a", embedder="e")
    assert perform(Live(store, "a", "e", "1").record()) == Record(3, 1, agent="a", embedder="e")
    assert perform(Live(store, "b", "e", "1").record()) == Record(agent="b", embedder="e")


def test_after_a_new_calibration_every_process_begins_a_new_record() -> None:
    store = MemoryCache()
    one = Live(store, "a", "e", "1")
    perform(one.add(wrong=True))
    store.put(new_record("a", "e", "1", 1_800_000_000.0), max_bytes=10_000)
    assert perform(one.add(wrong=False)) == Record(1, 0, 1_800_000_000.0, "a", "e")
    (entry,) = store.scan()
    assert read_record(entry.reply) == Record(1, 0, 1_800_000_000.0, "a", "e")


def test_a_damaged_record_counts_anew() -> None:
    store = MemoryCache()
    perform(Live(store, "a", "e", "1").add(wrong=True))
    (entry,) = store.scan()
    for reply in ("{", '{"checked": 1, "wrong": 2}', '{"checked": "1", "wrong": 0}'):
        store.put(type(entry)(entry.key, reply, entry.made_at, 60), max_bytes=10_000)
        assert perform(Live(store, "a", "e", "1").record()) == Record(agent="a", embedder="e")

# pyright: reportPrivateUsage=false
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.budgets.ratio import LearnedRatio

COUNTS = st.integers(min_value=1, max_value=200_000)


def test_before_any_report_the_priors_hold() -> None:
    ratio = LearnedRatio(1.2, 2.5)
    assert (ratio.mean, ratio.upper, ratio.bound(1000)) == (1.2, 2.5, 2500)


@settings(deadline=None)
@given(st.lists(st.tuples(COUNTS, st.floats(min_value=0.2, max_value=7)), max_size=80), COUNTS, st.floats(0.2, 7))
def test_a_call_like_the_last_one_stays_within_the_bound(
    before: list[tuple[int, float]], counted: int, factor: float
) -> None:
    ratio = LearnedRatio(1.2, 2.5)
    for count, each in before:
        ratio.observe(count, round(count * each))
    reported = round(counted * factor)
    ratio.observe(counted, reported)
    assert ratio.bound(counted) >= reported


def test_smaller_reports_tighten_the_bound_slowly() -> None:
    ratio = LearnedRatio(1.2, 2.5)
    bounds = [ratio.upper]
    for _ in range(60):
        ratio.observe(5_000, 5_500)
        bounds.append(ratio.upper)
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[1] > 2
    assert 1.1 <= bounds[-1] < 1.25
    assert ratio.mean == pytest.approx(1.1, abs=0.01)


def test_a_larger_report_raises_the_bound_at_once_and_for_a_while() -> None:
    ratio = LearnedRatio(1.0, 1.0)
    ratio.observe(10_000, 15_000)
    for _ in range(63):
        ratio.observe(10_000, 10_000)
    assert ratio.upper >= 1.5
    ratio.observe(10_000, 10_000)
    for _ in range(40):
        ratio.observe(10_000, 10_000)
    assert ratio.upper < 1.5


@pytest.mark.parametrize(
    ("counted", "reported"), [(0, 10), (-5, 10), (10, 0), (10, -1), (1000, 8001), (1000, 100), (10, 5000)]
)
def test_nonsense_teaches_nothing(counted: int, reported: int) -> None:
    ratio = LearnedRatio(1.2, 2.5)
    ratio.observe(counted, reported)
    assert (ratio.mean, ratio.upper, ratio.extra) == (1.2, 2.5, 0)


def test_a_short_call_with_a_fixed_overhead_does_not_inflate_long_ones() -> None:
    ratio = LearnedRatio(1.0, 1.0)
    ratio.observe(10, 360)
    assert ratio.bound(10) == 360
    assert ratio.bound(100_000) == 100_350


def test_a_large_call_weighs_more_than_a_small_one() -> None:
    small, large = LearnedRatio(1.0, 2.0), LearnedRatio(1.0, 2.0)
    small.observe(600, 1200)
    large.observe(40_000, 80_000)
    assert 1.0 < small.mean < large.mean < 2.0


def test_threads_lose_no_report() -> None:
    ratio = LearnedRatio(1.0, 1.0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ratio.observe, [1000] * 60, range(1000, 1060)))
    assert len(ratio._factors) == 60
    assert ratio.upper >= 1.059

from __future__ import annotations

from math import comb, exp, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.difficulty.beta import beta_cdf

SHAPES = st.floats(min_value=1e-3, max_value=5_000)
SHARES = st.floats(min_value=0.001, max_value=0.999)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1))
def test_of_whole_numbers_it_is_the_tail_of_a_binomial(a: int, b: int, x: float) -> None:
    trials = a + b - 1
    tail = sum(comb(trials, k) * x**k * (1 - x) ** (trials - k) for k in range(a, trials + 1))
    assert isclose(beta_cdf(x, a, b), tail, rel_tol=1e-8, abs_tol=1e-10)


@given(SHAPES, SHARES)
def test_with_one_shape_of_1_it_has_a_closed_form(b: float, share: float) -> None:
    assert isclose(beta_cdf(share, 1, b), 1 - (1 - share) ** b, rel_tol=1e-6, abs_tol=1e-9)


@given(SHARES, SHAPES, SHAPES)
def test_mirrored_shapes_are_mirrored(share: float, a: float, b: float) -> None:
    assert isclose(beta_cdf(share, a, b), 1 - beta_cdf(1 - share, b, a), abs_tol=1e-6)


@given(SHAPES, SHAPES, st.floats(0, 1), st.floats(0, 1))
def test_more_is_below_a_larger_number(a: float, b: float, x: float, other: float) -> None:
    low, high = sorted((x, other))
    assert -1e-12 <= beta_cdf(low, a, b) <= beta_cdf(high, a, b) + 1e-9 <= 1 + 1e-8


def test_large_shapes_are_near_the_normal_distribution() -> None:
    assert beta_cdf(0.5 + 1.6449 * 0.5 / 10_001**0.5, 5_000, 5_000) == pytest.approx(0.95, abs=1e-4)


def test_what_is_outside_of_0_and_1_is_certain() -> None:
    assert (beta_cdf(-1, 2, 3), beta_cdf(0, 2, 3), beta_cdf(1, 2, 3), beta_cdf(2, 2, 3)) == (0, 0, 1, 1)
    assert beta_cdf(exp(-700), 1e-3, 1e-3) == pytest.approx(0.25, abs=0.02)


def test_shapes_beyond_what_is_ever_counted_end_too() -> None:
    assert 0 <= beta_cdf(0.5, 1e8, 1e8) <= 1

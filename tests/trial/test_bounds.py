from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.trial.bounds import Differences, least_pairs, mean_interval, share_interval
from leanloop.plugins.trial.paired_test import paired_p


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I: 81 of 263, 15 of 148, 0 of 20 and 1 of 29.
    for successes, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = share_interval(successes, of)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert [round(one, 4) for one in share_interval(1, 29)[1:]] == [0.0061, 0.1718]


def test_nothing_is_known_of_nothing() -> None:
    assert share_interval(0, 0)[1:] == (0.0, 1.0)
    assert mean_interval([])[1:] == mean_interval([3.0])[1:] == (-math.inf, math.inf)
    assert mean_interval([3.0]).estimate == 3.0
    assert Differences(0, 0, 0).most() == 1.0
    assert Differences(0, 0, 0).interval()[1:] == (-1.0, 1.0)
    assert math.isnan(Differences(0, 0, 0).mean)


def test_the_interval_of_paired_differences_is_tangos() -> None:
    # Bentur et al. 2009, 1 and 7 of 21: Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014) 2850.
    found = Differences(21, 1, 7).interval()
    assert [round(one, 3) for one in found] == [-0.286, -0.517, -0.026]


@given(st.integers(1, 500), st.data())
def test_a_bound_of_paired_differences_solves_the_score_equation(of: int, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, of))
    won = data.draw(st.integers(0, of - lost))
    differences = Differences(of, lost, won)
    high = differences.most()
    assert differences.mean <= high <= 1
    assert differences.at_most(min(1.0, high + 1e-6)) or high > 1 - 1e-9
    assert not differences.at_most(high - 1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_differences_add_up_and_turn_round(pairs: list[tuple[float, float]]) -> None:
    found = Differences.between(pairs)
    turned = Differences.between((second, first) for first, second in pairs)
    assert found.mean == pytest.approx(sum(a - b for a, b in pairs) / len(pairs), abs=1e-9)
    assert (turned.lost, turned.won) == (found.won, found.lost)
    assert found.interval().low == pytest.approx(-turned.interval().high, abs=1e-9)


def test_without_a_difference_the_bound_needs_so_many_pairs() -> None:
    assert (least_pairs(0.02), least_pairs(0.04)) == (133, 65)
    assert least_pairs(1e-310) == sys.maxsize  # and no overflow
    for most in (0.001, 0.02, 0.04, 0.5):
        least = least_pairs(most)
        assert Differences(least, 0, 0).at_most(most)
        assert not Differences(least - 1, 0, 0).at_most(most)


@pytest.mark.parametrize("of", [50, 100, 200, 1000])
@pytest.mark.parametrize("most", [0.02, 0.04])
@pytest.mark.parametrize("also", [0.0, 0.02, 0.1])
def test_the_bound_holds_19_times_in_20(of: int, most: float, also: float) -> None:
    """4,000 sets from a population that loses just as much as promised: at most 6.5 % of them may be believed to lose
    less, three standard errors above 5.5 %.
    """
    random = np.random.default_rng(1)
    sets = random.multinomial(of, [most + also / 2, also / 2, 1 - most - also], size=4_000)
    believed = [Differences(of, int(lost), int(won)).at_most(most) for lost, won, _ in sets]
    assert np.mean(believed) <= 0.065


@pytest.mark.parametrize("of", [100, 400])
def test_the_bound_holds_for_scores_in_parts(of: int) -> None:
    random = np.random.default_rng(2)
    believed: list[bool] = []
    for _ in range(2_000):
        differ = random.random(of) < 0.1
        losses = np.where(differ, random.random(of) * 1.4 - 0.4, 0.0)  # 0.3 where they differ, 0.03 in the mean
        pairs = [(max(0.0, float(x)), max(0.0, -float(x))) for x in losses]
        believed.append(Differences.between(pairs).at_most(0.03))
    assert np.mean(believed) <= 0.065


def test_the_interval_of_a_mean_covers() -> None:
    random = np.random.default_rng(3)
    inside = 0
    for _ in range(1_000):
        found = mean_interval([float(x) for x in random.exponential(1.0, 200)])
        inside += found.low <= 1.0 <= found.high
    assert inside >= 915


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_paired_test_of_right_and_wrong_is_the_exact_sign_test(above: int, below: int) -> None:
    of = above + below
    tail = sum((Fraction(math.comb(of, k), 2**of) for k in range(min(above, below) + 1)), Fraction(0))
    assert paired_p([1.0] * above + [-1.0] * below + [0.0] * 5) == pytest.approx(float(min(Fraction(1), 2 * tail)))


def test_the_paired_test_of_many_differences_neither_overflows_nor_vanishes() -> None:
    assert paired_p([1.0] * 5_000 + [-1.0] * 5_000) == 1.0
    assert 0.0 <= paired_p([1.0] * 20_000) < 1e-300


def test_the_paired_test_of_scores_in_parts_flips_signs() -> None:
    assert paired_p([0.5, 0.25, 0.75, 0.5, 0.125, 0.5, 1.0, 0.25]) == pytest.approx(2 / 256, abs=0.003)
    assert paired_p([0.5, -0.25, -0.25]) == 1.0


def test_the_paired_test_is_right_as_often_as_it_says_where_nothing_differs() -> None:
    random = np.random.default_rng(4)
    found = [paired_p(random.uniform(-1, 1, 20)) for _ in range(300)]
    assert sum(p <= 0.05 for p in found) <= 30  # 15 expected

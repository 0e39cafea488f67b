from __future__ import annotations

import math

import pytest

from leanloop.plugins.trial.comparison import Answered, against, summed_up


def test_failed_calls_count_neither_as_right_nor_as_wrong_but_cost() -> None:
    found = summed_up("m", [Answered(1.0, 10, 1.0), Answered(0.0, 10, 3.0), Answered(None, 100, 9.0)])
    assert (found.asked, found.failed) == (3, 1)
    assert found.accuracy.estimate == 0.5
    assert found.cost is not None
    assert found.cost.estimate == 40
    assert found.cost.low == 0
    assert found.cost_of_right == 120
    assert found.seconds == (2.0, 3.0)


def test_what_is_not_known_is_not_said() -> None:
    found = summed_up("m", [Answered(None)])
    assert (found.cost, found.cost_of_right, found.seconds) == (None, None, None)
    assert math.isnan(found.accuracy.estimate)
    assert found.accuracy[1:] == (0.0, 1.0)
    partly = summed_up("m", [Answered(1.0, 10), Answered(1.0)])
    assert (partly.cost and partly.cost.estimate, partly.cost_of_right) == (10, None)
    assert summed_up("m", [Answered(0.0, 10)]).cost_of_right is None


def test_the_95th_percentile_is_the_nearest_rank() -> None:
    found = summed_up("m", [Answered(1.0, None, float(second)) for second in range(1, 101)])
    assert found.seconds == (50.5, 95.0)


def test_settings_are_compared_on_what_both_have_answered() -> None:
    answered = {
        "a": {"1": Answered(0.0, 5), "2": Answered(1.0, 5), "3": Answered(0.0, 5), "4": Answered(None, 5)},
        "b": {"1": Answered(1.0, 9), "2": Answered(0.5, 9), "3": Answered(None, 9), "5": Answered(1.0, 9)},
    }
    found = against("b", "a", answered)
    assert (found.pairs, found.better, found.worse) == (2, 1, 1)
    assert found.difference.estimate == pytest.approx(0.25)
    assert found.cost is not None
    assert found.cost.estimate == 4
    assert found.p == 1.0


def test_without_a_pair_nothing_is_known() -> None:
    found = against("b", "a", {"a": {"1": Answered(1.0)}, "b": {"2": Answered(1.0)}})
    assert (found.pairs, found.p, found.cost) == (0, 1.0, None)
    assert found.difference[1:] == (-1.0, 1.0)
    priced = against("b", "a", {"a": {"1": Answered(1.0, 5)}, "b": {"1": Answered(1.0)}})
    assert priced.cost is None

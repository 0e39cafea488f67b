from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanloop.budgets.experiment_rules import ExperimentRules
from leanloop.plugins.trial.arms import Arm, Arms
from leanloop.plugins.trial.sequential import cost_difference, score_difference
from leanloop.plugins.trial.verdict import judged

RULES = ExperimentRules(of="thinking", least=20)


def arm(tasks: int, mean: float, cost: float = 0.0, deviation: float = 0.0) -> Arm:
    squares = tasks * cost**2 + max(0, tasks - 1) * deviation**2
    return Arm(tasks, tasks * mean, tasks, tasks * cost, squares)


def test_of_nothing_anything_may_be() -> None:
    assert score_difference(Arm(), arm(5, 0.5))[1:] == (-1.0, 1.0)
    assert cost_difference(arm(1, 0.5, 1.0), arm(5, 0.5))[1:] == (-math.inf, math.inf)
    assert (Arm().mean_score, Arm().mean_cost, Arm(1, 1, 1, 1.0, 1.0).cost_variance) == (0.0, None, 0.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1))
def test_the_bounds_hold_the_estimate_and_turn_round(first: int, second: int, one: float, other: float) -> None:
    found = score_difference(arm(first, one), arm(second, other))
    turned = score_difference(arm(second, other), arm(first, one))
    assert -1 <= found.low <= found.estimate + 1e-9
    assert found.estimate - 1e-9 <= found.high <= 1
    assert found.low == pytest.approx(-turned.high, abs=1e-6)


def test_bounds_close_in_as_tasks_are_counted() -> None:
    widths = [(found := score_difference(arm(n, 0.8), arm(n, 0.8))).high - found.low for n in (20, 200, 2_000, 20_000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.05


def test_scores_that_do_not_differ_are_seldom_told_apart_however_often_one_looks() -> None:
    """150 experiments of 300 tasks each way, looked at 10 times: one in twenty may go wrong."""
    random = np.random.default_rng(6)
    looks = (20, 30, 45, 60, 80, 110, 150, 200, 250, 300)
    wrong = 0
    for _ in range(150):
        on, off = (np.cumsum(random.random(300) < 0.8) for _ in range(2))
        for look in looks:
            found = score_difference(Arm(look, float(on[look - 1])), Arm(look, float(off[look - 1])))
            if not found.low <= 0 <= found.high:
                wrong += 1
                break
    assert wrong <= 8


def test_costs_that_do_not_differ_are_seldom_told_apart_however_often_one_looks() -> None:
    random = np.random.default_rng(7)
    wrong = 0
    for _ in range(400):
        costs = random.exponential(0.01, (2, 600))
        sums, squares = np.cumsum(costs, axis=1), np.cumsum(costs**2, axis=1)
        for look in range(50, 601, 25):
            on, off = (Arm(look, 0, look, float(sums[way, look - 1]), float(squares[way, look - 1])) for way in (0, 1))
            found = cost_difference(on, off)
            if not found.low <= 0 <= found.high:
                wrong += 1
                break
    assert wrong <= 32


@pytest.mark.parametrize(
    ("on", "off", "better", "why"),
    [
        (arm(2_000, 0.6, 0.01, 0.001), arm(2_000, 0.9, 0.02, 0.001), "off", "scores fall by more than 2 points"),
        (arm(2_000, 0.9, 0.02, 0.001), arm(2_000, 0.6, 0.01, 0.001), "on", "scores rise by more than 2 points"),
        (arm(20_000, 0.9, 0.01, 0.001), arm(20_000, 0.9, 0.02, 0.001), "on", "cheaper and scores fall by no more"),
        (arm(20_000, 0.9, 0.02, 0.001), arm(20_000, 0.9, 0.01, 0.001), "off", "dearer and scores rise by no more"),
        (arm(20_000, 0.9, 0.01, 0.001), arm(20_000, 0.9, 0.01, 0.001), None, "nothing is sure yet"),
        (arm(200, 0.9, 0.01, 0.001), arm(200, 0.9, 0.02, 0.001), None, "nothing is sure yet"),
        (arm(19, 1.0), arm(2_000, 0.1), None, "19 and 2,000 tasks with and without it are scored; it takes 20"),
    ],
)
def test_what_is_sure_decides(on: Arm, off: Arm, better: str | None, why: str) -> None:
    verdict = judged(Arms(on, off), RULES)
    assert verdict.better == better
    assert why in verdict.why

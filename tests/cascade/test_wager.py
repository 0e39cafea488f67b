"""What a cascade saves is told from chance, however often one looks."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.cascade.wager import PROVED, Stakes

TRIAL = 200


def proves(draw: Callable[[random.Random], float], seed: int, calls: int = 400) -> tuple[bool, bool]:
    """Whether somebody who looks after every call ever sees it proved that it saves, and that it loses."""
    dice, total, squares, won, lost = random.Random(seed), 0.0, 0.0, 0.0, 0.0
    saves = loses = False
    for n in range(calls):
        stakes, saved = Stakes.of(n, total, squares, won, expected=0.2), draw(dice)
        played = stakes.play(saved)
        won, lost = won + played.won, lost + played.lost
        total, squares = total + saved, squares + saved * saved
        saves, loses = saves or won >= PROVED, loses or lost >= PROVED
    return saves, loses


def skewed(dice: random.Random) -> float:
    """Mean 0: mostly a small gain, now and then a large loss."""
    return -1.8 if dice.random() < 0.1 else 0.2


def even(dice: random.Random) -> float:
    return 0.82 if dice.random() < 0.2 / 1.02 else -0.2


def narrow(dice: random.Random) -> float:
    return dice.gauss(0, 0.5)


def wide(dice: random.Random) -> float:
    return dice.gauss(-0.05, 1)


@pytest.mark.parametrize("draw", [skewed, even, narrow, wide])
def test_what_saves_nothing_is_hardly_ever_taken_for_saving(draw: Callable[[random.Random], float]) -> None:
    wrong = sum(proves(draw, seed)[0] for seed in range(400))
    assert wrong <= 0.05 * 400


@pytest.mark.parametrize("draw", [narrow, even])
def test_what_loses_nothing_is_hardly_ever_taken_for_losing(draw: Callable[[random.Random], float]) -> None:
    assert sum(proves(draw, seed)[1] for seed in range(400)) <= 0.05 * 400


def test_what_saves_a_third_is_known_to_before_the_trial_ends() -> None:
    found = [proves(lambda dice: 0.85 if dice.random() < 0.48 else -0.15, seed, TRIAL)[0] for seed in range(100)]
    assert sum(found) >= 98


def test_what_loses_a_third_is_known_to_long_before() -> None:
    found = [proves(lambda dice: 0.2 if dice.random() < 0.48 else -0.9, seed, TRIAL // 2)[1] for seed in range(100)]
    assert sum(found) >= 98


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=60),
    st.floats(-3, 1),
)
def test_whatever_was_saved_the_stakes_are_a_share_and_the_winnings_capped(saved: list[float], expected: float) -> None:
    total = squares = won = 0.0
    for n, one in enumerate(saved):
        stakes = Stakes.of(n, total, squares, won, expected)
        assert 0 <= stakes.on_saving <= 0.25
        assert 0 <= stakes.on_loss <= 0.25
        assert stakes.on_saving * stakes.on_loss == 0
        played = stakes.play(one)
        assert math.isfinite(played.won)
        assert math.isfinite(played.lost)
        won += played.won
        assert won <= PROVED + 8 + 1e-9
        total, squares = total + one, squares + one * one

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.difficulty.posterior import ARMS, PRIOR, Belief, Level, Seen, believed
from leanloop.plugins.difficulty.unpaired import fixed_by_rates

CHANCES = st.floats(0, 1)
STRENGTHS = st.floats(1e-3, 2_000)


@st.composite
def seen(draw: st.DrawFn) -> Seen:
    weight = draw(st.floats(0, 1_000))
    again = draw(st.floats(0, weight))
    return Seen(
        weight,
        draw(st.floats(0, 1)) * weight,
        draw(st.floats(0, weight)),
        again,
        draw(st.floats(0, 1)) * again,
    )


LEVELS = st.lists(st.builds(Level, seen(), seen(), seen()), min_size=1, max_size=5)


@given(LEVELS, st.lists(st.floats(0.2, 5), max_size=5))
def test_what_is_believed_is_a_chance_between_its_bounds(levels: list[Level], odds: list[float]) -> None:
    belief = believed(levels, odds)
    low, high = belief.bounds()
    assert 0 <= low <= belief.mean <= high <= 1
    assert belief.strength > 0


@given(CHANCES, CHANCES, STRENGTHS)
def test_bounds_rise_with_the_mean(one: float, other: float, strength: float) -> None:
    less, more = sorted((one, other))
    of_less, of_more = Belief(less, strength).bounds(), Belief(more, strength).bounds()
    assert of_less[0] <= of_more[0] + 0.01
    assert of_less[1] <= of_more[1] + 0.01


@given(st.floats(0.05, 0.95), st.floats(2, 200), st.floats(2, 10))
def test_less_data_is_a_wider_interval(mean: float, strength: float, times: float) -> None:
    narrow, wide = Belief(mean, strength * times).bounds(), Belief(mean, strength).bounds()
    assert wide[1] - wide[0] >= narrow[1] - narrow[0] - 0.02


@given(st.integers(0, 50), st.integers(0, 50), LEVELS)
def test_more_successes_are_a_higher_chance(one: int, other: int, above: list[Level]) -> None:
    fewer, more = (believed([*above, Level(Seen(50, score))]).mean for score in sorted((one, other)))
    assert fewer <= more


@given(st.lists(st.tuples(st.floats(0.5, 500), CHANCES), min_size=1, max_size=5), st.floats(0, 1), st.floats(0, 50))
def test_a_kind_is_never_believed_to_be_beyond_all_that_was_seen_and_the_prior(
    parts: list[tuple[float, float]], again: float, kinds: float
) -> None:
    weight = score = 0.0
    levels: list[Level] = []
    for more, share in reversed(parts):  # each level holds what the one below it holds
        weight, score = weight + more, score + more * share
        levels.insert(0, Level(Seen(weight, score, kinds, again * weight, again * score)))
    found = believed(levels).mean
    hull = [PRIOR.mean, *(share for _, share in parts)]
    assert min(hull) - 1e-6 <= found <= max(hull) + 1e-6


def test_of_nothing_the_prior_is_believed_and_hardly() -> None:
    low, high = believed([]).bounds()
    assert (believed([]), low) == (PRIOR, 0.0)
    assert high == 0.79
    assert believed([Level()] * 4) == PRIOR


def test_the_priors_of_the_settings_and_of_the_pair_agree() -> None:
    assert fixed_by_rates(*ARMS)[0] == pytest.approx(PRIOR.mean, abs=0.01)


def test_odds_move_what_is_believed_before_anything_is_seen_and_less_afterwards() -> None:
    assert believed([Level()], [2.0]).mean > PRIOR.mean > believed([Level()], [0.5]).mean
    many = Level(Seen(500, 50))
    assert believed([many], [2.0]).mean == pytest.approx(believed([many]).mean, abs=0.001)


def test_kinds_that_are_all_alike_tell_of_one_never_seen_and_kinds_that_differ_do_not() -> None:
    alike = Level(Seen(400, 200, kinds=40, again=360, product=90))  # the mean of squares is the square of the mean
    apart = Level(Seen(400, 200, kinds=40, again=360, product=180))  # every kind is 0 or 1
    near, far = believed([alike, Level()]).bounds(), believed([apart, Level()]).bounds()
    assert near[0] > 0.2
    assert near[1] < 0.8
    assert far == (0.0, 1.0)


def test_many_outcomes_of_one_kind_say_little_of_the_kind_above() -> None:
    one = believed([Level(Seen(500, 450, kinds=1, again=499, product=404)), Level()])
    many = believed([Level(Seen(500, 450, kinds=100, again=400, product=324)), Level()])
    assert one.bounds()[0] < many.bounds()[0]


@pytest.mark.parametrize("shapes", [(0.4, 1.6), (0.8, 0.8), (2.0, 6.0)])
def test_the_interval_of_a_kind_never_seen_covers(shapes: tuple[float, float]) -> None:
    source = random.Random(3)
    below = above = 0
    draws = 300
    for _ in range(draws):
        *known, unseen = (source.betavariate(*shapes) for _ in range(41))
        low, high = believed([Level(_outcomes(known, 20, source)), Level()]).bounds()
        below += unseen < low
        above += unseen > high
    assert below / draws <= 0.06
    assert above / draws <= 0.06


def _outcomes(chances: list[float], each: int, source: random.Random) -> Seen:
    weight = score = again = product = 0.0
    for chance in chances:
        before = 0.0
        for place in range(each):
            came = float(source.random() < chance)
            weight, score = weight + 1, score + came
            if place:
                again, product = again + 1, product + came * before / place
            before += came
    return Seen(weight, score, float(len(chances)), again, product)


def test_one_kind_alone_tells_little_of_another_however_many_levels_it_stands_in() -> None:
    only = Level(Seen(30, 30, kinds=1, again=29, product=29))
    assert believed([only, only, only, Level()]).bounds()[0] < 0.1
    assert believed([only, only, only, Level()]) == believed([only, Level()])
    assert believed([only, only, only, only]).bounds()[0] > 0.9


def test_what_both_settings_were_tried_on_is_not_counted_again_for_each() -> None:
    pair = Seen(50, 25, 0, 0, 0)
    with_arms = Level(pair, cheap=Seen(50, 10), dear=Seen(50, 45))
    assert believed([with_arms]) == believed([Level(pair)])
    assert with_arms.weight == 50
    assert Level(pair, cheap=Seen(60, 10), dear=Seen(50, 45)).weight == 60


def test_unpaired_outcomes_are_worth_fewer_than_pairs() -> None:
    pairs = believed([Level(Seen(100, 50))])
    rates = believed([Level(cheap=Seen(100, 30), dear=Seen(100, 80))])
    assert rates.mean == pytest.approx(0.5, abs=0.06)
    assert 1 < rates.strength < pairs.strength


def test_where_the_cheaper_always_succeeds_nothing_can_be_fixed_whatever_the_dearer_does() -> None:
    low, high = believed([Level(cheap=Seen(100, 100))]).bounds()
    assert (low, high) <= (0.0, 0.05)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.plugins.difficulty.unpaired import fixed_by_rates

RATES = st.floats(0, 1)
STRENGTHS = st.floats(0.01, 10_000)


@given(RATES, RATES, STRENGTHS, STRENGTHS)
def test_it_is_within_what_the_rates_allow(cheap: float, dear: float, one: float, other: float) -> None:
    fixed, worth = fixed_by_rates((cheap, one), (dear, other))
    assert max(0.0, dear - cheap) - 1e-12 <= fixed <= min(dear, 1 - cheap) + 1e-12
    assert worth >= 0


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), STRENGTHS)
def test_more_outcomes_are_never_worth_less(cheap: float, dear: float, strength: float) -> None:
    few, many = (fixed_by_rates((cheap, worth), (dear, worth))[1] for worth in (strength, strength * 2))
    assert few <= many


def test_however_many_outcomes_are_worth_few_pairs_while_the_rates_leave_it_open() -> None:
    fixed, worth = fixed_by_rates((0.5, 1e9), (0.5, 1e9))  # from none of it to half of it
    assert fixed == pytest.approx(0.125)
    assert worth == pytest.approx(0.125 * 0.875 / (0.5**2 / 12) - 1, rel=1e-3)


def test_certain_rates_that_leave_nothing_open_have_no_variance_to_count() -> None:
    assert fixed_by_rates((1.0, 5.0), (1.0, 5.0)) == (0.0, 0.0)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.degrade_step import EFFORTS
from leanloop.plugins.difficulty.estimate import Estimate, Side
from leanloop.plugins.difficulty.setting import Setting


@pytest.mark.parametrize(
    ("low", "high", "side"),
    [(0.4, 0.9, "above"), (0.1, 0.2, "below"), (0.1, 0.9, "unsure"), (0.3, 0.3, "below"), (0.3, 0.4, "unsure")],
)
def test_it_is_on_a_side_only_with_both_bounds(low: float, high: float, side: Side) -> None:
    assert Estimate((low + high) / 2, low, high).side(0.3) == side


@given(st.text(alphabet="abc/:-. ", min_size=1), st.none() | st.sampled_from(EFFORTS))
def test_a_setting_is_read_as_it_was_written(model: str, effort: object) -> None:
    made = Setting(model, effort)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert Setting.read(str(made)) == made


@pytest.mark.parametrize("text", ["llama@home", "@high", "a@b@c"])
def test_what_is_no_effort_belongs_to_the_models_name(text: str) -> None:
    assert Setting.read(text) == Setting(text)

"""Calendar windows, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.limit import Window
from leanloop.budgets.window import window_at

DAY = 86_400.0
CALENDAR: list[Window] = ["minute", "hour", "day", "week", "month"]
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("window", "label", "left"),
    [
        ("task", "", 0),
        ("minute", "2026-11-22T14:05", 29),
        ("hour", "2026-11-22T14", 54 * 60 + 29),
        ("day", "2026-11-22", 9 * 3600 + 54 * 60 + 29),
        ("week", "2026-W47", 9 * 3600 + 54 * 60 + 29),  # a Sunday
        ("month", "2026-11", 8 * DAY + 9 * 3600 + 54 * 60 + 29),
    ],
)
def test_a_window_has_a_label_and_is_kept_for_a_day_beyond_its_end(window: Window, label: str, left: float) -> None:
    assert window_at(window, datetime(2026, 11, 22, 14, 5, 31, tzinfo=UTC)) == (label, left + DAY)


def test_windows_turn_at_utc_wherever_the_clock_stands() -> None:
    evening_in_new_york = datetime(2026, 12, 31, 20, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert window_at("month", evening_in_new_york)[0] == "2027-01"
    assert window_at("day", evening_in_new_york)[0] == "2027-01-01"


def test_the_last_month_of_a_year_ends_with_the_year() -> None:
    assert window_at("month", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)) == ("2026-12", 1 + DAY)


def test_a_week_that_spans_two_years_is_one() -> None:
    assert window_at("week", datetime(2026, 12, 31, tzinfo=UTC))[0] == "2026-W53"
    assert window_at("week", datetime(2027, 1, 3, tzinfo=UTC))[0] == "2026-W53"
    assert window_at("week", datetime(2027, 1, 4, tzinfo=UTC))[0] == "2027-W01"


@given(MOMENTS, st.sampled_from(CALENDAR))
def test_the_label_holds_to_the_end_of_the_window_and_not_beyond(now: datetime, window: Window) -> None:
    label, kept = window_at(window, now)
    end = now + timedelta(seconds=kept - DAY)
    assert end > now
    assert window_at(window, end - timedelta(microseconds=1))[0] == label
    assert window_at(window, end)[0] != label


@given(MOMENTS, MOMENTS, st.sampled_from(CALENDAR))
def test_a_label_never_comes_again(now: datetime, then: datetime, window: Window) -> None:
    (one, kept), (other, also_kept) = window_at(window, now), window_at(window, then)
    same_end = now + timedelta(seconds=kept) == then + timedelta(seconds=also_kept)
    assert (one == other) == same_end

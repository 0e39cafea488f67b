"""What a window will come to: at an even pace, and by what is usual in each hour of a week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.forecast import HOURS, Forecast, WeekProfile, by_hour_of_week, linear, week_profile

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
BERLIN = ZoneInfo("Europe/Berlin")

shares = st.floats(0.001, 1.0)
amounts = st.integers(0, 2**53 - 1)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
rates = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=24).map(lambda some: tuple(some * HOURS)[:HOURS])
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"])
profiles = st.builds(WeekProfile, rates, zones)


def office(weeks: int, each: int = 600, start: datetime = MONDAY) -> list[tuple[float, int]]:
    """`each` in every hour from nine to five, Monday to Friday."""
    hours = (start + n * HOUR for n in range(weeks * HOURS))
    return [(hour.timestamp() + 60, each) for hour in hours if hour.weekday() < 5 and 9 <= hour.hour < 17]


def test_at_an_even_pace_a_quarter_of_the_day_holds_a_quarter_of_it() -> None:
    now = MONDAY + 6 * HOUR
    assert linear(25, MONDAY, now, MONDAY + DAY) == Forecast(25, 100, "linear", 100)
    assert linear(25, MONDAY, now, MONDAY + DAY, earlier=(MONDAY + 3 * HOUR, 20)) == Forecast(40, 100, "linear", 160)


def test_where_no_time_has_gone_nothing_is_forecast() -> None:
    assert linear(5, MONDAY, MONDAY, MONDAY + DAY) is None
    assert linear(5, MONDAY, MONDAY + HOUR, MONDAY) is None
    flat = WeekProfile((1.0,) * HOURS)
    assert by_hour_of_week(flat, 5, MONDAY, MONDAY, MONDAY + DAY) is None
    assert linear(5, MONDAY, MONDAY + HOUR, MONDAY + DAY, earlier=(MONDAY, 3)) == Forecast(5, 120, "linear", 120)


@given(spent=amounts, share=shares, hours=st.integers(1, 744))
def test_a_forecast_is_never_below_what_is_spent(spent: int, share: float, hours: int) -> None:
    ends = MONDAY + hours * HOUR
    forecast = linear(spent, MONDAY, MONDAY + share * hours * HOUR, ends)
    assert forecast is not None
    assert forecast.at_end >= spent
    assert forecast.at_end == pytest.approx(spent / share, rel=1e-4, abs=1)


@given(profile=profiles, began=moments, hours=st.floats(0.01, 200), share=shares, spent=st.integers(0, 10**9))
def test_by_the_hours_of_a_week_nothing_is_taken_back(
    profile: WeekProfile, began: datetime, hours: float, share: float, spent: int
) -> None:
    ends = began + hours * HOUR
    forecast = by_hour_of_week(profile, spent, began, began + share * hours * HOUR, ends)
    if profile.usual(began, ends) == 0:
        assert forecast is None
    else:
        assert forecast is not None
        assert forecast.at_end >= spent
        assert 0 <= forecast.by_now <= profile.usual(began, ends) + 1


@given(profile=profiles, began=moments, first=st.floats(0, 100), second=st.floats(0, 100))
def test_the_usual_amount_of_two_spans_is_that_of_both(
    profile: WeekProfile, began: datetime, first: float, second: float
) -> None:
    middle, end = began + first * HOUR, began + (first + second) * HOUR
    parts = profile.usual(began, middle) + profile.usual(middle, end)
    assert parts == pytest.approx(profile.usual(began, end), rel=1e-6, abs=1.0)


@given(began=moments, hours=st.floats(0.1, 200), rate=st.floats(0.1, 1e6), share=shares, zone=zones)
def test_a_flat_week_at_its_usual_pace_is_forecast_as_the_line_is(
    began: datetime, hours: float, rate: float, share: float, zone: str
) -> None:
    ends, now = began + hours * HOUR, began + share * hours * HOUR
    spent = round(rate * share * hours)
    forecast = by_hour_of_week(WeekProfile((rate,) * HOURS, zone), spent, began, now, ends)
    assert forecast is not None
    assert forecast.by_now == pytest.approx(spent, rel=1e-3, abs=2)
    assert forecast.at_end == pytest.approx(rate * hours, rel=1e-3, abs=rate * hours * 1e-3 + 12)


def test_office_hours_are_known_after_some_weeks() -> None:
    profile = week_profile(office(8), since=MONDAY, until=MONDAY + 8 * WEEK)
    assert profile is not None
    monday = MONDAY + 8 * WEEK
    assert profile.usual(monday + 9 * HOUR, monday + 17 * HOUR) == pytest.approx(8 * 600, rel=0.1)
    assert profile.usual(monday, monday + 9 * HOUR) < 9 * 600 * 0.05
    # By nine in the evening the day is over: a line would still add an eighth.
    evening = by_hour_of_week(profile, 4_800, monday, monday + 21 * HOUR, monday + DAY)
    line = linear(4_800, monday, monday + 21 * HOUR, monday + DAY)
    assert evening is not None
    assert line is not None
    assert evening.at_end < 4_900 < line.at_end
    # And by nine in the morning it has hardly begun.
    morning = by_hour_of_week(profile, 100, monday, monday + 9 * HOUR, monday + DAY)
    assert morning is not None
    assert 4_000 < morning.at_end < 6_000
    assert morning.basis == "hour of week"


def test_an_hour_seen_few_times_is_pulled_towards_the_mean() -> None:
    two, eight = (week_profile(office(weeks), since=MONDAY, until=MONDAY + weeks * WEEK) for weeks in (2, 8))
    assert two is not None
    assert eight is not None
    night, noon = 3, 12
    flat = 600 * 40 / 168
    assert flat > two.hourly[night] > eight.hourly[night] > 0
    assert flat < two.hourly[noon] < eight.hourly[noon] < 600


def test_under_two_weeks_of_rows_or_without_spending_there_is_no_profile() -> None:
    assert week_profile(office(2), since=MONDAY, until=MONDAY + 2 * WEEK - HOUR) is None
    assert week_profile([], since=MONDAY, until=MONDAY + 3 * WEEK) is None


def test_what_lies_outside_of_the_span_is_left_out() -> None:
    rows = office(4)
    inside = [row for row in rows if MONDAY.timestamp() <= row[0] < (MONDAY + 2 * WEEK).timestamp()]
    until = MONDAY + 2 * WEEK
    assert week_profile(rows, since=MONDAY, until=until) == week_profile(inside, since=MONDAY, until=until) is not None


def test_the_hours_are_those_of_the_time_zone_also_across_a_change_of_the_clock() -> None:
    start = datetime(2026, 10, 5, tzinfo=BERLIN)  # the clock goes back on the 25th
    local = [(start + timedelta(hours=n)).replace(tzinfo=BERLIN) for n in range(6 * HOURS)]
    rows = [(hour.timestamp(), 100) for hour in local if hour.hour == 9]
    profile = week_profile(rows, since=start, until=datetime(2026, 11, 16, tzinfo=BERLIN), zone="Europe/Berlin")
    assert profile is not None
    days = [profile.hourly[day * 24 + 9] for day in range(7)]
    assert all(amount == pytest.approx(days[0]) for amount in days)
    assert max(profile.hourly[8], profile.hourly[10]) < days[0] / 10


@given(
    rows=st.lists(st.tuples(st.integers(0, 3 * HOURS * 3600), st.integers(0, 10**12)), min_size=1, max_size=50),
    zone=zones,
)
def test_a_profile_loses_nothing_but_what_the_pull_moves(rows: list[tuple[int, int]], zone: str) -> None:
    """Over whole weeks every hour is seen as often, so the pull takes from one hour what it gives to the others."""
    spent = [(MONDAY.timestamp() + at, amount) for at, amount in rows]
    profile = week_profile(spent, since=MONDAY, until=MONDAY + 3 * WEEK, zone=zone)
    total = sum(amount for at, amount in spent if at < (MONDAY + 3 * WEEK).timestamp())
    if profile is None:
        assert total == 0
    else:
        assert 3 * sum(profile.hourly) == pytest.approx(total, rel=0.02)

"""Windows of the calendar in a time zone, and rolling ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanloop.budgets.limit import Limit, Window
from leanloop.budgets.window import OpenWindow, window_at
from leanloop.errors import UsageError

DAY = timedelta(days=1)
CALENDAR: list[Window] = ["minute", "hour", "day", "week", "month"]
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
# Half hours and quarters, no daylight saving, half an hour of it, midnights that do not exist, the far ends of the day.
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Beirut",
        "America/Havana",
        "America/Nuuk",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
    ]
)
ROLLING: dict[Window, tuple[timedelta, int]] = {
    "minute": (timedelta(minutes=1), 12),
    "hour": (timedelta(hours=1), 20),
    "day": (DAY, 24),
    "week": (7 * DAY, 28),
    "month": (30 * DAY, 30),
}


def window(per: Window, now: datetime, zone: str = "UTC", *, rolling: bool = False) -> OpenWindow:
    return window_at(Limit(per=per, rolling=rolling, tokens=1), now, zone)


def utc(*parts: int) -> datetime:
    year, month, day, hour, minute, second = (*parts, 0, 0, 0)[:6]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("per", "label", "began", "ends"),
    [
        ("minute", "2026-11-22T14:05", utc(2026, 11, 22, 14, 5), utc(2026, 11, 22, 14, 6)),
        ("hour", "2026-11-22T14", utc(2026, 11, 22, 14), utc(2026, 11, 22, 15)),
        ("day", "2026-11-22", utc(2026, 11, 22), utc(2026, 11, 23)),
        ("week", "2026-W47", utc(2026, 11, 16), utc(2026, 11, 23)),  # now is a Sunday
        ("month", "2026-11", utc(2026, 11, 1), utc(2026, 12, 1)),
    ],
)
def test_a_window_has_a_label_and_is_kept_for_a_day_beyond_its_end(
    per: Window, label: str, began: datetime, ends: datetime
) -> None:
    assert window(per, utc(2026, 11, 22, 14, 5, 31)) == OpenWindow(label, began, began, ends, ends + DAY)


def test_a_limit_per_task_has_no_window() -> None:
    with pytest.raises(UsageError, match="no window"):
        window("task", utc(2026, 1, 1))


def test_windows_turn_by_the_budgets_clock_wherever_the_machines_stands() -> None:
    evening_in_new_york = datetime(2026, 12, 31, 20, tzinfo=ZoneInfo("America/New_York"))
    assert window("month", evening_in_new_york).label == "2027-01"
    assert window("day", evening_in_new_york).label == "2027-01-01"
    assert window("day", evening_in_new_york, "America/New_York").label == "2026-12-31"


def test_the_last_month_of_a_year_ends_with_the_year() -> None:
    assert window("month", utc(2026, 12, 31, 23, 59, 59)).ends == utc(2027, 1, 1)


def test_a_week_that_spans_two_years_is_one() -> None:
    assert window("week", utc(2026, 12, 31)).label == "2026-W53"
    assert window("week", utc(2027, 1, 3)).label == "2026-W53"
    assert window("week", utc(2027, 1, 4)).label == "2027-W01"


def test_the_hour_that_comes_twice_in_autumn_is_two_windows() -> None:
    first = window("hour", utc(2026, 10, 25, 0, 30), "Europe/Berlin")
    second = window("hour", utc(2026, 10, 25, 1, 30), "Europe/Berlin")
    assert (first.label, second.label) == ("2026-10-25T02+0200", "2026-10-25T02+0100")
    assert first.ends == second.began == utc(2026, 10, 25, 1)
    assert window("minute", utc(2026, 10, 25, 0, 30), "Europe/Berlin").label == "2026-10-25T02:30+0200"


@pytest.mark.parametrize(("day", "hours"), [(utc(2026, 3, 29, 12), 23), (utc(2026, 10, 25, 12), 25)])
def test_a_day_in_which_the_clock_is_changed_ends_when_it_ends(day: datetime, hours: int) -> None:
    found = window("day", day, "Europe/Berlin")
    assert found.ends - found.began == timedelta(hours=hours)


def test_a_day_without_a_midnight_begins_when_the_clock_leaps() -> None:
    found = window("day", utc(2026, 3, 29, 12), "Asia/Beirut")  # from 00:00 to 01:00
    assert (found.label, found.began) == ("2026-03-29", utc(2026, 3, 28, 22))
    assert found.ends - found.began == timedelta(hours=23)


def test_an_hour_in_which_the_clock_is_changed_by_half_an_hour_is_as_long_as_it_is() -> None:
    before = window("hour", utc(2026, 4, 4, 14, 50), "Australia/Lord_Howe")  # 01:50, at 02:00 it is 01:30 again
    after = window("hour", utc(2026, 4, 4, 15, 10), "Australia/Lord_Howe")
    assert (before.label, after.label) == ("2026-04-05T01+1100", "2026-04-05T01+1030")
    assert (before.ends - before.began, after.ends - after.began) == (timedelta(hours=1), timedelta(minutes=30))


@given(MOMENTS, ZONES, st.sampled_from(CALENDAR), st.booleans())
def test_the_label_holds_from_its_beginning_to_its_end_and_not_beyond(
    now: datetime, zone: str, per: Window, rolling: bool
) -> None:
    found = window(per, now, zone, rolling=rolling)
    moment = timedelta(microseconds=1)
    assert found.began <= found.turned <= now < found.ends
    for at, same in (
        (found.turned - moment, False),
        (found.turned, True),
        (found.ends - moment, True),
        (found.ends, False),
    ):
        assert (window(per, at, zone, rolling=rolling).label == found.label) is same


@given(MOMENTS, MOMENTS, ZONES, st.sampled_from(CALENDAR), st.booleans())
def test_a_label_never_comes_again(now: datetime, then: datetime, zone: str, per: Window, rolling: bool) -> None:
    one, other = (window(per, at, zone, rolling=rolling) for at in (now, then))
    assert (one.label == other.label) == (one.ends == other.ends)


@given(MOMENTS, st.sampled_from(CALENDAR), st.data())
def test_a_rolling_window_counts_all_that_is_as_young_as_it_is_long_and_little_more(
    now: datetime, per: Window, data: st.DataObject
) -> None:
    length, parts = ROLLING[per]
    found = window(per, now, rolling=True)
    counted = {found.label, *found.also}
    assert len(counted) == parts + 2, "a whole window, the part that is open, and the one to come"
    age = data.draw(st.timedeltas(timedelta(0), length))
    assert window(per, now - age, rolling=True).label in counted
    assert window(per, now - length - 2 * (length / parts), rolling=True).label not in counted


@given(MOMENTS, st.sampled_from(CALENDAR))
def test_what_a_process_books_whose_clock_is_ahead_is_counted(now: datetime, per: Window) -> None:
    length, parts = ROLLING[per]
    found = window(per, now, rolling=True)
    assert window(per, now + length / parts, rolling=True).label in found.also


@given(MOMENTS, st.sampled_from(CALENDAR))
def test_a_part_is_kept_as_long_as_it_counts(now: datetime, per: Window) -> None:
    found = window(per, now, rolling=True)
    assert found.label not in window(per, found.forget - DAY + ROLLING[per][0] / ROLLING[per][1], rolling=True).also
    assert found.forget - found.ends == ROLLING[per][0] + DAY

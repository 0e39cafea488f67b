"""Windows a limit can be about: of the calendar in a time zone, or rolling."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple, assert_never

from leanloop.budgets.limit import Limit, Window
from leanloop.budgets.zone import zone_named
from leanloop.errors import UsageError

__all__ = ["OpenWindow", "window_at"]

_KEPT = timedelta(days=1)
"""How long a window's account outlives it, so that a call still in flight when it turns finds it."""

_QUARTER = timedelta(minutes=15)

_ROLLING: Mapping[Window, tuple[timedelta, int]] = {
    "minute": (timedelta(minutes=1), 12),
    "hour": (timedelta(hours=1), 20),
    "day": (timedelta(days=1), 24),
    "week": (timedelta(days=7), 28),
    "month": (timedelta(days=30), 30),
}
"""How long a rolling window is, and in how many parts it is kept."""


class OpenWindow(NamedTuple):
    """The window that is open at a moment.

    Attributes:
        label: what is booked now is booked under it; no other window (of a rolling one: no other part) has it.
        began, ends: in UTC. Of a rolling window all the time that is counted now.
        turned: since when the label holds, which it does until `ends`: `began`, or the beginning of the newest part.
        forget: when what is kept under `label` is of no use any more.
        also: the labels that count against the limit, too: the other parts of a rolling window.
    """

    label: str
    began: datetime
    turned: datetime
    ends: datetime
    forget: datetime
    also: tuple[str, ...] = ()


def window_at(limit: Limit, now: datetime, zone: str = "UTC") -> OpenWindow:
    """The window of `limit` that is open at `now`.

    A calendar window is one of the time zone `zone`: a day there may have 23 or 25 hours, and the hour that comes
    twice in autumn is two windows. A rolling window is the same everywhere, and a month of it is 30 days. It is kept
    in parts (12 of a minute, 20 of an hour, 24 of a day, 28 of a week, 30 of a month): the newest and as many before
    it as a whole window has are counted, so that no window of that length ever holds more than the limit, and what was
    spent is free again a little late, by one part at most. The part to come is counted as well, for processes whose
    clock is ahead. A call counts at the time it was reserved.

    Raises:
        UsageError: the limit is per task, which is no window of the clock.
    """
    if limit.per == "task":
        raise UsageError("A limit per task has no window of the clock.")
    if limit.rolling:
        return _rolling(limit.per, now)
    local = now.astimezone(zone_named(zone))
    day = local.date()
    match limit.per:
        case "minute":  # of UTC in any zone: since 1972 all are whole minutes apart from it
            began = now.astimezone(UTC).replace(second=0, microsecond=0)
            return _calendar(f"{local:%Y-%m-%dT%H:%M}{_offset(local)}", began, began + timedelta(minutes=1))
        case "hour":
            return _hour(now, zone_named(zone))
        case "day":
            return _days(day.isoformat(), day, day + timedelta(days=1), local.tzinfo)
        case "week":
            monday = day - timedelta(days=day.weekday())
            return _days(f"{day:%G-W%V}", monday, monday + timedelta(days=7), local.tzinfo)
        case "month":
            first = day.replace(day=1)
            return _days(f"{day:%Y-%m}", first, (first + timedelta(days=32)).replace(day=1), local.tzinfo)
        case _:  # pragma: no cover
            assert_never(limit.per)


def _calendar(label: str, began: datetime, ends: datetime) -> OpenWindow:
    return OpenWindow(label, began, began, ends, ends + _KEPT)


def _days(label: str, first: date, after: date, zone: tzinfo | None) -> OpenWindow:
    """From midnight to midnight. Where the clock leaps over midnight, a day begins with the leap (PEP 495, fold=0)."""
    began, ends = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, after))
    return _calendar(label, began, ends)


def _hour(now: datetime, zone: tzinfo) -> OpenWindow:
    """An hour of the clock on the wall under one offset from UTC.

    It is found by quarters: since 1972 clocks differ from UTC, and are changed, by quarters of an hour (by half an hour
    on Lord Howe Island, where one hour a year has only thirty minutes).
    """
    label = _hour_label(now, zone)
    began = datetime.fromtimestamp(now.timestamp() // 900 * 900, UTC)
    ends = began + _QUARTER
    while _hour_label(began - _QUARTER, zone) == label:
        began -= _QUARTER
    while _hour_label(ends, zone) == label:
        ends += _QUARTER
    return _calendar(label, began, ends)


def _hour_label(moment: datetime, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%dT%H}{_offset(local)}"


def _offset(local: datetime) -> str:
    """What tells the two hours apart that have one name; nothing in UTC, where none have."""
    return "" if local.tzinfo is UTC else f"{local:%z}"


def _rolling(per: Window, now: datetime) -> OpenWindow:
    length, parts = _ROLLING[per]
    size = length.total_seconds() / parts
    began = datetime.fromtimestamp(now.timestamp() // size * size, UTC)
    part = length / parts
    label, *also = ((began + n * part).replace(tzinfo=None).isoformat() for n in (0, *range(-parts, 0), 1))
    ends = began + part
    return OpenWindow(label, began - length, began, ends, ends + length + _KEPT, tuple(also))

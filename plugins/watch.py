"""Looks at the limits a call has just been booked on, and alerts people. Arithmetic only: it asks no store.

- A share of a limit is spent (the file's `warn`): once a window, share and process.
- A window of an hour or longer will end over its limit by the forecast.
- Its spending departs by a fifth from its forecast: from what is usual in these hours, or, where that is not known,
  from the line through what was spent when it was looked at first, judged when twice that time has gone.

Forecasts begin when a tenth of the window has gone, and are made 240 times in it at most. A rolling window never
ends, so it has none.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from leanloop.budgets.account import AccountName
from leanloop.budgets.amount import format_amount, format_scope
from leanloop.budgets.forecast import Forecast, by_hour_of_week, linear
from leanloop.budgets.limit import Limit
from leanloop.budgets.store import LedgerStore
from leanloop.budgets.window import window_at
from leanloop.plugins.alerts import Alert, AlertKind
from leanloop.plugins.tally import Standing
from leanloop.plugins.week_profiles import profiles

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["watch"]

_FROM = 0.1
_DEPARTS = 0.2
_AT_LEAST = 0.05
"""Of what the whole window was to come to: in a quiet night a fifth of the usual is next to nothing."""

_LOOKS = 240
_MOST_COURSES = 16_384


@dataclass(slots=True)
class _Course:
    """A window that is open, when it is to be looked at next, and what was spent of it when it was looked at first."""

    name: AccountName
    began: datetime
    ends: datetime
    next_look: float
    first: tuple[datetime, int] | None = None


def watch(task: Task, standings: Sequence[Standing], now: float | None = None) -> None:
    """Give the alerts that are due. `task` is whose limits they are; `now` is in seconds since the epoch."""
    shares = task.budget.warn
    if not shares:
        return
    for one in standings:
        of_task, due = one.account.startswith("task:"), one.spent >= shares[0] * one.limit
        if of_task and not due:
            continue
        of_one_tool = ":" in one.resource  # and of one task: not worth a person's time
        if one.limit <= 0 or (of_task and of_one_tool):
            continue
        if due:
            _reached(task, one, max(share for share in shares if one.spent >= share * one.limit))
        if not of_task:
            _foresee(task, one, time.time() if now is None else now)


def _reached(task: Task, one: Standing, share: float) -> None:
    if task.alerts.first(task.store, one.account, one.resource, one.limit, share):
        spent, limit = format_amount(one.resource, one.spent), format_amount(one.resource, one.limit)
        level = logging.INFO if one.account.startswith("task:") else logging.WARNING
        what = f"{spent} of {limit} are spent, which is {share * 100:.4g} % or more"
        _tell(task, one, "share", what, share=share, level=level)


def _foresee(task: Task, one: Standing, now: float) -> None:
    courses = _courses.setdefault(task.store, {})
    key = (one.account, one.resource)
    if key not in courses:
        if len(courses) >= _MOST_COURSES:
            courses.clear()
        courses[key] = _course(one.account, datetime.fromtimestamp(now, UTC))
    course = courses.get(key)
    if course is None or now < course.next_look:
        return
    moment, length = datetime.fromtimestamp(now, UTC), course.ends - course.began
    course.next_look = now + length.total_seconds() / _LOOKS
    usual = profiles.of(task.store, course.name, one.resource)
    gone = (moment - course.began) / length
    if not _FROM <= gone < 1:
        return
    forecast = by_hour_of_week(usual, one.spent, course.began, moment, course.ends) if usual else None
    if forecast is None:
        if course.first is None and one.spent:
            course.first = moment, one.spent
        forecast = linear(one.spent, course.began, moment, course.ends, earlier=_earlier(course, moment))
    if forecast is not None:
        _judge(task, one, course, forecast)


def _earlier(course: _Course, now: datetime) -> tuple[datetime, int] | None:
    """The first look, when twice its time has gone: a line through two points that lie close together says little."""
    first = course.first
    return first if first is not None and now - course.began >= 2 * (first[0] - course.began) else None


def _judge(task: Task, one: Standing, course: _Course, forecast: Forecast) -> None:
    told, said = task.alerts.first, partial(format_amount, one.resource)
    if forecast.at_end > one.limit and told(task.store, one.account, one.resource, one.limit, "over"):
        what = (
            f"{said(one.spent)} are spent, {said(forecast.at_end)} are forecast for the end "
            f"({course.ends:%Y-%m-%d %H:%M} UTC), over the limit of {said(one.limit)} (forecast: {forecast.basis})"
        )
        _tell(task, one, "over", what, forecast=forecast.at_end, ends=course.ends)
    departs = abs(one.spent - forecast.by_now) > max(_DEPARTS * forecast.by_now, _AT_LEAST * forecast.whole)
    if departs and told(task.store, one.account, one.resource, "departs"):
        expected = f"{said(forecast.by_now)} were to be expected by now (forecast: {forecast.basis})"
        what = f"{said(one.spent)} are spent where {expected}"
        _tell(task, one, "departs", what, forecast=forecast.by_now, ends=course.ends, level=logging.INFO)


def _tell(
    task: Task,
    one: Standing,
    kind: AlertKind,
    what: str,
    *,
    share: float | None = None,
    forecast: int | None = None,
    ends: datetime | None = None,
    level: int = logging.WARNING,
) -> None:
    scope = format_scope(one.account)
    place = task.budget.origin.place_of_limit(task.budget.limits, one.account, one.resource, one.limit)
    alert = Alert(
        kind,
        f"Agent {task.agent}, {scope}: {what}{f'; the limit is in {place}' if place else ''}.",
        task.agent,
        task.id,
        scope,
        one.resource,
        one.limit,
        one.spent,
        share,
        forecast,
        ends,
    )
    task.alerts.tell(alert, level)


def _course(account: str, now: datetime) -> _Course | None:
    """The course of the window an account is about; None for one that is not forecast, or has turned."""
    name = AccountName.read(account)
    if name.rolling or name.per == "minute":
        return None
    any_limit = Limit(per=name.per, tokens=0)  # which does not matter: the window is that of its `per`
    window = window_at(any_limit, now, name.zone)
    return _Course(name, window.began, window.ends, 0.0) if window.label == name.label else None


_courses: weakref.WeakKeyDictionary[LedgerStore, dict[tuple[str, str], _Course | None]] = weakref.WeakKeyDictionary()

"""What a window will come to at its end, from what is spent of it so far. Pure arithmetic, in the ledger's units.

Linear: a window of which the share ``g`` of the time has gone and ``s`` is spent ends at ``s / g``.

By hour of week: what was spent in past weeks gives each of the 168 hours of a week a usual amount,

    usual[h] = (spent[h] + P * flat) / (seen[h] + P)

where ``seen[h]`` is how often the hour was seen, ``flat`` the mean of all hours seen and ``P`` (0.25) the weight of
that mean: the posterior mean of a Poisson rate under a gamma prior (Gelman et al., Bayesian Data Analysis, 3rd
edition, section 2.6), so that an hour seen two times is not believed as much as one seen ten times. With ``u`` the
usual amount of the part of the window that has gone and ``w`` that of the whole window, what is to come is the usual
times the pace so far, and the pace is pulled towards 1 in the same way, with the weight of a tenth of the window:

    end = s + (w - u) * (s + w / 10) / (u + w / 10)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal, NamedTuple

from leanloop.budgets.zone import zone_named

__all__ = ["HOURS", "Basis", "Forecast", "WeekProfile", "by_hour_of_week", "linear", "week_profile"]

Basis = Literal["linear", "hour of week"]

HOURS = 168
"""Hours of a week; the first is Monday's first."""

_HOUR = 3_600.0
_LEAST_SEEN = 2 * HOURS * _HOUR
"""Seconds of history below which nothing is known of the hours of a week."""

_PRIOR = 0.25
_PRIOR_OF_PACE = 0.1


class Forecast(NamedTuple):
    """A forecast of one window.

    Attributes:
        by_now: what was to be expected by now.
        at_end: what is to be expected at the window's end, after what is spent.
        basis: what both are based on.
        whole: what was to be expected of the whole window, whatever is spent.
    """

    by_now: int
    at_end: int
    basis: Basis
    whole: int


def linear(
    spent: int, began: datetime, now: datetime, ends: datetime, *, earlier: tuple[datetime, int] | None = None
) -> Forecast | None:
    """The forecast at an even pace; None where no time has gone.

    Args:
        spent: of the window, by now.
        began: when the window began.
        now: the moment of the forecast; after the window's end nothing more is to come.
        ends: when the window ends.
        earlier: an earlier moment of the window and what was spent then. What was expected by now is based on it;
            without it, that is what is spent.
    """
    gone, whole = (now - began).total_seconds(), (ends - began).total_seconds()
    if gone <= 0 or whole <= 0:
        return None
    by_now = spent
    if earlier is not None:
        moment, then = earlier
        before = (moment - began).total_seconds()
        if before > 0:
            by_now = round(then * gone / before)
    rest = max(1.0, whole / gone)
    return Forecast(by_now, round(spent * rest), "linear", round(by_now * rest))


@dataclass(frozen=True, slots=True)
class WeekProfile:
    """The usual amount of each hour of a week, in the time zone `zone`."""

    hourly: tuple[float, ...]
    zone: str = "UTC"

    def usual(self, began: datetime, until: datetime) -> float:
        """The usual amount between two moments."""
        spans = _hours(began.timestamp(), until.timestamp(), zone_named(self.zone))
        return sum(self.hourly[hour] * seconds for hour, seconds in spans) / _HOUR


def week_profile(
    spent: Iterable[tuple[float, int]], *, since: datetime, until: datetime, zone: str = "UTC"
) -> WeekProfile | None:
    """What is usual in each hour of a week; None where less than two weeks were seen, or nothing was spent.

    Args:
        spent: moments (seconds since the epoch) and what was spent then; outside of `since` and `until` they are
            left out.
        since: from here on ...
        until: ... up to here all that was spent is in `spent`.
        zone: whose hours they are.
    """
    start, end = since.timestamp(), until.timestamp()
    if end - start < _LEAST_SEEN:
        return None
    clock = zone_named(zone)
    seen, sums = [0.0] * HOURS, [0.0] * HOURS
    for hour, seconds in _hours(start, end, clock):
        seen[hour] += seconds / _HOUR
    for at, amount in spent:
        if start <= at < end:
            sums[_hour_of_week(datetime.fromtimestamp(at, clock))] += amount
    total = sum(sums)
    if total <= 0:
        return None
    flat = total / sum(seen)
    hourly = [(amount + _PRIOR * flat) / (hours + _PRIOR) for amount, hours in zip(sums, seen, strict=True)]
    return WeekProfile(tuple(hourly), zone)


def by_hour_of_week(
    profile: WeekProfile, spent: int, began: datetime, now: datetime, ends: datetime
) -> Forecast | None:
    """The forecast by what is usual in the hours of the window; None where no time has gone, or nothing is usual."""
    now = min(now, ends)
    gone = profile.usual(began, now)
    whole = gone + profile.usual(now, ends)
    if now <= began or whole <= 0:
        return None
    prior = _PRIOR_OF_PACE * whole
    at_end = spent + round((whole - gone) * (spent + prior) / (gone + prior))
    return Forecast(round(gone), at_end, "hour of week", round(whole))


def _hour_of_week(local: datetime) -> int:
    return local.weekday() * 24 + local.hour


def _hours(start: float, end: float, zone: tzinfo) -> Iterator[tuple[int, float]]:
    """The hours of the week between two moments, each with the seconds of it that lie between them."""
    while start < end:
        local = datetime.fromtimestamp(start, zone)
        past = local.minute * 60 + local.second + local.microsecond / 1e6
        after = min(end, start + max(_HOUR - past, 1e-3))
        yield _hour_of_week(local), after - start
        start = after

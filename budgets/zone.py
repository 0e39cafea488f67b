"""Time zones by name, as the IANA database has them (https://www.iana.org/time-zones)."""

from __future__ import annotations

import functools
from datetime import UTC, tzinfo
from difflib import get_close_matches
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from leanloop.budgets.fields import shown

__all__ = ["TimeZone", "zone_named"]

_LONGEST = 64
_NOT_ONE_EVERYWHERE = frozenset({"localtime", "Factory"})
"""What the database of a machine may hold beside the zones; they mean something else on each machine."""


def zone_named(name: str) -> tzinfo:
    """The zone of a name that a budget has checked. UTC needs no database."""
    return UTC if name == "UTC" else ZoneInfo(name)


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_ONE_EVERYWHERE | {"UTC"}


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise PydanticCustomError("zone", "must be the name of a time zone, not {value}", {"value": shown(value)})
    if value == "UTC" or value in _zones():  # by its exact name, which is a part of the names of accounts
        return value
    context = {"value": shown(value), "hint": _hint(value)}
    raise PydanticCustomError("zone", "must be a time zone such as Europe/Berlin, not {value}; {hint}", context)


def _hint(name: str) -> str:
    """The zone that was probably meant; also for ``berlin`` and ``europe/berlin``."""
    if len(_zones()) == 1:  # only UTC, which needs none
        return "this machine has no time zones: pip install tzdata"
    if len(name) <= _LONGEST:
        by_lower = {zone.lower(): zone for zone in sorted(_zones())}
        word = name.lower().replace(" ", "_")
        cities = [zone for lower, zone in by_lower.items() if lower.rpartition("/")[2] == word.rpartition("/")[2]]
        close = [by_lower[lower] for lower in get_close_matches(word, by_lower, n=1)]
        if found := [*([by_lower[word]] if word in by_lower else []), *cities, *close]:
            return f"did you mean {found[0]!r}?"
    return "the names are those of the IANA database"


TimeZone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})]
"""The name of a time zone."""

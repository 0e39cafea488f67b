"""What the commands of ``leanloop budget`` are told: times, amounts, and whose limit is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from leanloop.budgets.amount import format_amount
from leanloop.budgets.fields import MOST, shown
from leanloop.budgets.limit import RESOURCES
from leanloop.budgets.money import NANO
from leanloop.errors import UsageError

__all__ = ["read_amount", "read_pairs", "read_resource", "read_share", "read_time"]

_AGO = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NUMBER = re.compile(r"-?[0-9][0-9_]{0,30}(\.[0-9]{1,9})?", re.ASCII)
_COUNTED = tuple(name for name in RESOURCES if name != "seconds")
"""What the ledger counts; the clock of a task is its process's own."""


def read_time(text: str, now: datetime) -> datetime:
    """``90m``, ``24h``, ``7d`` or ``2w`` before `now`; or a date or time of ISO 8601, by default in the zone of `now`.

    Raises:
        UsageError: it is neither.
    """
    try:
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        when = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(f"A time is 24h, 7d, 2026-11-01 or 2026-11-01T09:30, not {shown(text)}.") from None
    return when if when.tzinfo else when.replace(tzinfo=now.tzinfo)


def read_share(text: str) -> float:
    """``90%`` or ``0.9``.

    Raises:
        UsageError: it is neither, or not above 0.
    """
    number = text.removesuffix("%")
    share = float(Decimal(number)) if _NUMBER.fullmatch(number) else 0.0
    if share <= 0:
        raise UsageError(f"A share is 90% or 0.9, not {shown(text)}.")
    return share / 100 if text.endswith("%") else share


def read_resource(text: str) -> str:
    """The name of what is limited, such as ``usd`` or ``tool_calls:search``.

    Raises:
        UsageError: the ledger counts nothing of that name.
    """
    name, _, tool = text.partition(":")
    if name not in _COUNTED or (":" in text and (name != "tool_calls" or not tool)):
        known = ", ".join((*_COUNTED, "tool_calls:TOOL"))
        raise UsageError(f"The ledger counts {known}, and not {shown(text)}.")
    return text


def read_amount(text: str) -> tuple[str, int]:
    """``usd=5``, ``tokens=1_000_000``, ``tool_calls:search=-10``: the resource and the amount in the ledger's unit.

    Raises:
        UsageError: it is none, nothing, or finer or larger than the ledger counts.
    """
    name, found, number = text.rpartition("=")
    if not found or not _NUMBER.fullmatch(number):
        raise UsageError(f"An amount is usd=5, tokens=1_000_000 or tool_calls:search=10, not {shown(text)}.")
    resource = read_resource(name)
    amount = Decimal(number) * (NANO if resource == "usd" else 1)
    if amount != int(amount) or not 0 < abs(amount) <= MOST:
        finest, largest = format_amount(resource, 1), format_amount(resource, MOST)
        raise UsageError(f"{shown(text)} cannot be added: an amount is a multiple of {finest}, at most {largest}.")
    return resource, int(amount)


def read_pairs(texts: Iterable[str]) -> dict[str, str]:
    """``user=u1`` and the like, as a mapping. A value may hold further equals signs.

    Raises:
        UsageError: one is no pair, or a name comes twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found or not name or not value:
            raise UsageError(f"A tag is a name and its value, such as user=u1, not {shown(text)}.")
        if pairs.setdefault(name, value) != value:
            raise UsageError(f"The tag {shown(name)} is given twice, as {shown(pairs[name])} and {shown(value)}.")
    return pairs

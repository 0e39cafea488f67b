"""How the commands of ``leanloop budget`` write money, times and tags."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from leanloop.budgets.amount import format_amount
from leanloop.budgets.money import from_nano

__all__ = ["amount_value", "signed", "tags_text", "time_text", "usd_text"]


def usd_text(nano: int) -> str:
    """Dollars as exact decimal text, for programs."""
    return f"{from_nano(nano).normalize():f}"


def amount_value(resource: str, amount: int) -> str | int:
    """An amount for programs: usd as decimal text, the rest whole."""
    return usd_text(amount) if resource == "usd" else amount


def signed(resource: str, amount: int) -> str:
    """``+$5.00``, ``-10 tokens``."""
    return f"{'+' if amount > 0 else ''}{format_amount(resource, amount)}"


def time_text(at: float, zone: tzinfo, precision: str = "seconds") -> str:
    """Seconds since the epoch in ISO 8601, in `zone`."""
    return datetime.fromtimestamp(at, zone).isoformat(timespec=precision)


def tags_text(tags: Mapping[str, str]) -> str:
    """``user=u1 tier=gold``."""
    return " ".join(f"{name}={value}" for name, value in tags.items())

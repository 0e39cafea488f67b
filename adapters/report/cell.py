"""A figure as text: for people, and as exact as it is."""

from __future__ import annotations

from leanloop.adapters.report.calendar import local
from leanloop.adapters.report.table import Cell, Unit
from leanloop.budgets.money import format_usd, from_nano

__all__ = ["exact", "for_people", "printable"]

_NOTHING = "\N{EN DASH}"


def printable(text: str) -> str:
    """A name from a stranger without what cannot be seen, among it what turns the direction of writing."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def for_people(value: Cell, unit: Unit, zone: str) -> str:
    """Rounded, with its unit; a dash where nothing is known."""
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        return printable(value)
    match unit:
        case "usd":
            return format_usd(int(value))
        case "share":
            return f"{value * 100:.2g}%" if 0 < value < 0.001 else f"{value:,.1%}"
        case "seconds":
            if 0 < value < 0.001:
                return f"{value * 1_000:.2g} ms"
            return f"{value:,.0f} s" if value >= 100 else f"{value:.3g} s"
        case "time":
            return f"{local(value, zone):%Y-%m-%d %H:%M}"
        case _:
            return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def exact(value: Cell, unit: Unit, zone: str) -> str | int | float | None:
    """For programs: usd as an exact decimal in dollars, a time by ISO 8601, all else as it is."""
    if value is None or isinstance(value, str):
        return value
    match unit:
        case "usd":
            return f"{from_nano(int(value)).normalize():f}"
        case "time":
            return local(value, zone).isoformat(timespec="seconds")
        case _:
            return value

"""The kinds of values a budget holds: strict about type, exact about money, bounded in size.

Whole numbers are ints and nothing else (no booleans, no ``5.0``, no ``"5"``). Money and seconds are decimals:
a file's ``0.50`` stays ``Decimal("0.50")``, a float given in code is taken as it prints (``0.1`` is a tenth)
and cut to the ledger's unit, so that it never allows more than was written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_DOWN, Context, Decimal
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

__all__ = [
    "FROZEN",
    "MOST",
    "Bytes",
    "Count",
    "Duration",
    "Flag",
    "Label",
    "Name",
    "Positive",
    "PricePerMillion",
    "Seconds",
    "Several",
    "Share",
    "Usd",
    "shown",
]

FROZEN = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)
"""What every model of a budget has in common. Inputs stay out of pydantic's own text: they may be secrets."""

MOST = 2**53 - 1
"""The largest amount in the ledger's units: the last integer that a Redis script (Lua numbers are doubles) counts
exactly. In money that is $9,007,199.25."""

_SMALLEST_SHARE, _LARGEST_SHARE = 0.001, 0.999
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?%")
_DURATION = re.compile(r"([0-9]{1,9}) ?(ms|s|m|h|d|w)")
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DIGITS = re.compile(r"(?:0|[1-9][0-9_]{0,30})(?:\.[0-9]{1,30})?")
_BYTES = re.compile(r"([0-9]{1,9}) ?(kB|KB|MB|GB|KiB|MiB|GiB)")
_UNITS = {"kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def shown(value: object) -> str:
    """A value as an error message may show it: short, escaped, never the inside of a container."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() if value.bit_length() > 128:
            return "a far larger number"
        case int() | float() | Decimal():
            return str(value)[:40]
        case str():
            return repr(value) if len(value) <= 40 else f"{value[:40]!r}..."
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return f"a {type(value).__name__}"


def _no_number(what: str, example: str, value: object) -> PydanticCustomError:
    """The error for what is no number; a text most often is one with a unit, or in quotes."""
    hint = ""
    if isinstance(value, str):
        bare = _DIGITS.fullmatch(value)
        hint = "; take it out of its quotes" if bare else f"; write digits alone, such as {example}"
    context = {"what": what, "value": shown(value), "hint": hint}
    return PydanticCustomError("number", "must be {what}, not {value}{hint}", context)


def _whole(least: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _no_number("a whole number", "200_000", value)
        if value < least:
            context = {"least": least, "value": shown(value)}
            raise PydanticCustomError("too_small", "must be {least} or more, not {value}", context)
        if value > MOST:
            context = {"most": f"{MOST:,}", "value": shown(value)}
            raise PydanticCustomError("too_large", "must be at most {most}, not {value}", context)
        return value

    return check


def _decimal(places: int, most: Decimal) -> Callable[[object], Decimal]:
    step = Decimal((0, (1,), -places))
    roomy = Context(prec=60)  # the caller's own decimal context must not change what a file means

    def check(value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise _no_number("a number", "0.50", value)
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite():
            raise PydanticCustomError("finite", "must be a finite number, not {value}", {"value": shown(value)})
        if number < 0:
            raise PydanticCustomError("too_small", "must be 0 or more, not {value}", {"value": shown(value)})
        if number > most:
            context = {"most": f"{most:,}", "value": shown(value)}
            raise PydanticCustomError("too_large", "must be at most {most}, not {value}", context)
        if not number:
            return Decimal(0)  # also for 0E+999999, which is costly to turn into an integer
        if len(number.as_tuple().digits) - 1 - number.adjusted() <= places:
            return number
        cut = number.quantize(step, rounding=ROUND_DOWN, context=roomy)
        if cut != number and not isinstance(value, float):
            context = {"places": str(places), "value": shown(value)}
            raise PydanticCustomError("too_fine", "may have at most {places} decimals, not {value}", context)
        return cut

    return check


def _share(given: object) -> float:
    value = given
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        value = Decimal(f"{value[:-1]}E-2")
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("number", "must be a number, not {value}", {"value": shown(value)})
    # Only a finite decimal can be compared, and no int is between 0 and 1.
    number = math.nan if isinstance(value, int) or not math.isfinite(value) else float(value)
    if not _SMALLEST_SHARE <= number <= _LARGEST_SHARE:
        context = {"value": shown(given)}
        raise PydanticCustomError(
            "share", "must be a share from 0.001 to 0.999, such as 0.7 or 70%, not {value}", context
        )
    return number


def _duration(value: object) -> float:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is not None and 0 < (milliseconds := int(found[1]) * _MILLISECONDS[found[2]]) <= MOST:
        return milliseconds / 1000
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and 0.001 <= value <= MOST / 1000:
        return round(float(value), 3)
    raise PydanticCustomError(
        "duration", "must be a time such as 30s, 10m, 1h or 7d, not {value}", {"value": shown(value)}
    )


def _bytes(value: object) -> int:
    found = _BYTES.fullmatch(value) if isinstance(value, str) else None
    if found is not None and 0 < (size := int(found[1]) * _UNITS[found[2]]) <= MOST:
        return size
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST:
        return value
    raise PydanticCustomError(
        "bytes", "must be a size such as 64MB, or a number of bytes, not {value}", {"value": shown(value)}
    )


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise PydanticCustomError("flag", "must be true or false, not {value}", {"value": shown(value)})
    return value


def _name(value: object) -> str:
    if not isinstance(value, str):
        context = {"value": shown(value)}
        raise PydanticCustomError("name", "must be a name, not {value}; put it in quotes if it is one", context)
    if not 1 <= len(value) <= 64 or not set(value) <= _NAME_CHARACTERS or not value[0].isalnum():
        raise PydanticCustomError(
            "name",
            "must be 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit, not {value}",
            {"value": shown(value)},
        )
    return value


def _label(value: object) -> str:
    if not isinstance(value, str):
        context = {"value": shown(value)}
        raise PydanticCustomError("name", "must be a name, not {value}; put it in quotes if it is one", context)
    if not 1 <= len(value) <= 256 or not value.isprintable() or value != value.strip():
        context = {"value": shown(value)}
        raise PydanticCustomError("name", "must be 1 to 256 printable characters, not {value}", context)
    return value


Count = Annotated[int, BeforeValidator(_whole(0)), WithJsonSchema({"type": "integer", "minimum": 0})]
"""A whole number, 0 or more."""

Positive = Annotated[int, BeforeValidator(_whole(1)), WithJsonSchema({"type": "integer", "minimum": 1})]
"""A whole number, 1 or more."""

Several = Annotated[int, BeforeValidator(_whole(2)), WithJsonSchema({"type": "integer", "minimum": 2})]
"""A whole number, 2 or more."""

Usd = Annotated[
    Decimal,
    BeforeValidator(_decimal(9, Decimal("9007199.254740991"))),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
"""US dollars, to the nano-dollar."""

PricePerMillion = Annotated[
    Decimal, BeforeValidator(_decimal(12, Decimal(1_000_000))), WithJsonSchema({"type": "number", "minimum": 0})
]
"""US dollars for a million tokens."""

Seconds = Annotated[
    Decimal,
    BeforeValidator(_decimal(3, Decimal("9007199254740.991"))),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
"""Seconds, to the millisecond."""

Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": f"^{_DURATION.pattern}$"}]}
    ),
]
"""A time in seconds, to the millisecond; written as ``30s``, ``10m``, ``1h``, ``7d`` or a number of seconds."""

Bytes = Annotated[
    int,
    BeforeValidator(_bytes),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": f"^{_BYTES.pattern}$"}]}
    ),
]
"""A size in bytes; written as ``64MB``, ``1GiB`` or a number of bytes."""

Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": _SMALLEST_SHARE, "maximum": _LARGEST_SHARE},
                {"type": "string", "pattern": f"^{_PERCENT.pattern}$"},
            ]
        }
    ),
]
"""A part of a whole, written as ``0.7`` or ``70%``."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""True or false, and no word or number that stands for it."""

Name = Annotated[
    str,
    BeforeValidator(_name),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"}),
]
"""The name of an agent or a tag: safe in file names, environment variables and storage keys."""

Label = Annotated[str, BeforeValidator(_label), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 256})]
"""The name of a tool or a model, as its provider writes it."""

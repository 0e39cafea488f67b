"""Numbers and units as they are written: 1,000 and 1.000, 5 km, $5, 18:00 and 6 pm, 3rd, IV."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import NamedTuple

from leanloop.plugins.cache.question.lexicon import read_words

__all__ = ["CURRENCIES", "Unit", "number", "plain", "roman", "time_of_day", "unit", "units"]

CURRENCIES = frozenset("$€£¥₹")
_MOST_DIGITS = 18  # Decimal keeps 28; a longer number is compared as it is written
_POINT_GROUPS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_COMMA_GROUPS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_ROMAN = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10}


class Unit(NamedTuple):
    """What a unit measures, and how many of the base unit it is. What has no base unit measures itself."""

    measures: str
    factor: Decimal


def number(text: str, language: str) -> Decimal | None:
    """What digits with their separators are in a language; None for no plain number ("1.2.3", "1,5" in English)."""
    text = text.replace("'", "").replace(" ", "")
    if language == "en":
        text = text.replace(",", "") if _COMMA_GROUPS.fullmatch(text) else text
    elif _POINT_GROUPS.fullmatch(text):
        text = text.replace(".", "").replace(",", ".")
    else:
        text = text.replace(",", ".")
    if len(text) > _MOST_DIGITS:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def plain(value: Decimal) -> str:
    """One spelling of a number: 5, 5.0 and 5.00 are the same."""
    return format(value.normalize(), "f") if abs(value.adjusted()) < 40 else str(value.normalize())


def roman(text: str) -> int | None:
    """II, IV, XII: small Roman numerals of two letters or more, as chapters and kings have."""
    if len(text) < 2 or not _ROMAN.fullmatch(text):
        return None
    digits = [_ROMAN_DIGITS[letter] for letter in text]
    return sum(-digit if digit < next_one else digit for digit, next_one in zip(digits, [*digits[1:], 0], strict=True))


def time_of_day(hours: str, minutes: str | None, half: str | None) -> str | None:
    """``18:00`` for 6 pm; None for what no clock shows."""
    hour, minute = int(hours), int(minutes or 0)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return f"{hour:02}:{minute:02}" if hour < 25 and minute < 60 else None


def unit(word: str) -> Unit | None:
    """What a unit's name or sign measures, in one of the languages that are checked."""
    return units().get(word)


@cache
def units() -> Mapping[str, Unit]:
    """All of them, by name and sign."""
    found: dict[str, Unit] = {}
    for line in read_words("units"):
        measure, _, names = line.partition(": ")
        measures, factor = measure.split()
        for name in names.split():
            found.setdefault(name, Unit(measures, Decimal(factor)))
    return found

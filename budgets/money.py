"""Money: integer nano-dollars inside, decimal at the edge (DESIGN.md, "Money, tokens").

One nano-dollar is 1e-9 usd. A token of the cheapest models costs tens of nano-dollars, so an integer
of them is exact enough for a token and adds without rounding.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from leanloop.errors import UsageError

__all__ = ["NANO", "format_usd", "from_nano", "to_nano"]

NANO = 1_000_000_000
"""Nano-dollars in one dollar."""

_LARGEST_USD = 10**15  # a budget above this is a slip of the pen; it also bounds the integer built from "1e999999"
_LONGEST_TEXT = 100
_SHOWN = 40
_SMALLEST_EXPONENT = -30  # anything smaller is far below a nano-dollar and only costs time to expand
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def to_nano(usd: Decimal | float | str) -> int:
    """Nano-dollars in an amount of usd, exact, rounded up where the amount is finer than a nano-dollar.

    Args:
        usd: dollars. A float means its shortest decimal text (0.1 is ten cents, not 0.1000000000000000055).

    Raises:
        UsageError: for NaN, infinity, a negative amount, more than 1e15 usd, or text that is no number.
    """
    amount = _decimal(usd)
    if not amount.is_finite():
        raise UsageError(f"An amount of money must be a finite number of usd, not {amount}.")
    if amount < 0:
        raise UsageError(f"An amount of money must not be negative, and {_short(usd)} usd is.")
    if amount > _LARGEST_USD:
        raise UsageError(f"An amount of {_short(usd)} usd is above the largest that can be kept, 1e15 usd.")
    if amount and amount.adjusted() < _SMALLEST_EXPONENT:
        return 1
    numerator, denominator = amount.as_integer_ratio()
    return -(-numerator * NANO // denominator)


def from_nano(nano: int) -> Decimal:
    """The exact amount in usd of an integer of nano-dollars."""
    digits = tuple(int(digit) for digit in str(abs(nano)))
    return Decimal((int(nano < 0), digits, -9))


def format_usd(nano: int) -> str:
    """An amount for people: ``$0.0125``, ``$12.50``, ``$1,234.50``, never an exponent.

    Four decimals, more where that many are needed for four significant digits, fewer where they are zeros.
    """
    amount = abs(from_nano(nano))
    decimals = min(9, max(4, 3 - amount.adjusted())) if amount else 2
    whole, _, part = f"{amount.quantize(Decimal((0, (1,), -decimals)), context=_WIDE):,f}".partition(".")
    return f"{'-' if nano < 0 else ''}${whole}.{part.rstrip('0').ljust(2, '0')}"


def _decimal(usd: Decimal | float | str) -> Decimal:
    if isinstance(usd, bool):  # a bool is an int to isinstance, and never a price
        raise UsageError(f"An amount of money must be a number of usd, not {usd}.")
    if isinstance(usd, Decimal):
        return usd
    if isinstance(usd, int):
        return Decimal(min(max(usd, -1), _LARGEST_USD + 1))  # out of range is refused by to_nano, whatever its length
    text = repr(usd) if isinstance(usd, float) else usd.strip()
    try:
        if len(text) > _LONGEST_TEXT:
            raise InvalidOperation
        return Decimal(text)
    except InvalidOperation:
        raise UsageError(f"An amount of money must be a number of usd such as 0.50, not {_short(text)!r}.") from None


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) > _LARGEST_USD:  # as text it may have more digits than Python writes
        return "a huge number of" if value > 0 else "less than -1e15"
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

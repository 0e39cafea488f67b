"""Amounts, times and names as the ledger's scripts take and give them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache

from leanloop.budgets.store import Balance
from leanloop.errors import StoreError

__all__ = ["balances_in", "field_of", "milliseconds", "names_of", "packed", "quoted", "unpacked"]


def milliseconds(seconds: float) -> int:
    """A time span; for ever is 30 years."""
    return int(seconds * 1000) if seconds < 1e9 else 10**12


def packed(numbers: Sequence[int]) -> bytes:
    """Eight bytes each: Lua reads them faster than words."""
    return struct.pack(f">{len(numbers)}q", *numbers)


def unpacked(numbers: bytes) -> Iterator[int]:
    """What `packed` made.

    Raises:
        StoreError: it is something else.
    """
    try:
        return iter(struct.unpack(f">{len(numbers) // 8}q", numbers))
    except struct.error:
        raise StoreError(
            f"No ledger answers {numbers[:40]!r}; see which program is at the address of the store."
        ) from None


def balances_in(answer: bytes) -> list[Balance]:
    """Each four numbers are a balance."""
    numbers = unpacked(answer)
    return list(map(Balance, numbers, numbers, numbers, numbers))


@lru_cache(1_024)
def quoted(name: str) -> str:
    """A name as it stands in keys and rows: printable, on one line, and unlike any other."""
    return json.dumps(name)[1:-1]


@lru_cache(16_384)
def field_of(account: str, resource: str) -> str:
    """Where the ledger keeps one resource of an account."""
    return f"a{quoted(account)}\n{quoted(resource)}"


def names_of(field: str) -> tuple[str, str]:
    """The account and the resource of a field."""
    account, _, resource = field.removeprefix("a").partition("\n")
    return json.loads(f'"{account}"'), json.loads(f'"{resource}"')

"""What a ledger in Redis keeps, read page by page, and what another store kept, as Redis takes it over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from leanloop.budgets.books import Account, Held, Record
from leanloop.budgets.history import Entry
from leanloop.budgets.redis_caller import RedisCaller
from leanloop.budgets.redis_numbers import field_of, milliseconds, names_of
from leanloop.budgets.redis_scripts import PAGE, ROWS
from leanloop.budgets.store import Balance, exactly

__all__ = ["accounts_in", "reservations_in", "rows_in", "sendable"]


_LONG = 1e10
"""Seconds; more than a lease that never ends lets an account be kept."""


def accounts_in(caller: RedisCaller, keys: list[str]) -> Iterator[Account]:
    """Every account."""
    for now, (field, stands, *balance) in _pages(caller, keys, "a*"):
        yield Account(*names_of(field), Balance(*balance), (stands - now) / 1000)


def reservations_in(caller: RedisCaller, keys: list[str]) -> Iterator[Held]:
    """Every reservation."""
    for now, (name, units, idle, ended, ends, *amounts) in _pages(caller, keys, "r*"):
        lines = tuple((*names_of(field), amount) for field, amount in amounts)
        yield Held(name, units, lines, 0.0 if ended else (ends - now) / 1000, idle, ended)


def rows_in(caller: RedisCaller, keys: list[str], command: str, begin: str, end: str) -> Iterator[Entry]:
    """The history, by XRANGE or XREVRANGE."""
    while rows := caller.call(ROWS, command, begin, end, keys=keys).decode():
        for row in rows.split("\n"):  # and at no other sign that ends lines: a name may hold one
            number, at, told = row.split(" ", 2)
            yield Entry.from_json(told, int(number.partition("-")[0]) / 1000 if at == "-" else float(at))
            begin = f"({number}"


def sendable(records: Iterable[Record]) -> Iterator[list[Any]]:
    """The records, as redis_absorb.lua has them.

    Raises:
        StoreError: an amount is too large for Redis.
    """
    last = (0, 0)
    for record in records:
        match record:
            case Account(account, resource, balance, expires):
                amounts = [exactly(resource, amount) for amount in balance]
                yield ["a", field_of(account, resource), *amounts, int(min(expires, _LONG) * 1000)]
            case Held(name, units, lines, lease, idle, ended):
                pairs = [(field_of(account, resource), amount) for account, resource, amount in lines]
                yield ["r", name, units, milliseconds(max(lease, 0.0)), idle, ended, *chain.from_iterable(pairs)]
            case Entry(at=at):
                # A stream's ids go up only; the time that was told stands beside them.
                moment = max(int(at * 1000), 0)
                last = (moment, 1) if moment > last[0] else (last[0], last[1] + 1)
                yield ["e", f"{last[0]}-{last[1]}", repr(at), record.to_json()]


def _pages(caller: RedisCaller, keys: list[str], match: str) -> Iterator[tuple[float, list[Any]]]:
    """Each record of the ledger once, with the server's time."""
    seen, cursor = set[str](), ""
    while cursor != "0":
        head, *records = caller.call(PAGE, cursor or "0", match, keys=keys).decode().split("\n")
        cursor, now = head.split()
        for record in map(json.loads, records):
            if record[0] not in seen:  # a scan may come by twice
                seen.add(record[0])
                yield float(now), record

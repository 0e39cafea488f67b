"""The ledger in Redis: one budget for any number of processes and machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from leanloop.budgets.history import Entry
from leanloop.budgets.redis_address import read_address
from leanloop.budgets.redis_books import RedisBooks
from leanloop.budgets.redis_caller import RedisCaller
from leanloop.budgets.redis_numbers import balances_in, field_of, milliseconds, packed, quoted, unpacked
from leanloop.budgets.redis_scripts import BALANCES, RENEW, RESERVE, SETTLE
from leanloop.budgets.store import Balance, Demand, Grant, Refusal, exactly
from leanloop.errors import StoreError

__all__ = ["RedisStore"]

_BATCH = 500
"""Names in one step of renew or balances, so that no script holds up the others for long."""

_T = TypeVar("_T")


class RedisStore(RedisBooks):
    """A `LedgerStore` in Redis 6.2 or later, or Valkey: a server, sentinels, or a cluster.

    reserve and settle are one script and one round trip each. The server's clock decides when a
    lease ends. Every step may be repeated: after a dropped connection redis-py sends it again, and
    one that had run gives the same answer.

    A ledger is one hash, with a few keys beside it that share its hash tag, ``{leanloop}`` unless the address says
    otherwise: one step must find all the limits of a call in one place, and packed values in one hash are read and
    written by one command each. So in a cluster a ledger lives on one node and is as fast as that node, some ten
    thousand calls a second. To spread it give each tenant an address with its own ``?prefix=``; a limit then holds
    within its prefix, not across them. Accounts whose window is over are forgotten as new ones are made; the whole
    expires when the last window is over, all but its history, of which ``?history=ROWS`` stay.

    Redis must not evict keys (``maxmemory-policy noeviction``, its default): an account that is gone has
    spent nothing. What a crash of the server itself may lose is up to its ``appendonly`` and ``appendfsync``.

    Args:
        url: see `read_address`.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: redis-py is not installed.
    """

    durable = True

    def __init__(self, url: str) -> None:
        address = read_address(url)
        super().__init__(RedisCaller(address), address.history)

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        asked = self._reserving(reservation, demand, replaces)
        return _answer(self._caller.call(RESERVE, *asked), reservation, demand)

    async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """`reserve`, awaited."""
        asked = self._reserving(reservation, demand, replaces)
        return _answer(await self._caller.acall(RESERVE, *asked), reservation, demand)

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """See `LedgerStore.settle`."""
        self._caller.call(SETTLE, *self._settling(reservation, actual, entry), urgent=bool(actual))

    async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """`settle`, awaited."""
        await self._caller.acall(SETTLE, *self._settling(reservation, actual, entry), urgent=bool(actual))

    def release(self, reservation: str) -> None:
        """See `LedgerStore.release`."""
        self.settle(reservation, {})

    async def arelease(self, reservation: str) -> None:
        """`release`, awaited."""
        await self.asettle(reservation, {})

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """See `LedgerStore.renew`."""
        kept: list[str] = []
        for some in _batches(reservations):
            kept += _kept(self._caller.call(RENEW, self._rows, str(milliseconds(lease)), *some), some)
        return kept

    async def arenew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """`renew`, awaited."""
        kept: list[str] = []
        for some in _batches(reservations):
            kept += _kept(await self._caller.acall(RENEW, self._rows, str(milliseconds(lease)), *some), some)
        return kept

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """See `LedgerStore.balances`."""
        found: list[Balance] = []
        for some in _batches([field_of(*key) for key in keys]):
            found += balances_in(self._caller.call(BALANCES, self._rows, *some))
        return found

    async def abalances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """`balances`, awaited."""
        found: list[Balance] = []
        for some in _batches([field_of(*key) for key in keys]):
            found += balances_in(await self._caller.acall(BALANCES, self._rows, *some))
        return found

    def close(self) -> None:
        """Close the connections; the next step opens new ones. Those of other event loops close a moment later."""
        self._caller.clients.close()

    def _reserving(self, reservation: str, demand: Demand, replaces: str | None) -> list[str | bytes]:
        lines, most, least, lease, idle = demand
        exactly("output tokens", max(most, least))
        numbers = [self._kept_rows, most, least, milliseconds(lease), idle]
        fields: list[str | bytes] = []
        earlier: list[str] = []
        for account, resource, limit, fixed, slope, expires, also in lines:
            exactly(resource, max(limit, -limit, fixed, slope))
            numbers += (limit, fixed, slope, milliseconds(expires), len(also))
            fields.append(field_of(account, resource))
            if also:
                earlier += [field_of(one, resource) for one in also]
        return [packed(numbers), reservation, replaces or "", *fields, *earlier]

    def _settling(self, reservation: str, actual: Mapping[str, int], entry: Entry | None) -> list[str]:
        for resource, amount in actual.items():
            exactly(resource, amount)
        words = [self._rows, reservation, _amounts({quoted(resource): amount for resource, amount in actual.items()})]
        return words if entry is None or not self._kept_rows else [*words, entry.to_json()]


_amounts = json.JSONEncoder(separators=(",", ":")).encode


def _answer(answer: bytes, reservation: str, demand: Demand) -> Grant | Refusal:
    verdict = answer[:1]
    if verdict == b"g":
        numbers = unpacked(answer[1:])
        return Grant(next(numbers), tuple(map(Balance, numbers, numbers, numbers, numbers)))
    if verdict == b"r":
        numbers = unpacked(answer[1:])
        place = next(numbers)
        return Refusal(place, demand.lines[place], Balance(*numbers))
    state = "has ended" if answer == b"ended" else "is already held for another demand"
    raise StoreError(f"The reservation {reservation!r} {state}; take a new name for a new call.")


def _kept(answer: bytes, reservations: Sequence[str]) -> list[str]:
    return [name for name, kept in zip(reservations, answer.split(), strict=True) if kept == b"1"]


def _batches(things: Sequence[_T]) -> list[Sequence[_T]]:
    """At least one: the step itself may be refused."""
    return [things[start : start + _BATCH] for start in range(0, len(things) or 1, _BATCH)]

"""The ledger in Redis: one budget for any number of processes and machines."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

from leanloop.budgets.history import Entry
from leanloop.budgets.redis_address import read_address
from leanloop.budgets.redis_clients import RedisClients
from leanloop.budgets.redis_errors import FAILURES, NoScriptError, explain
from leanloop.budgets.redis_scripts import BALANCES, RENEW, RESERVE, SETTLE, Script
from leanloop.budgets.store import Balance, Demand, Grant, Refusal
from leanloop.errors import StoreError

__all__ = ["RedisStore"]

_MOST = 2**53 - 1
"""Redis's Lua counts in doubles, which hold every integer up to here."""

_BATCH = 500
"""Names in one step of renew or balances, so that no script holds up the others for long."""

_AGAIN = b"again"
_Words = list[str | int]
_T = TypeVar("_T")


class RedisStore:
    """A `LedgerStore` in Redis 6.2 or later, or Valkey: a server, sentinels, or a cluster.

    reserve and settle are one script and one round trip each. The server's clock decides when a
    lease ends. Keys expire by themselves once their window is over. Every step may be repeated: after a
    dropped connection redis-py sends it again, and one that had run gives the same answer.

    All keys of a ledger share a hash tag, ``{leanloop}`` unless the address says otherwise, because one
    step must find all the limits of a call in one place. So in a cluster a ledger lives on one node and
    is as fast as that node, some ten thousand calls a second. To spread it give each tenant an
    address with its own ``?prefix=``; a limit then holds within its prefix, not across them.

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
        self._address = read_address(url)
        self._clients = RedisClients(self._address)
        tag = f"{{{self._address.prefix}}}:"
        self._leases = f"{tag}leases"
        self._reservation = f"{tag}reservation:"
        self._account = f"{tag}account:"

    def reserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """See `LedgerStore.reserve`."""
        return _answer(self._call(RESERVE, *self._reserving(reservation, demand, replaces)), reservation, demand)

    async def areserve(self, reservation: str, demand: Demand, *, replaces: str | None = None) -> Grant | Refusal:
        """`reserve`, awaited."""
        return _answer(await self._acall(RESERVE, *self._reserving(reservation, demand, replaces)), reservation, demand)

    def settle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """See `LedgerStore.settle`."""
        self._call(SETTLE, *self._settling(reservation, actual))

    async def asettle(self, reservation: str, actual: Mapping[str, int], entry: Entry | None = None) -> None:
        """`settle`, awaited."""
        await self._acall(SETTLE, *self._settling(reservation, actual))

    def release(self, reservation: str) -> None:
        """See `LedgerStore.release`."""
        self._call(SETTLE, *self._settling(reservation, {}))

    async def arelease(self, reservation: str) -> None:
        """`release`, awaited."""
        await self._acall(SETTLE, *self._settling(reservation, {}))

    def renew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """See `LedgerStore.renew`."""
        kept: list[str] = []
        for some in _batches(reservations):
            kept += _kept(self._call(RENEW, *self._renewing(some, lease)), some)
        return kept

    async def arenew(self, reservations: Sequence[str], lease: float) -> list[str]:
        """`renew`, awaited."""
        kept: list[str] = []
        for some in _batches(reservations):
            kept += _kept(await self._acall(RENEW, *self._renewing(some, lease)), some)
        return kept

    def balances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """See `LedgerStore.balances`."""
        found: list[Balance] = []
        for some in _batches(keys):
            found += _read(self._call(BALANCES, *self._asking(some)).split())
        return found

    async def abalances(self, keys: Sequence[tuple[str, str]]) -> list[Balance]:
        """`balances`, awaited."""
        found: list[Balance] = []
        for some in _batches(keys):
            found += _read((await self._acall(BALANCES, *self._asking(some))).split())
        return found

    def close(self) -> None:
        """Close the connections; the next step opens new ones. Those of other event loops close a moment later."""
        self._clients.close()

    def _call(self, script: Script, keys: _Words, words: _Words) -> bytes:
        try:
            client = self._clients.plain()
            answer = _AGAIN
            while answer == _AGAIN:
                try:
                    answer = client.evalsha(script.digest, len(keys), *keys, *words)
                except NoScriptError:  # the first call, or the server was started anew
                    answer = client.eval(script.text, len(keys), *keys, *words)
            return answer
        except FAILURES as error:
            raise StoreError(explain(error, self._address)) from error

    async def _acall(self, script: Script, keys: _Words, words: _Words) -> bytes:
        cancelled = _cancellations()
        try:
            client = await self._clients.awaited()
            answer = _AGAIN
            while answer == _AGAIN:
                try:
                    answer = await client.evalsha(script.digest, len(keys), *keys, *words)
                except NoScriptError:
                    answer = await client.eval(script.text, len(keys), *keys, *words)
            if _cancellations() > cancelled:
                # Until Python 3.12 asyncio.wait_for, with which redis-py sends, may swallow one (python/cpython#86296)
                raise asyncio.CancelledError
            return answer
        except FAILURES as error:
            raise StoreError(explain(error, self._address)) from error

    def _reserving(self, reservation: str, demand: Demand, replaces: str | None) -> tuple[_Words, _Words]:
        record = self._reservation + reservation
        keys: _Words = [self._leases, record, record if replaces is None else self._reservation + replaces]
        lease = _milliseconds(demand.lease)
        words: _Words = [reservation, replaces or "", demand.most, demand.least, lease, int(demand.idle)]
        for account, resource, limit, fixed, slope, expires, _ in demand.lines:
            if limit > _MOST or fixed > _MOST or slope > _MOST:
                raise _too_large(resource, max(limit, fixed, slope))
            keys.append(self._account + account)
            words += (resource, limit, fixed, slope, _milliseconds(expires))
        return keys, words

    def _settling(self, reservation: str, actual: Mapping[str, int]) -> tuple[_Words, _Words]:
        words: _Words = [reservation]
        for resource, amount in actual.items():
            if amount > _MOST:
                raise _too_large(resource, amount)
            words += (resource, amount)
        return [self._leases, self._reservation + reservation], words

    def _renewing(self, reservations: Sequence[str], lease: float) -> tuple[_Words, _Words]:
        return [self._leases, *(self._reservation + name for name in reservations)], [
            _milliseconds(lease),
            *reservations,
        ]

    def _asking(self, keys: Sequence[tuple[str, str]]) -> tuple[_Words, _Words]:
        return [self._leases, *(self._account + account for account, _ in keys)], [resource for _, resource in keys]


def _cancellations() -> int:
    """How many times the current task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _answer(answer: bytes, reservation: str, demand: Demand) -> Grant | Refusal:
    verdict, *words = answer.split()
    if verdict == b"granted":
        return Grant(int(words[0]), tuple(_read(words[1:])))
    if verdict == b"refused":
        place = int(words[0])
        return Refusal(place, demand.lines[place], _read(words[1:])[0])
    state = "has ended" if verdict == b"ended" else "is already held for another demand"
    raise StoreError(f"The reservation {reservation!r} {state}; take a new name for a new call.")


def _read(words: Sequence[bytes]) -> list[Balance]:
    amounts = map(int, words)
    return list(map(Balance, amounts, amounts, amounts))


def _kept(answer: bytes, reservations: Sequence[str]) -> list[str]:
    return [name for name, kept in zip(reservations, answer.split(), strict=True) if kept == b"1"]


def _batches(things: Sequence[_T]) -> list[Sequence[_T]]:
    return [things[start : start + _BATCH] for start in range(0, len(things), _BATCH)]


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000) if seconds < 1e9 else 10**12  # for ever is 30 years


def _too_large(resource: str, amount: int) -> StoreError:
    return StoreError(f"{amount} of {resource!r} is more than a ledger in Redis can count exactly, {_MOST}.")

"""Whole results in Redis: for any number of processes and machines."""

from __future__ import annotations

import asyncio
from hashlib import sha1
from importlib.resources import files

from leanloop.budgets.redis_address import read_address
from leanloop.budgets.redis_caller import RedisCaller
from leanloop.budgets.redis_scripts import Script
from leanloop.plugins.results.handle import entry_name
from leanloop.plugins.results.memory import too_large
from leanloop.plugins.results.packed import pack, unpack
from leanloop.plugins.results.store import Kept

__all__ = ["RedisResults"]


def _load(name: str) -> Script:
    text = files("leanloop.plugins.results").joinpath(f"redis_{name}.lua").read_text(encoding="utf-8")
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


_PUT, _GET = _load("put"), _load("get")


class RedisResults:
    """A `ResultStore` in Redis 6.2 or later, or Valkey: a server, sentinels, or a cluster.

    Each result has a key, which Redis lets go of itself when its life ends; putting one, and taking the oldest away
    for it, is one script. Sizes are those of the packed results. All keys begin with ``{leanloop}:result``, or with the
    address's own ``?prefix=``, so that in a cluster they lie on one node.

    Args:
        url: as of the ledger (`leanloop.budgets.redis_address.read_address`), whose server it may be.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: redis-py is not installed.
    """

    durable = True

    def __init__(self, url: str) -> None:
        self._address = read_address(url)
        self._caller = RedisCaller(self._address, "results' Redis")
        self._prefix = f"{self._caller.tag}result:"
        self._of_all = [f"{self._caller.tag}results:{name}" for name in ("ends", "order", "sizes")]

    def put(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """See `ResultStore.put`."""
        name = entry_name(scope, handle)
        self._caller.call(_PUT, *self._putting(name, pack(kept), ttl, max_bytes), keys=self._keys(name))

    async def aput(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """`put`, awaited."""
        name, packed = entry_name(scope, handle), await asyncio.to_thread(pack, kept)
        await self._caller.acall(_PUT, *self._putting(name, packed, ttl, max_bytes), keys=self._keys(name))

    def get(self, scope: str, handle: str) -> Kept | None:
        """See `ResultStore.get`."""
        packed = self._caller.call(_GET, keys=self._keys(entry_name(scope, handle))[:1])
        return unpack(packed, self._address.name) if packed else None

    async def aget(self, scope: str, handle: str) -> Kept | None:
        """`get`, awaited."""
        packed = await self._caller.acall(_GET, keys=self._keys(entry_name(scope, handle))[:1])
        return await asyncio.to_thread(unpack, packed, self._address.name) if packed else None

    def close(self) -> None:
        """Close the connections; the next step opens new ones."""
        self._caller.clients.close()

    def _keys(self, name: str) -> list[str]:
        return [f"{self._prefix}{name}", *self._of_all]

    def _putting(self, name: str, packed: bytes, ttl: float, max_bytes: int) -> list[str | bytes]:
        if len(packed) > max_bytes:
            raise too_large(len(packed), max_bytes)
        return [name, packed, str(max(1, round(ttl * 1000))), str(max_bytes), self._prefix]

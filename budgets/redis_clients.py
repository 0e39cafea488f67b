"""redis-py's clients for one address: a plain one per process, an awaited one per event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from typing import Any, Protocol, cast

import redis
import redis.asyncio
from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import AbstractBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry

from leanloop.budgets.redis_address import RedisAddress
from leanloop.budgets.redis_sentinels import AsyncSentinels, Sentinels

__all__ = ["Awaited", "Pauses", "Plain", "RedisClients"]

_TIMEOUTS: dict[str, Any] = {"socket_timeout": 5.0, "socket_connect_timeout": 5.0}
"""Seconds; a call must not hang for a Redis that is gone. The address may say otherwise."""

_RETRIES = 3
"""After a dropped connection; a script that ran all the same answers the same again. Not after a time-out: whoever was
silent for that long will be so again."""


class Plain(Protocol):
    """What the store needs of a client."""

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> bytes:
        """Run a script Redis knows by its digest."""
        ...

    def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes) -> bytes:
        """Run a script, and have Redis know it from now on."""
        ...

    def get(self, name: str) -> bytes | None:
        """The string under a key."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


class Awaited(Protocol):
    """The same, awaited."""

    async def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> bytes:
        """See `Plain`."""
        ...

    async def eval(self, script: str, numkeys: int, *keys_and_args: str | bytes) -> bytes:
        """See `Plain`."""
        ...

    async def get(self, name: str) -> bytes | None:
        """See `Plain`."""
        ...

    async def aclose(self) -> None:
        """See `Plain`."""
        ...


class Pauses(AbstractBackoff):
    """Seconds between two tries: 0.04, 0.08, 0.16; none while the server is known to be `away`, so that a step that
    cannot be made costs next to nothing, and the first one after the server is back is made.
    """

    def __init__(self) -> None:
        self.away = False

    def __deepcopy__(self, memo: object) -> Pauses:
        """Itself: redis-py gives each connection a copy of what it retries by."""
        return self

    def compute(self, failures: int) -> float:
        """After so many failures."""
        return 0.0 if self.away else 0.02 * 2**failures


class RedisClients:
    """Makes clients when they are first asked for.

    A connection is of no use in a forked process, nor an awaited one on another event loop than its
    own. So plain clients are kept by process; an awaited one lives in an async generator of its
    loop, which closes it when it ends (`loop.shutdown_asyncgens`, as asyncio.run and asyncio.Runner do).

    Attributes:
        pauses: between the tries of all of them.
    """

    def __init__(self, address: RedisAddress) -> None:
        self.pauses = Pauses()
        self._address = address
        self._plain: dict[int, Plain] = {}
        self._awaited: dict[asyncio.AbstractEventLoop, tuple[Awaited, AsyncGenerator[Awaited, None]]] = {}

    def plain(self) -> Plain:
        """This process's client; threads may share it."""
        process = os.getpid()
        return self._plain.get(process) or self._plain.setdefault(process, _plain(self._address, self.pauses))

    async def awaited(self) -> Awaited:
        """The running event loop's client."""
        loop = asyncio.get_running_loop()
        known = self._awaited.get(loop)
        if known is not None:
            return known[0]
        for other in [other for other in list(self._awaited) if other.is_closed()]:
            self._awaited.pop(other, None)
        life = self._live(loop)
        client = await anext(life)
        self._awaited[loop] = (client, life)
        return client

    def close(self) -> None:
        """Close this process's client now, and have each event loop close its own."""
        client = self._plain.pop(os.getpid(), None)
        if client is not None:
            client.close()
        for loop in list(self._awaited):
            _, life = self._awaited.pop(loop)
            if not loop.is_closed():
                loop.call_soon_threadsafe(_end, loop, life)

    async def _live(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[Awaited, None]:
        client, sentinels = _awaited(self._address, self.pauses)
        try:
            yield client
        finally:
            if self._awaited.get(loop, (None,))[0] is client:
                del self._awaited[loop]
            for one in (client, *sentinels):
                await one.aclose()


_ending: set[asyncio.Task[None]] = set()


def _end(loop: asyncio.AbstractEventLoop, life: AsyncGenerator[Awaited, None]) -> None:
    ending = loop.create_task(life.aclose())
    _ending.add(ending)  # a loop holds its tasks weakly
    ending.add_done_callback(_ending.discard)


# redis-py annotates these only in parts, hence Any up to the casts.
def _plain(address: RedisAddress, pauses: Pauses) -> Plain:
    retry = Retry(pauses, _RETRIES, (redis.ConnectionError,))
    options: dict[str, Any] = {**_TIMEOUTS, "retry": retry, **address.options}
    if address.kind == "single":
        pool: Any = redis.BlockingConnectionPool if "max_connections" in options else redis.ConnectionPool
        return cast("Plain", redis.Redis.from_pool(pool.from_url(address.url, **_of_pool(options))))
    if address.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        return cast("Plain", redis.RedisCluster(startup_nodes=nodes, **options))
    asked = {**_TIMEOUTS, "retry": Retry(pauses, 0), **address.sentinel_options}  # each try of the client's asks anew
    sentinels: Any = Sentinels(address.hosts, asked)
    return cast("Plain", sentinels.master_for(address.service, **options))


def _awaited(address: RedisAddress, pauses: Pauses) -> tuple[Awaited, list[Awaited]]:
    """The client, and those of the sentinels it asks, to be closed with it."""
    retry = AsyncRetry(pauses, _RETRIES, (redis.ConnectionError,))
    options: dict[str, Any] = {**_TIMEOUTS, "retry": retry, **address.options}
    if address.kind == "single":
        pools = redis.asyncio
        pool: Any = pools.BlockingConnectionPool if "max_connections" in options else pools.ConnectionPool
        return cast("Awaited", pools.Redis.from_pool(pool.from_url(address.url, **_of_pool(options)))), []
    if address.kind == "cluster":
        nodes = [AsyncClusterNode(host, port) for host, port in address.hosts]
        return cast("Awaited", redis.asyncio.RedisCluster(startup_nodes=nodes, **options)), []
    asked = {**_TIMEOUTS, "retry": AsyncRetry(pauses, 0), **address.sentinel_options}
    sentinels: Any = AsyncSentinels(address.hosts, asked)
    return cast("Awaited", sentinels.master_for(address.service, **options)), cast("list[Awaited]", sentinels.sentinels)


def _of_pool(options: dict[str, Any]) -> dict[str, Any]:
    """What a pool takes beside its address. One with `max_connections` lets steps wait for a connection as long as for
    an answer: to fail at once is no way to share a few among many threads.
    """
    waits = {"timeout": options["socket_timeout"]} if "max_connections" in options else {}
    return {**_TIMEOUTS, "retry": options["retry"], **waits}

"""redis-py's sentinels, which tell silence from a primary that nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import redis
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import MasterNotFoundError, Sentinel

__all__ = ["AsyncSentinels", "Sentinels"]


class Sentinels(Sentinel):
    """A primary that is not found is asked for again; not where a sentinel was silent, which it would be again.

    Args:
        hosts: of the sentinels.
        asked: arguments for redis-py's clients of them.
    """

    def __init__(self, hosts: Sequence[tuple[str, int]], asked: dict[str, Any]) -> None:
        cast("Any", super()).__init__(list(hosts), sentinel_kwargs=asked)  # annotated in parts, hence Any

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """The primary's address.

        Raises:
            redis.TimeoutError: nobody knows it, and a sentinel gave no answer.
            MasterNotFoundError: nobody knows it.
        """
        try:
            return cast("tuple[str, int]", cast("Any", super()).discover_master(service_name))
        except MasterNotFoundError as error:
            raise _told(error) from error


class AsyncSentinels(AsyncSentinel):
    """The same, awaited."""

    def __init__(self, hosts: Sequence[tuple[str, int]], asked: dict[str, Any]) -> None:
        cast("Any", super()).__init__(list(hosts), sentinel_kwargs=asked)

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """See `Sentinels`."""
        try:
            return cast("tuple[str, int]", await cast("Any", super()).discover_master(service_name))
        except AsyncMasterNotFoundError as error:
            raise _told(error) from error


def _told(error: redis.ConnectionError) -> redis.RedisError:
    return redis.TimeoutError(str(error)) if "Timeout" in str(error) else error

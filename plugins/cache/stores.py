"""From the address in a budget file (``cache: {store: redis://...}``) to where answers are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leanloop.budgets.stores import check_address
from leanloop.plugins.cache.memory import MemoryCache
from leanloop.plugins.cache.store import CacheStore

if TYPE_CHECKING:
    from leanloop.plugins.task import Task

__all__ = ["cache_of", "open_cache"]

_open: dict[str, CacheStore] = {}


def open_cache(address: str) -> CacheStore:
    """The cache at an address of a ledger (`leanloop.budgets.stores`), beside which it may lie; one per address and
    process, which all tasks share. Nothing is opened or connected to before the first use.

    Raises:
        UsageError: the address cannot be read.
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    store = _open.get(address)
    # No lock, which a fork could leave taken for ever: of two made at once, one is kept, and neither has begun.
    return store if store is not None else _open.setdefault(address, _make(address))


def cache_of(task: Task) -> CacheStore:
    """Where the answers of a task are kept: where its budget says, by default where spending is kept.

    Raises:
        MissingExtra: it is a Redis, and redis-py is not installed.
    """
    rules = task.budget.cache
    return open_cache((rules.store if rules is not None else None) or task.budget.store)


def _make(address: str) -> CacheStore:
    check_address(address)
    if address == "memory":
        return MemoryCache()
    if address.startswith("sqlite:"):
        from leanloop.plugins.cache.sqlite_cache import SqliteCache

        return SqliteCache.at(address)
    from leanloop.plugins.cache.redis_cache import RedisCache

    return RedisCache(address)

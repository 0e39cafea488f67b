"""The two forms of a store whose work is written as steps: at once, and awaited."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.store import Claim, Found, Near
from leanloop.plugins.cache.vector import Vector
from leanloop.plugins.steps import Steps, aperform, perform

__all__ = ["BySteps"]


class BySteps(ABC):
    """Finds, puts and claims in steps; see `CacheStore` for what each does. A step that was begun is done, also where
    the caller is cancelled.
    """

    def find(self, keys: Iterable[str]) -> Found | None:
        """See `CacheStore.find`."""
        return perform(self._find(tuple(keys)))

    async def afind(self, keys: Iterable[str]) -> Found | None:
        """`find`, awaited."""
        return await aperform(self._find(tuple(keys)))

    def nearest(self, context: str, vector: Vector, *, at_least: float, count: int = 1) -> list[Near]:
        """See `CacheStore.nearest`."""
        return perform(self._nearest(context, vector, at_least, count))

    async def anearest(self, context: str, vector: Vector, *, at_least: float, count: int = 1) -> list[Near]:
        """`nearest`, awaited."""
        return await aperform(self._nearest(context, vector, at_least, count))

    def put(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        """See `CacheStore.put`."""
        return perform(self._put(entry, max_bytes, generation))

    async def aput(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        """`put`, awaited."""
        return await aperform(self._put(entry, max_bytes, generation))

    def claim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
        """See `CacheStore.claim`."""
        return perform(self._claim(tuple(keys), owner, lease))

    async def aclaim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
        """`claim`, awaited."""
        return await aperform(self._claim(tuple(keys), owner, lease))

    @abstractmethod
    def _find(self, keys: tuple[str, ...]) -> Steps[Found | None]: ...

    @abstractmethod
    def _nearest(self, context: str, vector: Vector, at_least: float, count: int) -> Steps[list[Near]]: ...

    @abstractmethod
    def _put(self, entry: Entry, max_bytes: int, generation: int | None) -> Steps[bool]: ...

    @abstractmethod
    def _claim(self, keys: tuple[str, ...], owner: str, lease: float) -> Steps[Claim]: ...

"""Where answers are kept, and what is asked of such a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import OnCacheEvent
from leanloop.plugins.cache.vector import Vector

__all__ = ["EVERYTHING", "TIERS", "CacheStats", "CacheStore", "Claim", "Found", "Near"]

EVERYTHING = "*"
"""A tag that every entry has."""

TIERS = ("exact", "normal")
"""What the keys are that are looked up, one after the other."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry under a key. `fresh` is False in its last while: it may be given, and is to be made anew."""

    entry: Entry
    fresh: bool


@dataclass(frozen=True, slots=True)
class Near:
    """An entry whose text is like the one asked about; `score` is the cosine of their vectors."""

    entry: Entry
    fresh: bool
    score: float


@dataclass(frozen=True, slots=True)
class Claim:
    """What became of asking to be the one who makes an answer.

    Attributes:
        found: the answer, where it is there by now; then there is nothing to make.
        granted: it is the caller's to make, until its lease ends.
        alone: nobody waits for anybody: whoever made it last could not have it kept.
        generation: the time of the store at which it was asked, in invalidations; to be handed to `put`.
    """

    found: Found | None = None
    granted: bool = False
    alone: bool = False
    generation: int = 0


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a store holds, and what became of what was asked of it since it was made (of Redis: by all processes).

    Attributes:
        entries, bytes: held now; those that have ended and were not met since are among them.
        vectors: of them, those that can be found by likeness.
        hits: by the place of the key among those that were asked for: ``exact``, ``normal``; and ``near`` for those
            looked at because they are alike.
        misses: lookups by key that found nothing.
        puts, evicted: entries kept, and entries that had to make room.
    """

    entries: int
    bytes: int
    vectors: int
    hits: dict[str, int]
    misses: int
    puts: int
    evicted: int


class CacheStore(Protocol):
    """Keeps entries by key, each until its time is over, it is forgotten, or makes room.

    Each method has an awaited twin with an ``a`` before its name. An entry that is damaged, of a newer version, or
    kept under a key that is not its own is not there, and `on_event` is told.

    Raises from every method:
        StoreError: the store cannot be reached.
    """

    durable: bool
    """Whether it outlives the process, and other processes see it."""

    on_event: OnCacheEvent
    """Told of every entry that could not be used or kept."""

    def find(self, keys: Iterable[str]) -> Found | None:
        """The entry under the first of the keys, or under the second: first those of exact keys, then of normal ones.

        A store in this process takes the keys one by one, so that a generator makes the second only where the first
        missed; one behind a network takes both at once, and answers in one round trip.
        """
        ...

    async def afind(self, keys: Iterable[str]) -> Found | None:
        """`find`, awaited."""
        ...

    def nearest(self, context: str, vector: Vector, *, at_least: float, count: int = 1) -> list[Near]:
        """The entries of one context most like `vector`, best first, none below `at_least`.

        The vector is one that `leanloop.plugins.cache.vector.unit` made; where it has another length than those it is
        compared with, nothing is near, and `on_event` is told.
        """
        ...

    async def anearest(self, context: str, vector: Vector, *, at_least: float, count: int = 1) -> list[Near]:
        """`nearest`, awaited."""
        ...

    def put(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        """Keep an entry; what is worth least for its size makes room where all together would be over `max_bytes`.

        Args:
            entry: what to keep.
            max_bytes: the most of all entries.
            generation: of the `Claim` under which it was made: what was forgotten since then is not kept, and neither
                is an answer made from it. By default the one of now.

        Returns:
            False where it was not kept: it has been forgotten already, or alone is over `max_bytes`.
        """
        ...

    async def aput(self, entry: Entry, *, max_bytes: int, generation: int | None = None) -> bool:
        """`put`, awaited."""
        ...

    def forget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """Forget all entries with a tag, however many there are, in one step; `EVERYTHING` for all. Or one, by its key.

        Answers that are being made meanwhile are not kept either.
        """
        ...

    async def aforget(self, *, tag: str | None = None, key: str | None = None) -> None:
        """`forget`, awaited."""
        ...

    def claim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
        """Ask to make the answer to the first of `keys`: one who asks at a time may, until it releases the key, or
        `lease` seconds went by without `renew`. `owner` is a name nobody else has.
        """
        ...

    async def aclaim(self, keys: Iterable[str], owner: str, lease: float) -> Claim:
        """`claim`, awaited."""
        ...

    def renew(self, keys: Iterable[str], owner: str, lease: float) -> None:
        """Have claims stand for another `lease` seconds; those that have ended do not."""
        ...

    def release(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """Give up a claim. Where the answer cannot be kept, nobody is to wait for another for `alone` seconds."""
        ...

    async def arelease(self, key: str, owner: str, *, alone: float = 0.0) -> None:
        """`release`, awaited."""
        ...

    def stats(self) -> CacheStats:
        """What it holds and what was asked of it."""
        ...

    def scan(self) -> Iterator[Entry]:
        """All entries that may still be given, vectors included, while others read and write."""
        ...

    def close(self) -> None:
        """Let go of files and connections; the next use opens them again."""
        ...

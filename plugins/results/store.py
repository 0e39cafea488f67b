"""Where whole tool results are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Kept", "ResultStore"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole result. ``kept_at`` in seconds since the epoch; ``kind`` as it was found."""

    text: str
    tool: str
    kind: str
    kept_at: float


class ResultStore(Protocol):
    """Keeps results under a scope and a handle; a scope never sees what another one keeps.

    A handle is made from scope and content (`leanloop.plugins.results.handle`), so that keeping the same text twice is
    keeping it once, which renews its lifetime. Each method has an awaited twin. A text with lone surrogates comes back
    as it was.

    Raises from every method:
        StoreError: the store cannot be reached, is full, or what it holds cannot be read.
    """

    durable: bool
    """Whether it outlives the process, and other processes see it."""

    def put(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """Keep it for `ttl` seconds; the oldest make room where all together would be over `max_bytes`.

        Raises:
            StoreError: it alone is over `max_bytes`.
        """
        ...

    async def aput(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """`put`, awaited."""
        ...

    def get(self, scope: str, handle: str) -> Kept | None:
        """What is kept; None where nothing is (any more) in this scope."""
        ...

    async def aget(self, scope: str, handle: str) -> Kept | None:
        """`get`, awaited."""
        ...

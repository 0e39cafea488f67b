"""What turns questions into vectors: any function that does, checked, in batches, sync and awaited."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leanloop.errors import UsageError
from leanloop.plugins.cache.vector import BadVectorError

__all__ = ["CHARS_PER_TOKEN", "CallableEmbedder", "Embed", "Embedder", "Vectors", "unit_rows"]

Vectors = NDArray[np.float32]
"""One row a text, each of length 1."""

Embed = Callable[[list[str]], ArrayLike] | Callable[[list[str]], Awaitable[ArrayLike]]

CHARS_PER_TOKEN = 3
"""Fewer characters a token than text in the languages that are checked has (4 to 5), so that nothing is cut off."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors that can be compared by their dot product."""

    @property
    def fingerprint(self) -> str:
        """What made the vectors: those of two fingerprints are never compared."""
        ...

    @property
    def model(self) -> str | None:
        """The name it has a price under; None for one that costs nothing, which no budget is asked for."""
        ...

    @property
    def provider(self) -> str | None:
        """Whose price that is, by the provider's id in genai-prices; None where the name says it."""
        ...

    def fits(self, text: str) -> bool:
        """Whether it reads the whole text. One that is cut off would be like every other with the same beginning."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text.

        Raises:
            BadVectorError: what came back is no such thing.
        """
        ...

    async def aembed(self, texts: Sequence[str]) -> Vectors:
        """The same, awaited."""
        ...


class CallableEmbedder:
    """A function as an embedder.

    Args:
        function: takes a list of texts, gives one vector each; a coroutine function may be given too.
        name: what the vectors are of: the model and its version. Another name, and nothing cached is found again.
        awaited: the same for async code; without it `function` runs on a thread there.
        model: its name in the price list, where it costs something.
        provider: whose price that is, where the name does not say it.
        max_tokens: how many tokens it reads; counted as `CHARS_PER_TOKEN` characters each.
        batch: texts in one call at most.

    Raises:
        UsageError: no name, or a limit below 1.
    """

    def __init__(
        self,
        function: Embed,
        *,
        name: str,
        awaited: Callable[[list[str]], Awaitable[ArrayLike]] | None = None,
        model: str | None = None,
        provider: str | None = None,
        max_tokens: int = 256,
        batch: int = 128,
    ) -> None:
        if not name:
            raise UsageError("An embedder needs a name, that of its model: CallableEmbedder(embed, name='my-model-1').")
        if max_tokens < 1 or batch < 1:
            raise UsageError(f"max_tokens and batch must be at least 1, not {max_tokens} and {batch}.")
        self._function = function
        self._only_async = inspect.iscoroutinefunction(function)
        self._awaited = cast("Callable[[list[str]], Awaitable[ArrayLike]]", function) if self._only_async else awaited
        self.model = model
        self.provider = provider
        self.fingerprint = blake2b(f"embedder\0{name}".encode("utf-8", "replace"), digest_size=8).hexdigest()
        self._max_chars = max_tokens * CHARS_PER_TOKEN
        self._batch = batch
        self._width: int | None = None

    def fits(self, text: str) -> bool:
        """Whether the text is within `max_tokens`."""
        return len(text) <= self._max_chars

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text.

        Raises:
            BadVectorError: what came back is no such thing.
            UsageError: the function can only be awaited, and an event loop is running here.
        """
        return self._joined([self._checked(self._call(part), part) for part in self._parts(texts)])

    async def aembed(self, texts: Sequence[str]) -> Vectors:
        """The same, awaited; a plain function runs on a thread."""
        return self._joined([self._checked(await self._acall(part), part) for part in self._parts(texts)])

    def _call(self, texts: list[str]) -> ArrayLike:
        if not self._only_async or self._awaited is None:
            return cast("ArrayLike", self._function(texts))
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(_result(self._awaited(texts)))
        raise UsageError(
            "This embedder can only be awaited. Give it a plain function too, or run the agent with ainvoke."
        )

    async def _acall(self, texts: list[str]) -> ArrayLike:
        if self._awaited is not None:
            return await self._awaited(texts)
        return cast("ArrayLike", await asyncio.to_thread(self._function, texts))

    def _parts(self, texts: Sequence[str]) -> list[list[str]]:
        return [list(texts[start : start + self._batch]) for start in range(0, len(texts), self._batch)]

    def _checked(self, given: ArrayLike, texts: list[str]) -> Vectors:
        rows = unit_rows(given, len(texts))
        if self._width is None:
            self._width = rows.shape[1]
        if rows.shape[1] != self._width:
            raise BadVectorError("dimension", f"a vector has {rows.shape[1]} numbers, those before had {self._width}")
        return rows

    def _joined(self, parts: list[Vectors]) -> Vectors:
        return np.concatenate(parts) if parts else np.empty((0, self._width or 0), np.float32)


async def _result(waiting: Awaitable[ArrayLike]) -> ArrayLike:
    return await waiting


def unit_rows(given: ArrayLike, count: int) -> Vectors:
    """The rows as float32 of length 1.

    Raises:
        BadVectorError: not `count` rows of numbers, NaN or infinity among them, or a row of nothing but zeros.
    """
    try:
        rows = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise BadVectorError("dimension", "an embedder gave something that is no table of numbers") from None
    if rows.ndim != 2 or rows.shape[0] != count or not rows.shape[1]:
        raise BadVectorError("dimension", f"an embedder gave an array of {rows.shape} for {count} texts")
    largest = np.max(np.abs(rows), axis=1, keepdims=True)
    if not np.all((largest > 0) & (largest < np.inf)):
        raise BadVectorError
    rows = rows / largest  # so that no square is beyond what a float holds
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

"""An embedder that remembers: the text that was asked for a moment ago is not embedded again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from leanloop.budgets.at_fork import renew_in_child
from leanloop.plugins.cache.embedder import Embedder, Vectors

__all__ = ["MemoEmbedder"]

_PER_TEXT = 200  # bytes of Python around a text and its vector


class MemoEmbedder:
    """The most recent texts and their vectors in front of another embedder; threads may share it.

    Only what is not remembered is passed on, each text once, and in one batch.

    Args:
        inner: makes the vectors.
        max_bytes: what is remembered at most; the text that was not asked for longest goes first.
    """

    def __init__(self, inner: Embedder, *, max_bytes: int = 16_000_000) -> None:
        self._inner = inner
        self._max_bytes = max_bytes
        self._rows: OrderedDict[str, Vectors] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        renew_in_child(self, MemoEmbedder.renew_lock)

    def renew_lock(self) -> None:
        """A forked child has none of the threads that may have held it, or have been between a row and its bytes."""
        self._lock = Lock()
        self._bytes = sum(_size(text, row) for text, row in self._rows.items())

    @property
    def fingerprint(self) -> str:
        """The inner one's."""
        return self._inner.fingerprint

    @property
    def model(self) -> str | None:
        """The inner one's."""
        return self._inner.model

    @property
    def provider(self) -> str | None:
        """The inner one's."""
        return self._inner.provider

    def fits(self, text: str) -> bool:
        """Whether the inner one reads the whole text."""
        return self._inner.fits(text)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text."""
        known = self._known(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known |= self._learn(missing, self._inner.embed(missing))
        return self._table(texts, known)

    async def aembed(self, texts: Sequence[str]) -> Vectors:
        """The same, awaited."""
        known = self._known(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known |= self._learn(missing, await self._inner.aembed(missing))
        return self._table(texts, known)

    def _known(self, texts: Sequence[str]) -> dict[str, Vectors]:
        found: dict[str, Vectors] = {}
        with self._lock:
            for text in texts:
                if (row := self._rows.get(text)) is not None:
                    self._rows.move_to_end(text)
                    found[text] = row
        return found

    def _learn(self, texts: list[str], rows: Vectors) -> dict[str, Vectors]:
        made = {text: row.copy() for text, row in zip(texts, rows, strict=True)}
        with self._lock:
            for text, row in made.items():
                if text not in self._rows:
                    self._bytes += _size(text, row)
                self._rows[text] = row
            while self._bytes > self._max_bytes and self._rows:
                self._bytes -= _size(*self._rows.popitem(last=False))
        return made

    @staticmethod
    def _table(texts: Sequence[str], known: dict[str, Vectors]) -> Vectors:
        return np.stack([known[text] for text in texts]) if texts else np.empty((0, 0), np.float32)


def _size(text: str, row: Vectors) -> int:
    return 4 * len(text) + row.nbytes + _PER_TEXT

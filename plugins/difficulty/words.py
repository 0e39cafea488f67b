"""Vectors of texts by their words alone: no model, no download, the same in every process."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np

from leanloop.plugins.cache.embedder import Vectors

__all__ = ["WordVectors"]

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Thai, Lao, Khmer, Japanese and Chinese: scripts that put no spaces between words."""

_SIGN = 0.3
"""What a sign or a number counts beside a word: how a question is laid out says less than what it is about."""


class WordVectors:
    """An `Embedder` of words and pairs of words, hashed into a vector (Weinberger et al. 2009, "Feature Hashing for
    Large Scale Multitask Learning").

    Numbers are all alike, so that two questions from one template are too. Of words without spaces between them their
    characters count, and pairs of these.

    Args:
        width: numbers in a vector.
    """

    def __init__(self, width: int = 512) -> None:
        self._width = width
        self.fingerprint = f"words-1-{width}"
        self.model: str | None = None
        self.provider: str | None = None

    def fits(self, text: str) -> bool:
        """Any text."""
        return True

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One unit row a text; of one without a word or a sign, the first axis."""
        rows = np.zeros((len(texts), self._width), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for term, count in _terms(text).items():
                number = crc32(term.encode("utf-8", "replace"))
                weight = count**0.5 * (1.0 if term[0].isalpha() else _SIGN)
                row[number % self._width] += weight if number & 1 << 24 else -weight
            if not row.any():
                row[0] = 1.0
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    async def aembed(self, texts: Sequence[str]) -> Vectors:
        """The same: it waits for nothing."""
        return self.embed(texts)


def _terms(text: str) -> Counter[str]:
    tokens = [*_tokens(text)]
    return Counter(tokens) + Counter(f"{one} {other}" for one, other in pairwise(tokens))


def _tokens(text: str) -> Iterator[str]:
    for token in _TOKEN.findall(text):
        if token[0].isdigit():
            yield "0"
        elif _UNSPACED.match(token):
            yield from token
        else:
            yield token.casefold()

"""The rows of an index: vectors and what is known of them, in blocks that are never moved while they are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leanloop.plugins.cache.signs import WORDS, signs
from leanloop.plugins.cache.vector import Vector

__all__ = ["BLOCK", "Block", "Rows"]

BLOCK = 65_536
"""Rows of a block. A full one is followed by another, so that nothing large is ever copied to grow."""


class Block:
    """Some rows, in arrays with room for more.

    The first block grows by being copied into arrays twice as large; a reader that still has the old ones sees all
    rows there were when it began.
    """

    __slots__ = ("live", "signs", "turns", "vectors")

    def __init__(self, rows: int, dimension: int, *, signed: bool) -> None:
        self.vectors: Vector = np.empty((rows, dimension), np.float32)
        self.live: NDArray[np.bool_] = np.zeros(rows, np.bool_)
        self.turns: NDArray[np.uint32] = np.zeros(rows, np.uint32)  # odd while a row is being written
        self.signs: NDArray[np.uint64] | None = np.empty((WORDS, rows), np.uint64) if signed else None

    @property
    def room(self) -> int:
        """Rows it has room for."""
        return len(self.live)

    def grown(self, used: int) -> Block:
        """The same rows with room for twice as many."""
        larger = Block(min(BLOCK, 2 * self.room), self.vectors.shape[1], signed=self.signs is not None)
        larger.vectors[:used] = self.vectors[:used]
        larger.live[:used] = self.live[:used]
        larger.turns[:used] = self.turns[:used]
        if larger.signs is not None and self.signs is not None:
            larger.signs[:, :used] = self.signs[:, :used]
        return larger


class Rows:
    """Rows by number, and by key. Whoever changes them holds the lock of the index; readers need none.

    A row that is freed is used again. A reader may meet it in the midst of that, so it asks `scored` in the end, which
    gives no score of a row that is not the same before and after.
    """

    def __init__(self, dimension: int, *, signed: bool) -> None:
        self.dimension = dimension
        self.signed = signed
        self.keys: list[str | None] = []
        self.places: dict[str, int] = {}
        self.blocks: tuple[Block, ...] = ()
        self.free: list[int] = []

    def set(self, key: str, vector: Vector) -> None:
        """Put a vector under a key that has none, or another instead of the one it has."""
        place = self.places.get(key)
        if place is None:
            place = self.free.pop() if self.free else self._room()
        block, row = self.blocks[place // BLOCK], place % BLOCK
        block.turns[row] += 1
        block.live[row] = False
        block.vectors[row] = vector
        if block.signs is not None:
            block.signs[:, row] = signs(vector[np.newaxis])[:, 0]
        self.places[key] = place
        if place == len(self.keys):
            self.keys.append(key)  # from here on readers see it
        else:
            self.keys[place] = key
        block.live[row] = True
        block.turns[row] += 1

    def remove(self, key: str) -> None:
        """Free the row of a key."""
        place = self.places.pop(key)
        self.keys[place] = None
        self.blocks[place // BLOCK].live[place % BLOCK] = False
        self.free.append(place)

    def vector(self, place: int) -> Vector:
        """A row, as it is now."""
        row: Vector = self.blocks[place // BLOCK].vectors[place % BLOCK]
        return row

    def scored(self, place: int, asked: Vector) -> tuple[str, float] | None:
        """The key of a row and its cosine, as they are now; None where it is free, or just being written."""
        block, row, key = self.blocks[place // BLOCK], place % BLOCK, self.keys[place]
        turn = int(block.turns[row])
        score = float(block.vectors[row] @ asked)
        if key is None or turn % 2 or turn != block.turns[row] or self.keys[place] is not key:
            return None
        return key, score

    def parts(self) -> Iterator[tuple[Block, int, int]]:
        """The blocks, each with the number of its first row and how many there are, as far as they go now."""
        count = len(self.keys)
        for number, block in enumerate(self.blocks):
            start = number * BLOCK
            if start < count:
                yield block, start, min(BLOCK, count - start)

    def sign(self) -> None:
        """Give each row its signs; done once, when an index has grown large."""
        for block, _, size in list(self.parts()):
            made = np.empty((WORDS, block.room), np.uint64)
            made[:, :size] = signs(block.vectors[:size])
            block.signs = made
        self.signed = True  # from here on readers go by them

    def _room(self) -> int:
        """The number of a row behind all others, with room for it."""
        used = len(self.keys)
        if used == len(self.blocks) * BLOCK:
            # A system gives memory where it is first written to, so a block behind the first costs what is in it.
            self.blocks = (*self.blocks, Block(BLOCK if self.blocks else 1, self.dimension, signed=self.signed))
        elif used == self.blocks[-1].room:
            self.blocks = (*self.blocks[:-1], self.blocks[-1].grown(used))
        return used

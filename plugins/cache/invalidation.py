"""What was forgotten, and when: one number for a tag, however many entries have it.

A counter goes up with each invalidation. An entry has the value at which its making began, and is good while none of
its tags was forgotten later. So forgetting costs the same for one entry and for a million, and an answer that was being
made meanwhile, maybe from what has changed, is not good either.
"""

from __future__ import annotations

from collections.abc import Iterable

from leanloop.plugins.cache.store import EVERYTHING

__all__ = ["MOST_TAGS", "Invalidations"]

MOST_TAGS = 100_000
"""Tags that are remembered as forgotten; with one more, all there is counts as forgotten instead."""


class Invalidations:
    """Tags with the generation at which they were forgotten last. Whoever calls holds a lock."""

    def __init__(self) -> None:
        self.generation = 0
        self._tags: dict[str, int] = {}

    def forget(self, tag: str) -> None:
        """Entries with this tag that were begun until now are good no more."""
        self.generation += 1
        if tag == EVERYTHING or len(self._tags) >= MOST_TAGS:
            self._tags = {EVERYTHING: self.generation}  # older than that is forgotten anyway
        else:
            self._tags[tag] = self.generation

    def good(self, tags: Iterable[str], generation: int) -> bool:
        """Whether what was begun at `generation` still is."""
        known = self._tags
        return not known or (
            known.get(EVERYTHING, 0) <= generation and all(known.get(tag, 0) <= generation for tag in tags)
        )

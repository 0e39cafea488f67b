"""What the entries of a cache are, for people: whose, of what, how old; and which of them are answers at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leanloop.plugins.cache.calibration import CALIBRATION_TAG
from leanloop.plugins.cache.entry import Entry, encoded
from leanloop.plugins.cache.live import RECORD_TAG
from leanloop.plugins.cache.store import CacheStore

__all__ = ["Answer", "Wanted", "answers", "is_answer"]

_PER_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """An entry that answers something: a question, or the call of a tool."""

    entry: Entry

    def named(self, what: str) -> str:
        """The `agent`, `model` or `tool` it is of; empty where it is of none."""
        return next((tag.removeprefix(f"{what}:") for tag in self.entry.tags if tag.startswith(f"{what}:")), "")

    @property
    def size(self) -> int:
        """Bytes, without what a store adds."""
        vector = self.entry.vector
        return len(encoded(self.entry)) + (0 if vector is None else len(vector) * _PER_NUMBER)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which answers are meant: all that are all of this."""

    agent: str | None = None
    model: str | None = None
    tool: str | None = None
    tag: str | None = None
    key: str | None = None

    def tags(self) -> list[str]:
        """The tags they have."""
        named = [(what, getattr(self, what)) for what in ("agent", "model", "tool")]
        return [f"{what}:{name}" for what, name in named if name is not None] + ([self.tag] if self.tag else [])

    def has(self, entry: Entry) -> bool:
        """Whether this is one of them."""
        return entry.key.startswith(self.key or "") and all(tag in entry.tags for tag in self.tags())


def answers(store: CacheStore, wanted: Wanted) -> Iterator[Answer]:
    """The answers in a cache that are meant. Calibrations and records of checked hits are none.

    Raises:
        StoreError: it cannot be reached.
    """
    for entry in store.scan():
        if is_answer(entry) and wanted.has(entry):
            yield Answer(entry)


def is_answer(entry: Entry) -> bool:
    """Whether it answers something; calibrations and records have tags without a colon."""
    return entry.tags not in {(CALIBRATION_TAG,), (RECORD_TAG,)}

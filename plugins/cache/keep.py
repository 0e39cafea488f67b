"""Keeping what was made, for those who wait and those to come."""

from __future__ import annotations

from leanloop.errors import StoreError
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.ground import Ground
from leanloop.plugins.cache.single_flight import Turn
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["kept"]


def kept(entry: Entry, turn: Turn, ground: Ground) -> Steps[Entry | None]:
    """The entry, where it was put into the store; None where it cannot be kept, which is said."""
    store, most = ground.store, ground.rules.max_bytes
    try:
        done = yield Io(store.put, store.aput, entry, max_bytes=most, generation=turn.generation)
    except StoreError as error:
        ground.tell(error)
        return None
    return entry if done else None

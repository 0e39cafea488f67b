"""Keeping what was made, for those who wait and those to come."""

from __future__ import annotations

from leanloop.errors import StoreError
from leanloop.plugins.cache.entry import Entry
from leanloop.plugins.cache.event import CacheEvent
from leanloop.plugins.cache.ground import Ground
from leanloop.plugins.cache.single_flight import Turn
from leanloop.plugins.flow import Io
from leanloop.plugins.steps import Steps

__all__ = ["kept", "unreadable"]


def kept(entry: Entry, turn: Turn, ground: Ground, *, shared_anyway: bool = False) -> Steps[Entry | None]:
    """The entry for those who wait, where it was put into the store; None where it cannot be kept, which is said.

    Nothing is kept of one who was never told when it began (`Turn.generation`): what it was made from may have been
    forgotten since. With `shared_anyway`, those who wait are given also what a store that failed could not keep.
    """
    store, most = ground.store, ground.rules.max_bytes
    unkept = entry if shared_anyway else None
    if turn.generation is None:
        return unkept
    try:
        done = yield Io(store.put, store.aput, entry, max_bytes=most, generation=turn.generation)
    except StoreError as error:
        ground.tell(error)
        return unkept
    return entry if done else None


def unreadable(entry: Entry, ground: Ground) -> Steps[None]:
    """An answer that is whole and that nobody here wrote: said, and forgotten, so that it is made and kept anew."""
    ground.on_event(CacheEvent("damaged", entry.key, "what an entry holds is no answer"))
    try:
        yield Io(ground.store.forget, ground.store.aforget, key=entry.key)
    except StoreError as error:
        ground.tell(error)

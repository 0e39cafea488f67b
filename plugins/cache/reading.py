"""What was read from a file or a server, believed only where it is whole and about what was asked; and what is written
there, which is to be fit for that.
"""

from __future__ import annotations

from leanloop.plugins.cache.entry import BadEntryError, Entry, decoded
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent
from leanloop.plugins.cache.vector import BadVectorError, Vector, unit, unpacked_vector

__all__ = ["checked_vector", "read_entry", "read_vector", "too_large"]


def read_entry(
    data: bytes, tell: OnCacheEvent, *, key: str = "", normal: str = "", context: str = "", packed: bytes = b""
) -> Entry | None:
    """An entry, with its vector; None where it is damaged, newer, or not the one that belongs where it was found."""
    name = key or normal
    try:
        entry = decoded(data, read_vector(packed, name, tell))
    except BadEntryError as error:
        if error.newer:
            tell(CacheEvent("newer", name, "an entry was written by a newer version of leanloop"))
        else:
            tell(CacheEvent("damaged", name, "an entry is damaged"))
        return None
    if key not in {"", entry.key} or normal not in {"", entry.normal} or context not in {"", entry.context}:
        tell(CacheEvent("foreign", name, "an entry stands under a key that is not its own"))
        return None
    return entry


def read_vector(packed: bytes, key: str, tell: OnCacheEvent) -> Vector | None:
    """The vector kept beside an entry; None where there is none, or none that can be compared."""
    if not packed:
        return None
    try:
        return unpacked_vector(packed)
    except BadVectorError as error:
        tell(CacheEvent(error.problem, key, error.detail))
        return None


def checked_vector(entry: Entry, tell: OnCacheEvent) -> Vector | None:
    """The vector of an entry that is to be kept; None where there is none, or none that can be compared."""
    if entry.vector is None or entry.context is None:
        return None
    try:
        return unit(entry.vector)
    except BadVectorError as error:
        tell(CacheEvent(error.problem, entry.key, error.detail))
        return None


def too_large(entry: Entry, size: int, max_bytes: int) -> CacheEvent:
    """What is told of an entry that alone is over all that is kept."""
    detail = f"an entry of {size:,} bytes is over all that is kept, {max_bytes:,}; raise cache.max_bytes"
    return CacheEvent("too_large", entry.key, detail)

"""Entries in one file: what a cache in memory is saved to, and what a cache is exported to and imported from.

The file begins with its name and version. Each entry follows as two lengths (four bytes each, big-endian), its bytes
as `leanloop.plugins.cache.entry` writes them, and its vector in half precision. At the end stands a digest of all
before it (BLAKE2b, 32 bytes): a file that was cut off or changed holds nothing. Nothing in it is ever executed.
"""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO

from leanloop.errors import StoreError
from leanloop.plugins.cache.entry import Entry, encoded
from leanloop.plugins.cache.event import CacheEvent, OnCacheEvent, log_event
from leanloop.plugins.cache.reading import checked_vector, read_entry
from leanloop.plugins.cache.vector import packed_vector

__all__ = ["read_entries", "write_entries"]

_NAME = b"leanloop cache "
_BEGINNING = _NAME + b"1\n"
_LENGTHS = struct.Struct(">II")
_DIGEST = 32
_CHUNK = 1 << 20


def write_entries(path: Path, entries: Iterable[Entry], tell: OnCacheEvent = log_event) -> int:
    """Write entries to a file, in place of what is there; gives how many. Until the last is written nothing is changed.

    Raises:
        StoreError: it cannot be written.
    """
    count = 0
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                digest = blake2b(_BEGINNING, digest_size=_DIGEST)
                file.write(_BEGINNING)
                for entry in entries:
                    vector, data = checked_vector(entry, tell), encoded(entry)
                    packed = b"" if vector is None else packed_vector(vector)
                    part = _LENGTHS.pack(len(data), len(packed)) + data + packed
                    digest.update(part)
                    file.write(part)
                    count += 1
                file.write(digest.digest())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise StoreError(f"The cache cannot be written to {path}: {error.strerror}. Name another file.") from error
    return count


def read_entries(path: Path, tell: OnCacheEvent = log_event) -> Iterator[Entry]:
    """The entries of a file; none, and an event, where it is cut off, changed, or of a newer version.

    Raises:
        StoreError: it cannot be read, or is no file of a cache.
    """
    try:
        with path.open("rb") as file:
            if not _whole(file, path, tell):
                return
            end = path.stat().st_size - _DIGEST
            file.seek(len(_BEGINNING))
            while file.tell() < end:
                size, vector = _LENGTHS.unpack(file.read(_LENGTHS.size))
                entry = read_entry(file.read(size), tell, packed=file.read(vector))
                if entry is not None:
                    yield entry
    except OSError as error:
        raise StoreError(f"The cache cannot be read from {path}: {error.strerror}.") from error


def _whole(file: IO[bytes], path: Path, tell: OnCacheEvent) -> bool:
    beginning = file.read(len(_BEGINNING))
    if beginning != _BEGINNING and not _BEGINNING.startswith(beginning):
        if not beginning.startswith(_NAME):
            raise StoreError(f"The file {path} holds no cache; name one that leanloop cache export has written.")
        tell(CacheEvent("newer", "", f"the file {path.name} was written by a newer version of leanloop"))
        return False
    digest, last = blake2b(beginning, digest_size=_DIGEST), b""
    while chunk := file.read(_CHUNK):
        last += chunk
        digest.update(last[:-_DIGEST])
        last = last[-_DIGEST:]
    if digest.digest() != last:
        tell(CacheEvent("damaged", "", f"the file {path.name} was cut off or changed; nothing of it is used"))
        return False
    return True

"""Whole results in a folder, a file each: shared by processes, and there after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from leanloop.errors import StoreError
from leanloop.plugins.results.handle import entry_name
from leanloop.plugins.results.memory import too_large
from leanloop.plugins.results.packed import pack, unpack
from leanloop.plugins.results.store import Kept

__all__ = ["FolderResults"]

_ENTRY = re.compile(r"[0-9a-f]{32}\.result")
_PART = re.compile(r"[0-9a-f]{32}\.part")
_ABANDONED = 3600.0
"""Seconds after which a file that a process began and never ended is taken away."""

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class _File(NamedTuple):
    changed: int
    ends: int
    size: int
    path: str


class FolderResults:
    """A `ResultStore` in a folder that is made with the first result, for this user alone.

    A file appears by an atomic rename, so no process sees half of one. Its name is a hash; its time of modification
    is when its result's life ends. The folder is looked over with each result, in a millisecond for a hundred files:
    where many are kept, SQLite is quicker. Other files in it are left alone.

    Args:
        folder: where; a relative path begins at the working directory of the first use.
        clock: seconds since the epoch, for tests.
    """

    durable = True

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder.absolute()
        self._clock = clock

    def put(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """See `ResultStore.put`."""
        data = pack(kept)
        if len(data) > max_bytes:
            raise too_large(len(data), max_bytes)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._path(scope, handle)
            self._make_room(max_bytes - len(data), replaced=path)
            self._write(path, data, self._clock() + ttl)
        except OSError as error:
            raise self._failed(error) from error

    async def aput(self, scope: str, handle: str, kept: Kept, *, ttl: float, max_bytes: int) -> None:
        """`put`, on a thread."""
        await asyncio.to_thread(self.put, scope, handle, kept, ttl=ttl, max_bytes=max_bytes)

    def get(self, scope: str, handle: str) -> Kept | None:
        """See `ResultStore.get`."""
        try:
            data = self._read(self._path(scope, handle))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failed(error) from error
        return None if data is None else unpack(data, f"the folder {self._folder}")

    async def aget(self, scope: str, handle: str) -> Kept | None:
        """`get`, on a thread."""
        return await asyncio.to_thread(self.get, scope, handle)

    def close(self) -> None:
        """Nothing is open."""

    def _path(self, scope: str, handle: str) -> str:
        return os.path.join(self._folder, f"{entry_name(scope, handle)}.result")  # noqa: PTH118 made of a hash

    def _read(self, path: str) -> bytes | None:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINKS)
        try:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or state.st_mtime <= self._clock():
                return None
            with open(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)

    def _write(self, path: str, data: bytes, ends: float) -> None:
        part = os.path.join(self._folder, f"{uuid.uuid4().hex}.part")  # noqa: PTH118
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123
                file.write(data)
            os.utime(part, (ends, ends))
            os.replace(part, path)  # noqa: PTH105
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)  # noqa: PTH108
            raise

    def _make_room(self, room: int, replaced: str) -> None:
        """Take away what has expired, and of the rest the oldest until `room` bytes hold them."""
        now = self._clock() * 1e9
        files: list[_File] = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # another process took it away
                    state = entry.stat(follow_symlinks=False)
                    if _PART.fullmatch(entry.name) and state.st_ctime < time.time() - _ABANDONED:
                        _remove(entry.path)
                    elif not _ENTRY.fullmatch(entry.name) or not stat.S_ISREG(state.st_mode) or entry.path == replaced:
                        continue
                    elif state.st_mtime_ns <= now:
                        _remove(entry.path)
                    else:
                        files.append(_File(state.st_ctime_ns, state.st_mtime_ns, state.st_size, entry.path))
        total = sum(file.size for file in files)
        for file in sorted(files):
            if total <= room:
                break
            _remove(file.path)
            total -= file.size

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(
            f"The folder {self._folder} cannot be used for results: {error.strerror or error}. Free some space or give "
            "it to this user, or name another one in results.store."
        )


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108

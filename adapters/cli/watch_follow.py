"""Reading a file of events as it grows."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from leanloop.errors import UsageError

__all__ = ["Followed"]

_MOST = 64 * 1024 * 1024
"""Bytes from the end of a file that are read of what was there before; a minute's look at a year's file ends soon."""

_CHUNK = 1024 * 1024

_LONGEST = 4 * 1024 * 1024
"""Bytes of a line; what is longer is none of ours."""


class Followed:
    """A file of events: gives the rows that are new. One that is moved away or cut off is begun anew.

    Args:
        path: of the file, which may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped = 0
        """Bytes at its beginning that were not read."""
        self._file: BinaryIO | None = None
        self._rest = b""

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows since the last time, one at a time; what is no JSON object is passed over.

        Raises:
            UsageError: it cannot be read.
        """
        try:
            if self._file is not None and self._replaced():
                yield from self._read(self._file)  # what was written before it was moved away
                self.close()
            if self._file is not None or self._open():
                yield from self._read(self._file)
        except OSError as error:
            self.close()
            raise UsageError(f"{self.path} cannot be read: {error.strerror}.") from error

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _open(self) -> bool:
        try:
            kind = self.path.stat().st_mode
            if not stat.S_ISREG(kind):
                raise UsageError(f"{self.path} is no file of events: name the one that the budget file's events names.")
            self._file = self.path.open("rb")
        except FileNotFoundError:
            return False
        before = os.fstat(self._file.fileno()).st_size - _MOST
        if before > 0:
            self.skipped = self._file.seek(before)
            self._file.readline()  # what is left of the line it fell upon
        return True

    def _replaced(self) -> bool:
        if self._file is None:
            return False
        held = os.fstat(self._file.fileno())
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return True
        return not os.path.samestat(held, now) or held.st_size < self._file.tell()

    def _read(self, file: BinaryIO | None) -> Iterator[dict[str, Any]]:
        """Up to where it ends now: of one that grows faster than it is read, the rest comes the next time."""
        if file is None:
            return
        left = os.fstat(file.fileno()).st_size - file.tell()
        while left > 0 and (read := file.read(min(left, _CHUNK))):
            left -= len(read)
            *lines, self._rest = (self._rest + read).split(b"\n")
            if len(self._rest) > _LONGEST:
                self._rest = b""
            for line in lines:
                if len(line) <= _LONGEST and (row := _row(line)) is not None:
                    yield row


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", row) if isinstance(row, dict) else None
